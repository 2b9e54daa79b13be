"""What `explain --json` prints of decisions."""

from headgate.insights.printed import Instant, Printed, Usd


class EstimateView(Printed, frozen=True, kw_only=True):
    """What was expected of a deployment beside its price.

    `quality`, its interval from `low` to `high`, and `failed` are shares of 1; `n` is how many
    outcomes the quality rests on (0: none, and the interval is nearly everything), `terms` what it
    is the sum of in log-odds. `ttft_ms`, `tokens_per_second` and with them `latency_ms` are null
    when nothing was measured lately.
    """

    quality: float
    low: float
    high: float
    n: float
    terms: dict[str, float]
    output_tokens: int
    output_tokens_high: int
    failed: float
    ttft_ms: int | None
    tokens_per_second: float | None
    latency_ms: int | None


class CandidateView(Printed, frozen=True, kw_only=True):
    """A deployment that a decision weighed; `excluded` names the rule that ruled it out.

    `via` is the dialect the call would be translated to there, null when it needs none; `warm` is
    what it would save there that the prompt is cached, `retries` what attempts that fail would cost
    on average; neither is in `expected`. `estimate` is null where the policy did not ask.
    """

    deployment: str
    expected: Usd | None
    warm: Usd
    retries: Usd
    excluded: str | None
    via: str | None
    chosen: bool
    estimate: EstimateView | None


class PolicyView(Printed, frozen=True, kw_only=True):
    """A policy with its settings: shares in millionths, dollars in nano-dollars."""

    name: str
    kind: str
    values: dict[str, int]
    parts: dict[str, "PolicyView"]


class MixView(Printed, frozen=True, kw_only=True):
    """Two others between whom one could toss: as good on average as the first in the order.

    `dearer` gets `share` of the calls, and a call costs `cost` on average.
    """

    cheaper: str
    dearer: str
    share: float
    cost: Usd


class DecisionView(Printed, frozen=True, kw_only=True):
    """A ranking of candidates, in the order they were to be tried.

    `requirements` names those that held for the call, `data_class` what it said it carried.
    `settings` are the policy's (null: it has none), `inputs` what it was told of the call, `notes`
    what it had to say. `repeats` tells whether the order comes out again when it is made from the
    record (null: it cannot be tried). `runner_up` would come first if it were `flip` of its price
    cheaper (null: at no price).
    """

    number: int
    at: Instant
    asked: str
    policy: str
    input_tokens: int
    output_tokens: int
    requirements: list[str]
    data_class: str | None
    candidates: list[CandidateView]
    settings: PolicyView | None
    inputs: dict[str, int]
    notes: dict[str, str | int]
    repeats: bool | None
    runner_up: str | None
    flip: float | None
    mix: MixView | None
