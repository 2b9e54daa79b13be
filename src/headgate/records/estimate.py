"""What a decision was made by, beside prices: estimates and the policy's settings, in integers."""

from msgspec import Struct


class EstimateRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """What was expected of a deployment; see `headgate.routing.candidate.Estimated`.

    Attributes:
        quality_ppm: The chance of a good answer, in millionths; `low_ppm` and `high_ppm` are the
            ends of its interval.
        n_milli: How many outcomes it rests on, in thousandths.
        terms: What it is the sum of, in thousandths of log-odds, by name.
        output_tokens: The median of its answers.
        output_tokens_high: Nineteen answers in twenty are no longer.
        failed_ppm: The share of attempts that fail, in millionths.
        ttft_ms: Time to the first byte, None when it was not measured lately.
        tokens_per_s_milli: Thousandths of output tokens a second, None likewise.
    """

    quality_ppm: int
    low_ppm: int
    high_ppm: int
    n_milli: int = 0
    terms: dict[str, int] = {}
    output_tokens: int = 0
    output_tokens_high: int = 0
    failed_ppm: int = 0
    ttft_ms: int | None = None
    tokens_per_s_milli: int | None = None


class PolicyRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """A policy with its settings and those of all its parts, as they were.

    Attributes:
        name: As the configuration calls it.
        values: By key, in the units of `headgate.routing.settings.SettingKind`.
        parts: The policies it is composed of, by key.
    """

    name: str
    kind: str
    values: dict[str, int] = {}
    parts: "dict[str, PolicyRecord]" = {}
