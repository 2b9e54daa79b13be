"""Each house rule objects to what it is against, and to nothing else."""

import ast
from collections.abc import Callable, Iterable

import pytest

from tests.architecture import rules

Rule = Callable[[ast.AST], Iterable[str]]

CASES: list[tuple[Rule, str, str]] = [
    (rules.floats, "price: float = read()", "price: Decimal = read()"),
    (rules.floats, "price = 0.5", "price = Decimal('0.5')"),
    (rules.floats, "price = float(text)", "refuse = isinstance(price, float)"),
    (rules.impurities, "from time import monotonic", "from datetime import datetime"),
    (rules.impurities, "at = datetime.now()", "def age(now): return now - 1"),
    (rules.impurities, "import os.path", "import posixpath"),
    (rules.impurities, "open('x')", "ledger.open('x')"),
    (rules.impurities, "async def f(): pass", "def f(): pass"),
    (rules.chance, "from secrets import token_hex", "from headgate.identity import secrets"),
    (rules.provider_names, "if kind == 'openai': pass", "if kind == own_kind: pass"),
    (rules.provider_names, "import headgate.providers.deepseek", "import headgate.providers.port"),
    (rules.provider_names, "def openai_usage(): pass", "def f():\n    'As OpenAI does.'"),
    (rules.composed_sql, "text(f'SELECT {name}')", "text('SELECT :name')"),
    (rules.composed_sql, "db.execute('SELECT ' + name)", "db.execute(select(calls))"),
    (rules.composed_sql, "db.execute('SELECT {}'.format(name))", "db.execute(QUERY, [name])"),
    (rules.echoes, "typer.echo(name)", "say(name)"),
    (rules.echoes, "print(name)", "print_table(names)"),
    (rules.dynamic_imports, "importlib.import_module(name)", "import importlib"),
    (rules.doing_slices, "view = view[file.write(view) :]", "view = view[len(view) - 1 :]"),
    (rules.sleeps, "import time\ntime.sleep(1)", "clock.sleep(1)"),
    (rules.sleeps, "from time import sleep\nsleep(1)", "sleep(1)"),
    (rules.tests_without_a_sentence, "def test_x(): pass", "def test_x():\n    'It is so.'"),
]


@pytest.mark.parametrize(("rule", "wrong", "right"), CASES)
def test_a_rule_knows_wrong_from_right(rule: Rule, wrong: str, right: str) -> None:
    """A rule that never objects protects nothing, and one that always does is in the way."""
    assert list(rule(ast.parse(wrong)))
    assert not list(rule(ast.parse(right)))


@pytest.mark.parametrize("code", ["", ": PLC0415"])
def test_a_linter_is_silenced_by_code_only(code: str) -> None:
    """A bare `noqa` hides what nobody has looked at, and late imports are never excused."""
    marker = "# " + "noqa"  # in two parts, so that this line is not one itself

    assert list(rules.silenced_linters(f"x = 1  {marker}{code}"))
    assert not list(rules.silenced_linters(f"x = 1  {marker}: S324"))
