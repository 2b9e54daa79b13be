"""How it is shown: what happens while it runs, the promises with their figures at the end."""

from pathlib import Path

from rich.console import Console
from rich.progress import Progress, TextColumn

from headgate.cli.demonstration.sessions.course import SCENES, demonstrate
from headgate.cli.demonstration.sessions.result import summary
from headgate.cli.output import print_json


def show(data_dir: Path, seed: int, *, as_json: bool) -> bool:
    """Play it and print what it came to; returns whether every promise holds.

    Raises:
        DemonstrationError: Something did not start, a call was not answered that had to be, or it
            does not come into the books.
        StoreError: The store cannot be read.
    """
    console = Console(stderr=True)
    bar = Progress(
        *Progress.get_default_columns()[1:2],
        TextColumn("{task.description}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=SCENES, completed=-1)

        def begin(scene: str) -> None:
            bar.update(task, advance=1, description=scene)
            if not console.is_terminal:
                console.out(f"{scene} ...", highlight=False)

        result = demonstrate(data_dir, seed, begin)
    if as_json:
        print_json(result)
    else:
        Console().out(summary(result), highlight=False)
    return result.holds
