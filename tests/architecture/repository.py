"""What lies in the repository, for the tests that look at it as text and as syntax."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "headgate"
FOLDERS = ("src", "deploy", "tests", "bench", "docs", "scripts", ".ci", "requirements")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """Return the Python files in `folders` (default: src, tests and bench), in name order."""
    return tuple(
        sorted(
            path
            for folder in folders or ("src", "tests", "bench")
            for path in (ROOT / folder).rglob("*.py")
        )
    )


def text_files() -> Iterator[tuple[Path, str]]:
    """Yield every file of the project that is text, with its text; vendored files are left out."""
    paths = [path for path in ROOT.iterdir() if path.is_file() and not path.name.startswith(".git")]
    for folder in FOLDERS:
        paths += (path for path in (ROOT / folder).rglob("*") if path.is_file())
    for path in sorted(paths):
        if "__pycache__" in path.parts or "vendor" in path.parts:
            continue
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # not text, so none of the rules about text can speak of it


def rooms() -> set[str]:
    """Return the rooms that exist: `units/` for a package, `app.py` for a module beside them."""
    packages = {
        f"{path.name}/" for path in SOURCE.iterdir() if path.is_dir() and list(path.rglob("*.py"))
    }
    modules = {path.name for path in SOURCE.glob("*.py") if not path.name.startswith("__")}
    return packages | modules


def inside(path: Path) -> str:
    """Return the path of a source module inside the package, such as `ledger/holds.py`."""
    return path.relative_to(SOURCE).as_posix()


@cache
def syntax(path: Path) -> ast.Module:
    """Return the parsed module."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def called_name(call: ast.Call) -> str:
    """Return the last part of what is called: `now` for `datetime.now()`; "" if it has no name."""
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def imported_modules(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each module that is imported, in full, with its line; `from a import b` gives `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
