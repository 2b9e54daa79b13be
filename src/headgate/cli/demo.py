"""`headgate demo`: see the gateway at work, with simulated providers and real clients."""

import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headgate.cli.demonstration.bill import Comparison
from headgate.cli.demonstration.course import close, until_told, watch
from headgate.cli.demonstration.ports import HOST, free_port, is_free
from headgate.cli.demonstration.result import Result, summary
from headgate.cli.demonstration.sessions.show import show
from headgate.cli.demonstration.stage import Wanted, staged
from headgate.cli.demonstration.watching import introduce, watching
from headgate.cli.options import AsJson
from headgate.cli.output import EXIT_NO, fail, print_json

app = typer.Typer()

GATEWAY_PORT = 8080
CONSOLE_PORT = 8081
SECONDS_BY_UNIT = {"": 1, "s": 1, "m": 60, "h": 3600}
EXIT_INTERRUPTED = 130
DIFFERENCES_SHOWN = 20


@app.command()
def demo(  # noqa: PLR0913 - an option is a parameter
    for_text: Annotated[
        str | None, typer.Option("--for", metavar="20s", help="How long; else until Ctrl-C.")
    ] = None,
    as_json: AsJson = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where store and journals go, to be kept.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The gateway's; 0 takes a free one.")] = None,
    console_port: Annotated[int | None, typer.Option(help="The console's.")] = None,
    seed: Annotated[int, typer.Option(help="What the traffic follows from.")] = 1,
    sessions: Annotated[
        bool, typer.Option("--sessions", help="Show instead what is promised of sessions.")
    ] = False,
) -> None:
    """Start simulated providers, a node and clients; show it all; check the books at the end.

    With --sessions: coding agents of a hundred turns, an outage, a model that becomes worse, two
    accounts, and what has to stay in the EU. Each promise is measured; one that does not hold, or
    books that do not agree, are exit code 1.
    """
    # The other client is there, for it was imported above.
    if importlib.util.find_spec("openai") is None:
        fail("The clients of the demonstration are missing.", "Install headgate[demo].")
    if sessions:
        if for_text is not None or port is not None or console_port is not None:
            fail("--sessions takes as long as it takes, on free ports.", "Leave those options out.")
        _show_sessions(data_dir, seed, as_json=as_json)
        return
    for_s = None if for_text is None else parse_duration(for_text)
    output = Console(stderr=as_json)
    addresses = _addresses(port, console_port, output)
    try:
        with (
            until_told() as stopping,
            _directory(data_dir) as folder,
            staged(Wanted(folder, *addresses, for_s=for_s, seed=seed)) as stage,
        ):
            introduce(stage, output, kept=data_dir is not None)
            with watching(stage, output) as look:
                watch(stage, stopping, look)
            output.out("\nStopping the traffic and checking the books ...", highlight=False)
            result, compared = close(stage)
    except KeyboardInterrupt:
        output.out("\nEnded at once; the books were not checked.", highlight=False)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _tell(result, compared, output, as_json=as_json)


def _show_sessions(data_dir: Path | None, seed: int, *, as_json: bool) -> None:
    with _directory(data_dir) as folder:
        holds = show(folder, seed, as_json=as_json)
    if not holds:
        raise typer.Exit(EXIT_NO)


def parse_duration(text: str) -> int:
    """Return the seconds in `20s`, `2m`, `1h` or `20`; ends the command when it is none."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh]?)", text)
    if found is None:
        fail(f"{text!r} is not a length of time.", "Write 20s, 2m or 1h.")
    return int(found[1]) * SECONDS_BY_UNIT[found[2]]


def _addresses(port: int | None, console_port: int | None, output: Console) -> tuple[str, str]:
    gateway = _choose(port, GATEWAY_PORT, "--port", output)
    console = _choose(console_port, CONSOLE_PORT, "--console-port", output)
    return f"{HOST}:{gateway}", f"{HOST}:{console}"


def _choose(given: int | None, usual: int, option: str, output: Console) -> int:
    wanted = usual if given is None else given
    if wanted == 0:
        return free_port()
    if is_free(wanted):
        return wanted
    if given is not None:
        fail(f"Port {given} is taken.", f"Give another with {option}; 0 takes a free one.")
    port = free_port()
    output.out(f"Port {usual} is taken; using {port}. Choose one with {option}.", highlight=False)
    return port


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="headgate-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _tell(result: Result, compared: Comparison, output: Console, *, as_json: bool) -> None:
    for difference in compared.differences[:DIFFERENCES_SHOWN]:
        output.out(f"Differs: {difference}", highlight=False)
    if as_json:
        print_json(result)
    else:
        output.out(summary(result), highlight=False)
    if not result.balanced or compared.differences:
        raise typer.Exit(EXIT_NO)
