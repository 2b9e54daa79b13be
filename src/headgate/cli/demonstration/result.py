"""What a demonstration came to: the object that `headgate demo --json` prints."""

from typing import Annotated

from msgspec import Meta, Struct

from headgate.cli.demonstration.figures import cached_tokens, prompt_tokens
from headgate.insights.calls import AttemptRow
from headgate.units.money import format_usd, parse_usd

Usd = Annotated[str, Meta(pattern=r"^[0-9]+\.[0-9]{9}$")]


class Result(Struct, frozen=True, kw_only=True):
    """The figures of a demonstration; `docs/reference/demo.md` explains each.

    Attributes:
        seconds: How long there was traffic.
        cache_share: Of the prompt tokens of measured calls, 0..1.
        added_ttft_ms_p50: None when no pair was measured.
        probe_pairs: How many pairs that median is of.
    """

    seconds: float
    calls: int
    refused: int
    spend_usd: Usd
    upstream_billed_usd: str
    estimated_calls: int
    estimated_usd: Usd
    estimated_billed_usd: str
    held_usd_after: Usd
    budgets_over_limit: int
    journal_replayed_equal: bool
    cache_share: float
    added_ttft_ms_p50: float | None
    probe_pairs: int

    @property
    def balanced(self) -> bool:
        """Whether everything came out as it has to."""
        return (
            self.journal_replayed_equal
            and not self.budgets_over_limit
            and self.spend_usd == self.upstream_billed_usd
            and parse_usd(self.held_usd_after) == 0
        )


def cache_share(attempts: list[AttemptRow]) -> float:
    """Return the share of prompt tokens that came from a cache, 0..1, to four decimals."""
    prompts = sum(prompt_tokens(row) for row in attempts)
    return round(sum(cached_tokens(row) for row in attempts) / prompts, 4) if prompts else 0.0


def summary(result: Result) -> str:
    """Return the result as a few lines for a person."""
    if result.spend_usd == result.upstream_billed_usd:
        agrees = "equal to the providers' bill"
    else:
        agrees = f"DIFFERS from the providers' bill of ${result.upstream_billed_usd}"
    posted_nanos = parse_usd(result.spend_usd) + parse_usd(result.estimated_usd)
    added = result.added_ttft_ms_p50
    lines = [
        f"{result.calls} calls and {result.refused} refused in {result.seconds:.0f} s.",
        f"Posted in all: ${format_usd(posted_nanos)} = measured ${result.spend_usd} ({agrees})"
        f" + estimated ${result.estimated_usd} for {result.estimated_calls} calls"
        f" (billed ${result.estimated_billed_usd}).",
        f"Held ${result.held_usd_after} now; the journals, replayed, "
        + ("agree." if result.journal_replayed_equal else "DISAGREE."),
    ]
    if added is not None:
        lines.append(
            f"Headgate added {added:.2f} ms to the first token "
            f"(median, {result.probe_pairs} pairs)."
        )
    return "\n".join(lines)
