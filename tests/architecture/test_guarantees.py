"""Every promise of docs/guarantees.md names tests, and those tests are there."""

import ast
import re

from tests.architecture.repository import ROOT, functions, imported_modules, syntax

PAGE = ROOT / "docs" / "guarantees.md"
PROMISE = re.compile(r"^\*\*I(\d+)\. ", re.M)
NAMED = re.compile(r"^- `(tests/[\w/]+\.py)(?:::(test_\w+))?`$", re.M)
PROMISES = 12
CHECKING = {
    "tests.torture.checker.check",
    "tests.torture.checker.check_journals",
    "tests.torture.aftermath.verify",
    "tests.torture.rounds.Round",
}
"""What runs the checker."""


def promises() -> dict[int, str]:
    """Return what stands under each promise, by its number."""
    text = PAGE.read_text(encoding="utf-8").partition("\n## Bad input")[0]
    _, *parts = PROMISE.split(text)
    return dict(zip(map(int, parts[::2]), parts[1::2], strict=True))


def test_all_twelve_promises_are_made() -> None:
    """None is left out, and each names at least one test."""
    found = promises()

    assert sorted(found) == list(range(1, PROMISES + 1))
    assert [number for number, text in found.items() if not NAMED.search(text)] == []


def test_the_checker_runs_for_every_promise() -> None:
    """Of the tests that each names, the outsider's checker has the last word in one at least."""
    without = []
    for number, text in promises().items():
        modules = {syntax(ROOT / path) for path, _ in NAMED.findall(text)}
        found = {module for tree in modules for module, _ in imported_modules(tree)}
        if not found & CHECKING:
            without.append(number)

    assert without == []


def test_every_named_test_exists() -> None:
    """A promise whose test was renamed or removed would be a claim."""
    for path, name in NAMED.findall(PAGE.read_text(encoding="utf-8")):
        file = ROOT / path
        assert file.exists(), path
        defined = {node.name for node in functions(syntax(file))}
        tests = {each for each in defined if each.startswith("test_")}
        # A state machine's test is a class.
        assert tests or any("TestCase" in ast.unparse(node) for node in syntax(file).body), path
        assert not name or name in tests, f"{path}::{name}"
