"""Crash points: every write of the code that keeps money is a place where a process can be killed.

    HEADGATE_CRASH=/tmp/armed python ...        with tests/torture/crashing on PYTHONPATH

Nothing in the product knows of this. A finder stands before Python's own, and hands out the modules
of `PLACES` with a call between their statements: before and after each commit, after each write,
and in the middle of each store into a file. So the sites are found in the code itself, none can be
forgotten, and a product that is installed has none. Armed by a file that says `SITE N`, the process
that comes to the site for the N-th time removes the file and dies by SIGKILL.
"""

import ast
import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from mmap import mmap
from pathlib import Path
from types import CodeType, ModuleType

SOURCE = Path(__file__).parents[2] / "src" / "headgate"
PLACES = (
    *("store/journal_*.py", "store/disk.py", "store/audit.py"),
    *("ledger/keeper*.py", "ledger/store_*.py", "budgets/store_*.py"),
    *("gateway/money/books.py", "governance/keeper.py", "identity/registry.py"),
    *("node/commands.py", "node/approving.py", "node/in_force.py"),
)
WRITES = frozenset(
    {"_append", "_store", "_write", "append", "unlink", "truncate", "close_leases", "sync"}
    | {"sync_folder", "fsync", "fdatasync", "pwrite", "write", "mkdir", "take_room"}
)
APPENDED = ("journal", "reader", "writer", "audit")
"""What is appended to there is no list."""
SQL = ("insert(", "update(", "delete(", "exec_driver_sql(", ".on_conflict", "statement")
ARMED = "HEADGATE_CRASH"
POINT, HALF = "_crash_point", "_crash_half"


class _Sites(ast.NodeTransformer):
    """Puts a call at every site of a module, and names the sites."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._function: list[str] = []
        self._count: Counter[str] = Counter()
        self.sites: list[str] = []

    def _name(self, what: str) -> str:
        where = f"{self._module}:{'.'.join(self._function)}:{what}"
        self._count[where] += 1
        name = f"{where}#{self._count[where]}"
        self.sites.append(name)
        return name

    def _point(self, what: str) -> ast.stmt:
        return ast.parse(f"{POINT}({self._name(what)!r})").body[0]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Go into a function under its name."""
        self._function.append(node.name)
        self.generic_visit(node)
        self._function.pop()
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        """Put points before and after a commit, whichever way its block is left."""
        self.generic_visit(node)
        entered = ast.unparse(node.items[0].context_expr)
        if not entered.endswith((".begin()", "._change()")):
            return node
        node.body = [
            ast.Try(node.body, [], [], [self._point("before the commit")]),
        ]
        return ast.Try([node], [], [], [self._point("after the commit")])

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        """Put a point after a statement that writes."""
        self.generic_visit(node)
        if not self._function or not isinstance(node.value, ast.Call):
            return node
        name = getattr(node.value.func, "attr", getattr(node.value.func, "id", ""))
        text = ast.unparse(node.value)
        sql = name in {"execute", "exec_driver_sql"} and any(each in text for each in SQL)
        if name not in WRITES and not sql:
            return node
        if name == "append" and not any(each in text for each in APPENDED):
            return node
        halves: list[ast.stmt] = []
        if name == "pwrite":
            halves = self._half(*node.value.args)
        return [*halves, node, self._point(name)]

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        """Put points into the middle of a store into a segment, and after it."""
        self.generic_visit(node)
        target = node.targets[0]
        if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Slice):
            return node
        assert target.slice.lower is not None
        return [*self._half(target.value, node.value, target.slice.lower), node, self._point("map")]

    def _half(self, where: ast.expr, data: ast.expr, at: ast.expr) -> list[ast.stmt]:
        name = self._name("half")
        told = ", ".join(ast.unparse(each) for each in (where, data, at))
        return ast.parse(f"{HALF}({name!r}, {told})").body


class _Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        """Compile with points; nothing of it is cached."""
        path = Path(self.get_filename(fullname))
        tree, _ = instrumented(path)
        return compile(tree, str(path), "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Hand out the modules of `PLACES` with their points."""
        file = SOURCE.parent.joinpath(*fullname.split(".")).with_suffix(".py")
        if not file.is_relative_to(SOURCE) or not is_place(file):
            return None
        return importlib.util.spec_from_file_location(
            fullname, file, loader=_Loader(fullname, str(file))
        )


def is_place(file: Path) -> bool:
    """Tell whether a module has points."""
    inside = file.relative_to(SOURCE).as_posix()
    return any(fnmatch(inside, place) for place in PLACES)


def instrumented(file: Path) -> tuple[ast.Module, list[str]]:
    """Return a module with its points, and their names."""
    sites = _Sites(file.relative_to(SOURCE).as_posix().removesuffix(".py"))
    tree = sites.visit(ast.parse(file.read_text(encoding="utf-8")))
    return ast.fix_missing_locations(tree), sites.sites


def all_sites() -> list[str]:
    """Return the names of all points in the code, in order."""
    files = sorted(file for file in SOURCE.rglob("*.py") if is_place(file))
    return [name for file in files for name in instrumented(file)[1]]


class Trap:
    """Counts how often each site is come to, and kills at the one that is armed.

    Attributes:
        hits: By site.
        camera: Called with a site and how often it was come to, instead of dying there; None for
            no pictures.
    """

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()
        self.armed: tuple[str, int] | None = None
        self.camera: Callable[[str, int], None] | None = None
        self._file = os.environ.get(ARMED)

    def point(self, name: str) -> None:
        """Die here, if that is asked for."""
        if self._springs(name):
            _die()
        if self.camera is not None:
            self.camera(name, self.hits[name])

    def half(self, name: str, where: mmap | int, data: bytes, at: int) -> None:
        """Write the first half of what is to be written, and die; or do nothing."""
        springs = self._springs(name)
        if not springs and self.camera is None:
            return
        part = data[: len(data) // 2]
        if isinstance(where, int):
            os.pwrite(where, part, at)
        else:
            where[at : at + len(part)] = part
        if springs:
            _die()
        elif self.camera is not None:
            self.camera(name, self.hits[name])

    def _springs(self, name: str) -> bool:
        self.hits[name] += 1
        if self._file is not None and Path(self._file).exists():
            site, _, count = Path(self._file).read_text().rpartition(" ")
            if site == name and self.hits[name] >= int(count):
                Path(self._file).unlink()
                return True
        return self.armed == (name, self.hits[name])


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def install() -> Trap:
    """Hand out modules with points from now on; those that are imported already have none."""
    trap = Trap()
    setattr(builtins, POINT, trap.point)
    setattr(builtins, HALF, trap.half)
    sys.meta_path.insert(0, _Finder())
    return trap
