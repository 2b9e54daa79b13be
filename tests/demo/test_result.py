"""The last words of a demonstration, for a person."""

from msgspec.structs import replace

from headgate.cli.demonstration.result import Result, summary

RESULT = Result(
    seconds=70.2,
    calls=1_212,
    refused=94,
    spend_usd="1.300000000",
    upstream_billed_usd="1.300000000",
    estimated_calls=20,
    estimated_usd="0.020000001",
    estimated_billed_usd="0.000567800",
    held_usd_after="0.000000000",
    budgets_over_limit=0,
    journal_replayed_equal=True,
    cache_share=0.8,
    added_ttft_ms_p50=None,
    probe_pairs=0,
)


def test_the_summary_adds_up_to_what_the_live_picture_showed() -> None:
    """What was spent is the measured calls and the estimated ones, each beside its bill."""
    assert (
        "Posted in all: $1.320000001 = measured $1.300000000 (equal to the providers' bill)"
        " + estimated $0.020000001 for 20 calls (billed $0.000567800)."
    ) in summary(RESULT).splitlines()


def test_a_summary_that_differs_from_the_bill_says_both() -> None:
    """Nobody has to look for the other amount."""
    told = summary(replace(RESULT, upstream_billed_usd="1.4"))

    assert "measured $1.300000000 (DIFFERS from the providers' bill of $1.4)" in told
