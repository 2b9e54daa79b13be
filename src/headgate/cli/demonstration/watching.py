"""How a running demonstration is shown: a live picture in a terminal, lines elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live

from headgate.cli.demonstration.commands import lines_to_paste
from headgate.cli.demonstration.figures import read_figures
from headgate.cli.demonstration.organisation import CONFIG_NAME, VISITOR
from headgate.cli.demonstration.screen import Moment, picture, plain_line
from headgate.cli.demonstration.stage import Stage

LINE_EVERY_S = 2


def introduce(stage: Stage, console: Console, *, kept: bool) -> None:
    """Say where everything is, and how to try it."""
    url, key = stage.gateway_url, stage.keys[VISITOR]
    body = '{"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}'
    config = stage.wanted.data_dir / CONFIG_NAME
    directory = f"{stage.wanted.data_dir}{'' if kept else '  (removed at the end)'}"
    lines = (
        "",
        "Headgate runs. The providers are simulated: nothing here costs real money.",
        "",
        f"  Gateway  {url}  (for OpenAI's clients: {url}/v1)",
        f"  Console  {stage.console_url}",
        f"  Data     {directory}",
        "",
        "  Your key, and a call to try it with:",
        "",
        f"  export HEADGATE_KEY={key}",
        f"  curl -s {url}/v1/chat/completions -H 'authorization: Bearer {key}'"
        f" -H 'content-type: application/json' -d '{body}'",
        "",
        "  To look at its books from another terminal, in this folder"
        " (then also: calls, explain CALL, check-books):",
        "",
        *(f"  {line}" for line in lines_to_paste(config, stage.wanted.data_dir, sys.argv[0])),
        "",
    )
    for line in lines:
        console.out(line, highlight=False)


@contextmanager
def watching(stage: Stage, console: Console) -> Iterator[Callable[[int], None]]:
    """Yield what is called, with the seconds so far, to show how things stand."""
    if not console.is_terminal:
        yield _lines(stage, console)
        return
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        addresses = f"Gateway {stage.gateway_url}   Console {stage.console_url}"

        def draw(elapsed_s: int) -> None:
            figures = read_figures(stage.wanted.data_dir, stage.snapshot, stage.started_ns)
            moment = Moment(
                elapsed_s, stage.added.added_ms, console.height, console.width, addresses
            )
            live.update(picture(figures, moment), refresh=True)

        yield draw


def _lines(stage: Stage, console: Console) -> Callable[[int], None]:
    due_s = 0

    def write(elapsed_s: int) -> None:
        nonlocal due_s
        if elapsed_s < due_s:
            return
        due_s = elapsed_s + LINE_EVERY_S
        figures = read_figures(stage.wanted.data_dir, stage.snapshot, stage.started_ns)
        console.out(plain_line(figures, elapsed_s), highlight=False)

    return write
