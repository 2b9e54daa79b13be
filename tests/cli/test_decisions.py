"""How a decision is shown to a person."""

import msgspec
import pytest

from headgate.cli.decisions import show_decision
from headgate.insights.views_decisions import decision_view
from tests.routing.test_explaining import decided


def test_a_decision_tells_what_it_went_by_and_how_narrow_it_was(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Who was chosen, quality with interval and n, the flip point, the mix, and the repetition."""
    record = msgspec.structs.replace(decided(point_usd=60), notes={"trial": "careful"})

    show_decision(decision_view(record, ["fair"]), {"fair": ["1"]})

    shown = " ".join(capsys.readouterr().out.split())
    assert "trial: careful" in shown
    assert "fair 0.000000300 - - chosen for attempt 1" in shown
    assert "gone - - - passed over: dialect" in shown
    assert "fair 0.850 0.800 to 1.000 5 900 ms - -" in shown
    assert "33.4 % cheaper and dear would win" in shown
    assert "dear for 75 % of such calls, drawn by lot, and cheap for the others" in shown
    assert "at 0.000000677 USD a call" in shown
    assert "made from its record alone the order comes out again" in shown


def test_a_record_that_was_changed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """An order that does not come out again is not passed over in silence."""
    record = decided(point_usd=60)
    first, *rest = record.candidates
    dearer = msgspec.structs.replace(first, expected_nanos=10**9)

    show_decision(
        decision_view(msgspec.structs.replace(record, candidates=(dearer, *rest)), []), {}
    )

    assert "DOES NOT COME OUT AGAIN" in capsys.readouterr().out
