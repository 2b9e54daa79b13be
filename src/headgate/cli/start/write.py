"""Writing a new configuration: for its owner alone, and never over one that is there."""

from pathlib import Path

from headgate.cli.output import EXIT_NO, fail
from headgate.store.private import private


def check_new(path: Path) -> None:
    """End the command when there is a file already."""
    if path.exists():
        fail(f"{path} is there already.", "Change it, or write elsewhere with --dir.", EXIT_NO)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet; ends the command when that cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # For its owner alone, like what it may hold.
        with open(path, "x", encoding="utf-8", opener=private) as file:
            file.write(text)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.", "Choose a folder of yours: --dir.")
