"""The router: which policy orders, what is written down, and what is told when nobody serves."""

from collections.abc import Collection, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.health import Breaker, Health
from headgate.catalog.settings import Deployment
from headgate.records.conversation import Bound
from headgate.records.demand import Demand, Terms
from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import Outcome, Plan, Quoted
from headgate.routing.eligibility import Speech
from headgate.routing.given import Given
from headgate.routing.policies import cheapest
from headgate.routing.policies.registry import (
    NEEDS_NOTHING,
    Inputs,
    Settings,
    chooser,
    chosen,
    policies,
)
from headgate.routing.ranking import Ranking, plan_of
from headgate.routing.router import Router
from headgate.routing.settings import Route, Setting
from tests.routing.test_policies import deployment

PRICES = {"small": 10, "large": 90}
NATIVE = {"small": ("openai_chat",), "large": ("openai_chat", "anthropic_messages")}


def quote(one: Deployment, _terms: Terms, _tokens_in: int, _tokens_out: int, _at_ns: int) -> int:
    """Quote the price list above."""
    return PRICES[one.id]


class Dearest:
    """A policy of the test's own."""

    KIND = "dearest"
    SETTINGS: tuple[Setting, ...] = ()
    NEEDS = NEEDS_NOTHING

    def rank(
        self, candidates: Sequence[Quoted], settings: Settings, inputs: Inputs, /
    ) -> tuple[Quoted, ...]:
        """Put the dearest first."""
        return tuple(reversed(cheapest.rank(candidates, settings, inputs)))

    def plan(self, ranked: Sequence[Quoted], /) -> Plan:
        """Try one after the other."""
        return cheapest.plan(ranked)


def router(
    written: list[DecisionRecord],
    policy: str = "cheapest",
    *,
    translatable: Collection[str] = (),
    drops: bool = True,
) -> Router:
    """Return a router of one alias over two deployments."""
    deployments = {name: deployment(name) for name in PRICES}
    routes = {"any": Route("any", ("small", "large"), policy, drops=drops)}
    known = {**policies(), "dearest": Dearest()}
    speech = Speech(NATIVE, translatable, translatable)
    return Router(
        routes, deployments, speech, quote, written.append, lambda name: chosen(name, {}, known)
    )


def rank(
    one: Router,
    model: str,
    dialect: str = "openai_chat",
    now_ns: int = 0,
    bound: Bound | None = None,
) -> list[str]:
    """Return the names in the order they are tried."""
    demand = Demand(model, stream=False, output_tokens_max=10)
    ranking = one.rank(demand, dialect=dialect, body_bytes=100, now_ns=now_ns, given=Given(bound))
    return [quoted.deployment.id for quoted in ranking.ranked]


def test_the_routes_own_policy_orders() -> None:
    """The policy a route names is the one that is used, and the decision says so."""
    written: list[DecisionRecord] = []

    assert rank(router(written, "dearest"), "any") == ["large", "small"]
    assert written[0].policy == "dearest"
    assert [each.deployment for each in written[0].candidates] == ["large", "small"]


def test_a_ranking_is_written_once_and_kept_for_a_moment() -> None:
    """Calls that are alike share a decision until it is old."""
    written: list[DecisionRecord] = []
    one = router(written)

    for at_ns in (0, 1, 4_999_999_999):
        assert rank(one, "any", now_ns=at_ns) == ["small", "large"]
    assert len(written) == 1
    rank(one, "any", now_ns=5_000_000_000)
    assert [each.number for each in written] == [1, 2]


def test_a_dialect_a_deployment_does_not_speak_excludes_it() -> None:
    """The exclusion names its rule, in the ranking and in the record."""
    written: list[DecisionRecord] = []
    one = router(written)

    assert rank(one, "any", "anthropic_messages") == ["large"]
    assert [each.excluded for each in written[0].candidates] == [None, "dialect"]
    assert one.spoken("small") == {"openai_chat"}
    assert one.spoken("any") == {"openai_chat", "anthropic_messages"}


BOTH = ("anthropic_messages", "openai_chat")


def test_what_speaks_the_dialect_comes_before_what_is_translated() -> None:
    """A dearer deployment that loses nothing is tried before a cheaper translated one."""
    written: list[DecisionRecord] = []
    one = router(written, translatable=BOTH)

    assert rank(one, "any", "anthropic_messages") == ["large", "small"]
    assert [each.via for each in written[0].candidates] == [None, "openai_chat"]


def test_what_no_translator_knows_is_excluded() -> None:
    """A dialect without a translator reaches only those that speak it."""
    written: list[DecisionRecord] = []
    one = router(written, translatable=("openai_chat",))

    assert rank(one, "any", "anthropic_messages") == ["large"]
    assert [each.excluded for each in written[0].candidates] == [None, "dialect"]


def test_a_conversation_goes_where_its_state_is_valid() -> None:
    """State excludes by a rule of its own, and such calls share no ranking with others."""
    written: list[DecisionRecord] = []
    one = router(written, translatable=BOTH)

    assert rank(one, "any", "anthropic_messages", bound="native") == ["large"]
    assert rank(one, "any", "anthropic_messages", bound="foreign") == ["small"]
    assert rank(one, "any", "anthropic_messages") == ["large", "small"]
    assert [each.excluded for each in written[0].candidates] == [None, "bound_state"]
    assert [each.excluded for each in written[1].candidates] == [None, "bound_state"]


def test_state_matters_where_dialects_are_mixed() -> None:
    """A name whose deployments all speak the dialect, or none of them, need not be asked."""
    one = router([], translatable=BOTH)

    assert one.is_mixed("any", "anthropic_messages")
    assert not one.is_mixed("any", "openai_chat")
    assert not one.is_mixed("small", "anthropic_messages")


def test_a_route_may_forbid_that_features_are_left_out() -> None:
    """The ranking says so; a pinned deployment leaves out."""
    demand = Demand("any", stream=False, output_tokens_max=10)

    for drops in (True, False):
        one = router([], drops=drops)
        ranking = one.rank(demand, dialect="openai_chat", body_bytes=1, now_ns=0)
        assert ranking.drops is drops


def test_calls_are_spread_within_each_class() -> None:
    """A policy with shares gives none to a translation while something speaks the dialect."""
    written: list[DecisionRecord] = []
    one = router(written, "weighted", translatable=BOTH)
    demand = Demand("any", stream=False, output_tokens_max=10)
    ranking = one.rank(demand, dialect="anthropic_messages", body_bytes=1, now_ns=0)

    firsts = {next(plan_of(ranking, turn)).deployment.id for turn in range(20)}

    assert firsts == {"large"}


def test_a_deployment_can_be_pinned() -> None:
    """A client that names a deployment gets that one, and the record says that it was pinned."""
    written: list[DecisionRecord] = []

    assert rank(router(written), "large") == ["large"]
    assert written[0].policy == "pinned"


class Placed:
    """A router over deployments in regions, with health, cheapest first in the order given."""

    def __init__(self, regions: dict[str, str | None], allowed: tuple[str, ...] = ()) -> None:
        self.written: list[DecisionRecord] = []
        self.health = {name: Health(Breaker(failures=1, open_ns=100)) for name in regions}
        deployments = {
            name: deployment(name)._replace(region=region) for name, region in regions.items()
        }
        route = Route("any", tuple(regions), "ordered", regions=allowed)
        native = dict.fromkeys(regions, ("openai_chat",))
        self.router = Router(
            {"any": route},
            deployments,
            Speech(native),
            lambda *_: 1,
            self.written.append,
            chooser({}),
        )
        self.router.watch(self.health)

    def ranking(self, now_ns: int = 0) -> Ranking:
        demand = Demand("any", stream=False, output_tokens_max=10)
        return self.router.rank(demand, dialect="openai_chat", body_bytes=100, now_ns=now_ns)

    def attempts(self, now_ns: int = 0) -> list[str]:
        """Return where a call goes that fails everywhere."""
        plan = plan_of(self.ranking(now_ns), turn=1)
        tried: list[str] = []
        try:
            quoted = next(plan)
            while True:
                tried.append(quoted.deployment.id)
                quoted = plan.send(Outcome.RETRYABLE)
        except StopIteration:
            return tried

    def rules(self) -> dict[str, str | None]:
        """Return what the last decision says of each candidate."""
        return {each.deployment: each.excluded for each in self.written[-1].candidates}

    def fail(self, name: str, now_ns: int = 0) -> None:
        """Open the breaker of a deployment."""
        self.health[name].failed(self.health[name].begin(now_ns), now_ns)


def test_calls_that_pass_the_same_ones_over_share_a_decision() -> None:
    """What one call had to pass over is written down once for all that go the same way."""
    placed = Placed({"a": None, "b": None, "c": None})
    ranking = placed.ranking()

    one = placed.router.amend(ranking, {"a": "full"}, 1)
    same = placed.router.amend(ranking, {"a": "full"}, 2)
    other = placed.router.amend(ranking, {"a": "full", "b": "frozen"}, 3)

    assert one is same
    assert [each.number for each in placed.written] == [1, one.number, other.number]
    assert placed.rules() == {"c": None, "a": "full", "b": "frozen"}
    assert ranking.number == 1


def test_an_open_breaker_is_the_last_resort() -> None:
    """It is passed over by its rule, yet tried when all others fail; after its pause it is back."""
    placed = Placed({"a": None, "b": None, "c": None})
    assert placed.attempts() == ["a", "b", "c"]

    placed.fail("a")

    assert placed.attempts(1) == ["b", "c", "a"]
    assert placed.rules() == {"b": None, "c": None, "a": "breaker_open"}
    assert placed.attempts(99) == ["b", "c", "a"]
    assert placed.attempts(100) == ["a", "b", "c"]
    assert len(placed.written) == 3


def test_when_all_are_broken_they_are_tried_all_the_same() -> None:
    """A refusal would be certain, an attempt may be served."""
    placed = Placed({"a": None, "b": None})
    placed.fail("a")
    placed.fail("b")

    assert placed.attempts(1) == ["a", "b"]
    assert set(placed.rules().values()) == {"breaker_open"}


def test_a_probe_is_one_calls_alone() -> None:
    """The call that gets the probe takes it from all others at once."""
    placed = Placed({"a": None, "b": None})
    placed.fail("a")
    assert placed.attempts(100) == ["a", "b"]

    placed.health["a"].begin(100)

    assert placed.attempts(100) == ["b", "a"]


def test_a_throttled_deployment_is_not_asked_before_its_time() -> None:
    """Not even as the last resort: it said when."""
    placed = Placed({"a": None, "b": None})
    placed.health["a"].throttle(50, 0)

    assert placed.attempts() == ["b"]
    assert placed.rules() == {"b": None, "a": "throttled"}
    assert placed.attempts(50) == ["a", "b"]


@pytest.mark.parametrize(
    ("allowed", "attempts"),
    [
        ((), ["a", "c"]),
        (("eu",), ["a", "c"]),
        (("us",), ["a", "c"]),
        (("eu", "us"), ["a", "b", "c"]),
        (("*",), ["a", "b", "c", "d"]),
    ],
)
def test_a_call_stays_in_its_region_unless_the_route_says_otherwise(
    allowed: tuple[str, ...], attempts: list[str]
) -> None:
    """Where a deployment's region is not known, it is in none."""
    placed = Placed({"a": "eu", "b": "us", "c": "eu", "d": None}, allowed)

    assert placed.attempts() == attempts
    passed_over = {name for name, rule in placed.rules().items() if rule == "region"}
    assert passed_over == set("abcd") - set(attempts)


def test_the_region_is_that_of_the_first_who_is_well() -> None:
    """A first attempt goes wherever somebody is well; only a second one is bound."""
    placed = Placed({"a": "eu", "b": "us", "c": "us"})
    placed.fail("a")

    assert placed.attempts(1) == ["b", "c"]
    assert placed.rules() == {"b": None, "c": None, "a": "region"}


@given(
    regions=st.lists(st.sampled_from(["eu", "us", None]), min_size=1, max_size=5),
    broken=st.sets(st.integers(0, 4)),
    allowed=st.sampled_from([(), ("eu",), ("eu", "us")]),
)
def test_no_call_crosses_a_border_that_was_not_opened(
    regions: list[str | None], broken: set[int], allowed: tuple[str, ...]
) -> None:
    """Whatever is broken: between any two attempts of a call the region is the same, or allowed."""
    placed = Placed({f"d{n}": region for n, region in enumerate(regions)}, allowed)
    for number in broken & set(range(len(regions))):
        placed.fail(f"d{number}")

    used = {regions[int(name[1:])] for name in placed.attempts(1)}

    assert len(used) == 1 or used <= set(allowed)
    assert used
