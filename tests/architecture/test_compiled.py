"""The modules that are compiled: they exist, and hold nothing a compiler would break."""

import ast
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.repository import ROOT

HOOK = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"][
    "build"
]["targets"]["wheel"]["hooks"]["mypyc"]


def compiled() -> list[Path]:
    """Return the modules that `make compile` compiles."""
    found = [path for pattern in HOOK["include"] for path in sorted(ROOT.glob(pattern))]
    return [
        path
        for path in found
        if not any(
            fnmatch(path.name, rule) or str(path.relative_to(ROOT)) == rule
            for rule in HOOK["exclude"]
        )
    ]


def test_every_pattern_names_a_module() -> None:
    """A module that moves away would be interpreted without anybody noticing."""
    assert [pattern for pattern in HOOK["include"] if not list(ROOT.glob(pattern))] == []


@pytest.mark.parametrize("path", compiled(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_compiled_module_holds_types_that_are_read_at_run_time(path: Path) -> None:
    """msgspec reads annotations, and a compiled class has lost them: Structs lie elsewhere."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    structs = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id == "Struct" for base in node.bases)
    ]
    assert structs == []


@pytest.mark.parametrize("path", compiled(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_compiled_slice_does_anything(path: Path) -> None:
    """What is called within the bounds of a slice is called twice by compiled code."""
    assert list(rules.doing_slices(ast.parse(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize("path", compiled(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_compiled_set_is_cut_with_a_view(path: Path) -> None:
    """`frozenset & keys()` is a `set`, which compiled code refuses; `keys() & frozenset` is not."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(rules.views_joined_from_the_right(tree)) == []


@pytest.mark.parametrize("path", compiled(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_compiled_constant_is_final(path: Path) -> None:
    """What is not `Final` is looked up by its name wherever compiled code reads it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert list(rules.constants_that_may_change(tree)) == []
