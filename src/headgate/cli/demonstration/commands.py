"""The lines a visitor pastes into another terminal, to look at the running node from there."""

import shlex
import shutil
import sys
from pathlib import Path

PROGRAM = "headgate"


def lines_to_paste(config: Path, data_dir: Path, started_as: str) -> tuple[str, str]:
    """Return what names the node to the other commands, and one of these.

    Args:
        config: The configuration file.
        data_dir: Where store and journals are.
        started_as: The first word of this program's command line, as `sys.argv` has it.
    """
    named = {"HEADGATE_CONFIG": config, "HEADGATE_DATA_DIR": data_dir}
    settings = (f"{name}={shlex.quote(str(path.resolve()))}" for name, path in named.items())
    return f"export {' '.join(settings)}", f"{program(started_as)} budgets"


def program(started_as: str) -> str:
    """Return how to start the commands again in the same folder: as this one was started."""
    path = Path(started_as)
    if path.name != PROGRAM:
        # A module that Python was asked to run: its file is no command.
        return f"{shlex.quote(sys.executable)} -m headgate"
    found = shutil.which(PROGRAM)
    if found is not None and path.exists() and path.samefile(found):
        return PROGRAM
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))
