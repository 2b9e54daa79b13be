"""The live picture, drawn from figures that are made up."""

from dataclasses import replace
from io import StringIO

from rich.console import Console

from headgate.budgets.standing import Standing
from headgate.cli.demonstration.figures import Figures, Session
from headgate.cli.demonstration.screen import Moment, picture, plain_line, usd
from headgate.insights.calls import AttemptRow, Refused, RefusedRow
from headgate.insights.totals import Totals
from tests.demo.test_bill import attempt

MESSAGE = "Budget 'sam-trial' refuses: this call may cost up to $0.01."


def step(prompt: int, cached: int, posted_nanos: int) -> AttemptRow:
    """Return a step of an agent's session."""
    usage = {"input_uncached": prompt - cached, "cache_read": cached, "output_text": 20}
    return replace(attempt("reply", posted_nanos), run="review-1", usage=usage)


def figures() -> Figures:
    """Return what a demonstration looks like after a while."""
    steps = (step(2_000, 0, 10_000_000), step(4_000, 2_000, 8_000_000), step(6_000, 5_900, 900_000))
    refused = RefusedRow(
        call="call_2",
        at_ns=2,
        principal="sam",
        team="research",
        key="sam",
        run=None,
        asked="gpt-5-5",
        chain=(),
        refused=Refused("budget_exceeded", MESSAGE, "sam-trial"),
    )
    return Figures(
        totals=Totals(None, 1_234, 5, 1_500_000_000, 0, 0, 0, 250_000_000),
        budgets=(
            Standing(
                id="sam-trial",
                node="principal:sam",
                period="once",
                renews_ns=None,
                limit_nanos=20_000_000,
                posted_nanos=10_000_000,
                held_nanos=5_000_000,
                lent_nanos=0,
                unaccounted_nanos=0,
                free_nanos=5_000_000,
            ),
        ),
        sessions=(Session("reviewer", "review-1", steps),),
        recent=(refused, *steps),
        cached_percent=66,
        refused=refused,
        refusing=frozenset({"sam-trial"}),
    )


def drawn(columns: int, lines: int = 40) -> str:
    """Return the picture as text."""
    console = Console(width=columns, height=lines, file=StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(picture(figures(), Moment(65, 0.4321, lines, columns, "Gateway http://here")))
    return captured.get()


def test_the_picture_shows_totals_budgets_sessions_and_calls() -> None:
    """Everything a visitor came for is on one screen."""
    shown = drawn(120)

    for text in ("1,234", "1:05", "$1.5000", "0.43 ms", "66 %", "sam-trial", "75 %", "refuses"):
        assert text in shown
    assert "████████████░░░░░░······" in shown
    assert "budget_exceeded" in shown
    assert MESSAGE in shown


def test_a_session_shows_its_cost_per_token_falling() -> None:
    """The little bars go down as more of the prompt comes from the cache."""
    shown = next(line for line in drawn(120).splitlines() if "review-1" in line and "█" in line)

    assert "█▃▁" in shown
    assert "98 %" in shown


def test_the_picture_fits_a_small_terminal() -> None:
    """No line is wider, and the picture is not taller, than 80 by 24."""
    lines = drawn(80, 24).splitlines()

    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_a_line_says_the_same_where_there_is_no_terminal() -> None:
    """Logs get one plain line."""
    assert plain_line(figures(), 7) == (
        "   7 s  calls 1234  refused 5  spend $1.5000  held $0.2500  from cache 66 %"
    )


def test_amounts_are_rounded_half_up_for_people() -> None:
    """The picture rounds; nothing that is compared does."""
    assert usd(1_234_567_890_500, 2) == "1,234.57"
    assert usd(50_000, 4) == "0.0001"
    assert usd(1_499_999_999, 0) == "1"
