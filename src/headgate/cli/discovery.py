"""Finding commands: each file of this folder with an `app` or a `NAME` is one.

Files are read for their docstring, not imported, so that `headgate --help` is quick however
much a command needs; a command is imported when it is run.
"""

import ast
import importlib
import pkgutil
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from headgate.cli.plain_values import check_plainly

FOLDER = Path(__file__).parent
_MARK = re.compile(r"^(?:app|NAME) = ", re.MULTILINE)
_NAME = re.compile(r'^NAME = "([^"]+)"', re.MULTILINE)
_COMPLETION = {"install_completion", "show_completion"}
"""Options that belong to `headgate` alone."""


class Found(NamedTuple):
    """A command that lies in the folder.

    Attributes:
        name: `NAME` of the file, else the file's own name with dashes.
        module: The file's name without its ending.
        help: What the file's docstring says behind the first colon.
    """

    name: str
    module: str
    help: str


@cache
def discover(folder: Path = FOLDER) -> dict[str, Found]:
    """Return the commands by name, sorted."""
    modules = (info.name for info in pkgutil.iter_modules([str(folder)]) if not info.ispkg)
    found = (_look_at(folder / f"{module}.py") for module in modules if module != "main")
    return {one.name: one for one in sorted(one for one in found if one is not None)}


def _look_at(path: Path) -> Found | None:
    # Every start looks at all of them, and syntax trees of whole files would be most of it.
    text = path.read_text("utf-8")
    if not _MARK.search(text):
        return None
    name = _NAME.search(text)
    told = ast.get_docstring(ast.parse(text[: text.find('"""', 3) + 3])) or ""
    summary = " ".join(told.partition("\n\n")[0].partition(": ")[2].split())
    given = name[1] if name else path.stem.replace("_", "-")
    return Found(given, path.stem, summary[:1].upper() + summary[1:])


def command_of(found: Found) -> TyperCommand | TyperGroup:
    """Import a command and return it ready to run.

    The file has an `app` (a Typer), or a `register(app)` that adds its command to one.
    """
    module = importlib.import_module(f"headgate.cli.{found.module}")
    command = get_command(_app_of(module))
    assert isinstance(command, TyperCommand | TyperGroup), found.name
    command.name = found.name
    command.params = [one for one in command.params if one.name not in _COMPLETION]
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        # What stands in a list is not cut at the width of a line.
        below.short_help = (below.help or "").partition("\n\n")[0]
    check_plainly(command)
    return command


def _app_of(module: ModuleType) -> typer.Typer:
    app = getattr(module, "app", None)
    if not isinstance(app, typer.Typer):
        app = typer.Typer()
        module.register(app)
    # Plain help can be read at any width, and in a file.
    app.rich_markup_mode = None
    return app
