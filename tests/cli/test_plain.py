"""What clients and providers have said is shown as text: it steers no terminal, forges no line."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from headgate.cli.output import print_json
from headgate.identity.registry import FrozenNode, set_frozen
from headgate.ledger import tables
from headgate.store.migrate import open_store
from headgate.units.plain import plain

NOON_NS = 1_762_776_000_000_000_000
STEERS = "fast\x1b]0;mine\x07\x9b31m\u202e\nposted 9 USD"
SHOWN = "fast?]0;mine??31m??posted 9 USD"


@pytest.fixture
def _asked(books: Path) -> None:
    """A call and a refused one that asked for a model by a name that steers."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        for table in (tables.route, tables.refusal):
            connection.execute(update(table).values(asked=STEERS))
    engine.dispose()


@pytest.mark.usefixtures("_asked")
@pytest.mark.parametrize("command", [("calls",), ("explain", "call_a"), ("explain", "call_d")])
def test_a_name_of_a_clients_own_steers_no_terminal(
    headgate: Any, command: tuple[str, ...]
) -> None:
    """Neither in a list nor when a call is explained; on a terminal colours are let through."""
    shown = headgate(*command, color=True).stdout

    assert SHOWN in shown
    assert not any(steers in shown for steers in ("\x1b]", "\x07", "\x9b", "\u202e"))
    assert "\nposted 9 USD" not in shown


@pytest.mark.usefixtures("_asked")
def test_programs_get_it_as_it_was(headgate: Any) -> None:
    """JSON has escapes of its own, for what a terminal obeys as well."""
    shown = headgate("calls", "--json").stdout

    assert json.loads(shown)[0]["asked"] == STEERS
    assert r"fast\u001b]0;mine\u0007\u009b31m\u202e\nposted 9 USD" in shown
    assert all(one.isprintable() for one in shown.splitlines())


@pytest.mark.parametrize("text", ["\U000e0041 née 東京 😀", "1\u202f000\xa0USD", "\x7f"])
def test_json_says_the_same_with_escapes(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """Also what needs two of them, beyond the sixteen bits that one has."""
    print_json({text: text})

    shown = capsys.readouterr().out
    assert json.loads(shown) == {text: text}
    assert all(one.isprintable() for one in shown.splitlines())


def test_a_reason_steers_no_terminal(headgate: Any, books: Path) -> None:
    """Nor one given by a program for a freeze, told by two commands in sentences."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        set_frozen(connection, FrozenNode("team:research", NOON_NS, STEERS))
    engine.dispose()

    shown = [headgate(command, color=True).stdout for command in ("budgets", "doctor")]

    assert all(SHOWN in each for each in shown)
    assert not any("\x1b]" in each or "\nposted" in each for each in shown)


def test_a_store_that_was_tampered_with_steers_no_terminal(headgate: Any, books: Path) -> None:
    """The check of the books names what differs, whatever it is called by now."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        connection.execute(update(tables.attempt).values(attempt=tables.attempt.c.attempt + STEERS))
    engine.dispose()

    shown = headgate("check-books", color=True).stdout

    assert SHOWN in shown
    assert "\x1b]" not in shown


def test_a_configuration_of_others_steers_no_terminal(headgate: Any, books: Path) -> None:
    """It is often checked before it is read."""
    with (books / "headgate.toml").open("a") as file:
        file.write('["fast\\u001b]0;mine\\u0007"]\n')

    shown = headgate("doctor", color=True).stdout

    assert "fast?]0;mine?" in shown
    assert "\x1b]" not in shown


def test_a_complaint_steers_no_terminal(headgate: Any) -> None:
    """What was typed may have been pasted."""
    result = headgate("explain", "call_\x1b]0;mine\x07", color=True)

    assert "There is no call call_?]0;mine?.\n" in result.stderr


def test_the_answer_of_a_report_steers_no_terminal(headgate: Any, tmp_path: Path) -> None:
    """Whoever tells an outcome names the task as they like, and reports name it in sentences."""
    rows = ["fix\x1b]0;mine\x07,big,4,1", *["fix\x1b]0;mine\x07,small,1,0"] * 60]
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text("\n".join(["workflow,model,cost_usd,resolved", *rows]))

    shown = headgate("roi", str(outcomes), color=True).stdout

    assert "big at fix?]0;mine?" in shown
    assert "\x1b]" not in shown


@pytest.mark.parametrize("text", ["née 東京 😀", "1\u202f000\xa0USD", ""])
def test_what_can_be_shown_is_left_alone(text: str) -> None:
    """Letters of any script, and spaces of any width."""
    assert plain(text) == text
