"""What clients and providers have said is shown as text: it steers no terminal, forges no line."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from headgate.cli.output import plain
from headgate.ledger import tables
from headgate.store.migrate import open_store

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
    """JSON has escapes of its own."""
    assert r"\u001b]0;mine" in headgate("calls", "--json").stdout


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
