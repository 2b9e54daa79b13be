"""Books and bill are compared call by call."""

from fractions import Fraction

from headgate.cli.demonstration.bill import Entry, compare, exact_usd
from headgate.insights.calls import AttemptRow, AttemptState


def attempt(
    reply: str | None, posted_nanos: int, state: AttemptState = "measured", request: str = ""
) -> AttemptRow:
    """Return an attempt that was posted at so much."""
    return AttemptRow(
        call="call_1",
        at_ns=1,
        principal="ana",
        team="research",
        key="ana",
        run=None,
        asked="fast",
        chain=(),
        attempt="call_1.1",
        journal="worker-0-1",
        decision=1,
        windows=(),
        deployment="luna",
        dialect="openai_chat",
        stream=False,
        state=state,
        hold_nanos=1_000,
        posted_nanos=posted_nanos,
        input_tokens_max=1,
        output_tokens_max=1,
        choices=1,
        via=None,
        lost=(),
        ended_ns=2,
        served_model="luna",
        upstream_id=reply,
        upstream_request_id=request,
        status=200,
        reason=None,
        ttft_us=1,
        duration_us=1,
        usage={},
        lines=(),
        closed_by="worker",
    )


def test_equal_calls_make_an_equal_comparison() -> None:
    """Measured calls are summed on both sides; one that cost nothing needs no entry."""
    entries = [Entry("req_1", "reply_1", "3/1000000"), Entry("req_2", "reply_2", "1/500000")]

    found = compare([attempt("reply_1", 3_000), attempt("reply_2", 2_000), attempt("", 0)], entries)

    assert found.equal
    assert found.measured_nanos == found.measured_billed_nanos == 5_000


def test_a_call_that_differs_is_named() -> None:
    """A nano-dollar too much is a difference, and says which call has it."""
    found = compare([attempt("reply_1", 3_001)], [Entry("req_1", "reply_1", "3/1000000")])

    assert not found.equal
    assert [str(each) for each in found.differences] == [
        "reply_1: posted 0.000003001, billed 0.000003000"
    ]


def test_a_charge_that_no_call_knows_is_named() -> None:
    """What the provider bills and the books lack is a difference."""
    found = compare([], [Entry("req_1", "reply_1", "3/1000000")])

    assert [str(each) for each in found.differences] == [
        "reply_1: posted nothing, billed 0.000003000"
    ]


def test_estimated_calls_are_apart_and_may_cost_less() -> None:
    """An estimate is matched by its request id when no reply was read, and is an upper bound."""
    entries = [Entry("req_1", "reply_1", "3/1000000")]

    found = compare([attempt(None, 9_000, "estimated", request="req_1")], entries)

    assert found.equal
    assert found.measured_nanos == 0
    assert found.estimated_nanos == 9_000
    assert found.estimated_billed_nanos == 3_000


def test_a_call_whose_worker_died_is_matched_by_elimination() -> None:
    """It left no id; what nobody else is billed for must be its charge, and is within its hold."""
    entries = [Entry("req_1", "reply_1", "3/1000000"), Entry("req_2", "reply_2", "1/1000000")]
    died = attempt(None, 9_000, "estimated")

    found = compare([died, attempt("reply_2", 1_000)], entries)

    assert found.equal
    assert found.estimated_billed_nanos == 3_000


def test_an_estimate_below_its_bill_is_a_difference() -> None:
    """A bound that did not bound is named."""
    entries = [Entry("req_1", "reply_1", "3/1000000")]

    found = compare([attempt("reply_1", 2_999, "estimated")], entries)

    assert len(found.differences) == 1


def test_amounts_finer_than_a_nano_dollar_stay_exact() -> None:
    """Nine decimals when that is exact, else the fraction itself."""
    assert exact_usd(Fraction(5_000)) == "0.000005000"
    assert exact_usd(Fraction(1, 2)) == "1/2000000000"
