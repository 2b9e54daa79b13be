"""The router: which policy orders, what is written down, and what is told when nobody serves."""

from collections.abc import Collection, Sequence

from headgate.catalog.settings import Deployment
from headgate.records.conversation import Bound
from headgate.records.demand import Demand, Terms
from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import Plan, Quoted
from headgate.routing.eligibility import Speech
from headgate.routing.policies import cheapest
from headgate.routing.policies.registry import policies
from headgate.routing.router import Router
from headgate.routing.settings import Route
from tests.routing.test_policies import deployment

PRICES = {"small": 10, "large": 90}
NATIVE = {"small": ("openai_chat",), "large": ("openai_chat", "anthropic_messages")}


def quote(one: Deployment, _terms: Terms, _tokens_in: int, _tokens_out: int, _at_ns: int) -> int:
    """Quote the price list above."""
    return PRICES[one.id]


class Dearest:
    """A policy of the test's own."""

    KIND = "dearest"

    def rank(self, candidates: Sequence[Quoted], /) -> tuple[Quoted, ...]:
        """Put the dearest first."""
        return tuple(reversed(cheapest.rank(candidates)))

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
    routes = {"any": Route("any", ("small", "large"), policy, drops)}
    known = {**policies(), "dearest": Dearest()}
    return Router(routes, deployments, Speech(NATIVE, translatable), quote, written.append, known)


def rank(
    one: Router,
    model: str,
    dialect: str = "openai_chat",
    now_ns: int = 0,
    bound: Bound | None = None,
) -> list[str]:
    """Return the names in the order they are tried."""
    demand = Demand(model, stream=False, output_tokens_max=10)
    ranking = one.rank(demand, dialect=dialect, body_bytes=100, now_ns=now_ns, bound=bound)
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


def test_a_deployment_can_be_pinned() -> None:
    """A client that names a deployment gets that one, and the record says that it was pinned."""
    written: list[DecisionRecord] = []

    assert rank(router(written), "large") == ["large"]
    assert written[0].policy == "pinned"
