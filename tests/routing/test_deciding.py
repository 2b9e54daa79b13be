"""A decision's record: whoever has it, and nothing else, makes the same decision again."""

from collections.abc import Mapping, Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.capacity.health import Breaker, Health
from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand, Terms
from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import Estimated
from headgate.routing.deciding import chosen_of, decided_again, placed
from headgate.routing.eligibility import Speech
from headgate.routing.given import Given
from headgate.routing.policies import cascade
from headgate.routing.policies.explore import DRAW
from headgate.routing.policies.registry import chosen, policies
from headgate.routing.router import Router
from headgate.routing.settings import PolicySettings, Route
from tests.routing.test_policies import deployment

KNOWN = policies()
NAMES = ("a", "b", "c", "d", "e")
AMOUNTS = st.none() | st.integers(0, 10**6)
PPM = st.integers(0, 1_000_000)
ESTIMATES = st.builds(
    Estimated,
    quality_ppm=PPM,
    low_ppm=PPM,
    high_ppm=PPM,
    n_milli=st.integers(0, 10**6),
    terms=st.just((("base", -300), ("learned", 12))),
    output_tokens=st.integers(0, 4_000),
    output_tokens_high=st.integers(0, 4_000),
    failed_ppm=st.integers(0, 900_000),
    ttft_ms=st.none() | st.integers(0, 9_000),
    tokens_per_s_milli=st.none() | st.integers(0, 900_000),
)
CONFIGURED = {
    each.id: each
    for each in (
        PolicySettings("floored", "quality_floor", {"floor": 400_000}),
        PolicySettings("near_best", "quality_floor", {"of_best": 900_000}, {"then": "fastest"}),
        PolicySettings("valued", "best_value", {"point_usd": 900, "second_usd": 40_000}),
        PolicySettings(
            "split", "ab", {"arms.a": 1, "arms.b": 3}, {"arms.a": "valued", "arms.b": "near_best"}
        ),
        PolicySettings(
            "curious", "explore", {"share": 500_000, "usd_per_day": 10**6}, {"serve": "valued"}
        ),
        PolicySettings("verified", "cascade", {"verifier": 0, "loss": 300_000}),
        PolicySettings("agreed", "cascade", {"verifier": 1, "steps_max": 4, "loss": 900_000}),
        PolicySettings("watched", "shadow", {}, {"serve": "split", "shadow": "cheapest"}),
    )
}
"""A policy of each kind that can be configured, with some composed of others."""
PLAIN = [kind for kind, each in KNOWN.items() if not any(one.required for one in each.SETTINGS)]


class Told:
    """An appraiser that was told what to say."""

    def __init__(self, estimates: Mapping[str, Estimated]) -> None:
        self.estimates = estimates

    def appraise(
        self, _asked: str, _text: str, _deployments: Sequence[Deployment], _now_ns: int
    ) -> Mapping[str, Estimated]:
        """Say it."""
        return self.estimates

    def shares(self, _asked: str, _now_ns: int) -> Mapping[str, int]:
        """Say that nothing was spent."""
        return {}


@st.composite
def decisions(draw: st.DrawFn) -> DecisionRecord:
    """Draw what a router writes down: any policy, anybody broken, anywhere, warm or priced."""
    count = draw(st.integers(1, len(NAMES)))
    names = NAMES[:count]
    regions = draw(st.lists(st.sampled_from(["eu", "us"]), min_size=count, max_size=count))
    spoken = draw(st.lists(st.sampled_from(["one", "two"]), min_size=count, max_size=count))
    prices = dict(zip(names, draw(st.lists(AMOUNTS, min_size=count, max_size=count)), strict=True))
    written: list[DecisionRecord] = []

    def quote(one: Deployment, _terms: Terms, _in: int, _out: int, _at_ns: int) -> int | None:
        return prices[one.id]

    policy = draw(st.sampled_from([*PLAIN, *CONFIGURED]))
    weights = draw(st.dictionaries(st.sampled_from(names), st.integers(0, 9)))
    route = Route("any", names, policy, weights, mixes=draw(st.booleans()))
    placed_in = zip(names, regions, strict=True)
    router = Router(
        {"any": route},
        {name: deployment(name)._replace(region=region) for name, region in placed_in},
        Speech(
            {name: (each,) for name, each in zip(names, spoken, strict=True)}, ("one",), ("two",)
        ),
        quote,
        written.append,
        lambda name: chosen(name, CONFIGURED, KNOWN),
    )
    health = {name: Health(Breaker(failures=1, open_ns=100)) for name in names}
    router.watch(health)
    for name in draw(st.sets(st.sampled_from(names))):
        health[name].failed(health[name].begin(0), 0)
    router.ask(Told(draw(st.dictionaries(st.sampled_from(names), ESTIMATES))))
    inputs = draw(st.just({}) | st.fixed_dictionaries({DRAW: st.integers(0, 2**32 - 1)}))
    if draw(st.booleans()):
        counted = [cascade.ACCEPTED + names[0], cascade.REJECTED + names[0], *cascade.VERDICTS]
        more = [cascade.WHOLE, cascade.PROBE, cascade.SKIP, cascade.CHECK]
        inputs |= draw(st.dictionaries(st.sampled_from([*counted, *more]), st.integers(1, 10**5)))
    warm = draw(st.dictionaries(st.sampled_from(names), st.integers(0, 10**6)))
    unit = draw(st.text(max_size=3))
    demand = Demand("any", stream=False, output_tokens_max=10)
    ranking = router.rank(
        demand,
        dialect="one",
        body_bytes=100,
        now_ns=1,
        given=Given(warm=warm, text="words", unit=unit, inputs=inputs),
    )
    passed_over = draw(st.sets(st.sampled_from(names)))
    if passed_over:
        router.amend(ranking, dict.fromkeys(passed_over, "full"), 2)
    return written[-1]


@settings(max_examples=40)
@given(record=decisions())
def test_a_decision_is_made_again_from_its_record(record: DecisionRecord) -> None:
    """As JSON, without the configuration, prices or health it was made with, the order is equal."""
    read = msgspec.json.decode(msgspec.json.encode(record), type=DecisionRecord)

    policy = chosen_of(read, KNOWN)

    assert policy is not None
    assert decided_again(read, policy) == placed(read)
