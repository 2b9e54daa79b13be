"""Who may serve a call: what it carries, ceilings of the route, and shares of the spend."""

from collections.abc import Mapping, Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand
from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import Estimated
from headgate.routing.eligibility import Speech, crowded, wanted
from headgate.routing.policies.registry import chooser
from headgate.routing.router import Router
from headgate.routing.settings import Route
from tests.routing.test_policies import deployment

PRICES = {"small": 1_000, "large": 9_000, "blank": None}
CALL = Demand("any", stream=False, output_tokens_max=10)


class Known:
    """An appraiser that knows how slow `large` is, and what providers have had."""

    def __init__(self, latency_ms: int = 0, shares: Mapping[str, int] | None = None) -> None:
        self.latency_ms, self.had = latency_ms, shares or {}

    def appraise(
        self, _asked: str, _text: str, _deployments: Sequence[Deployment], _now_ns: int
    ) -> Mapping[str, Estimated]:
        """Tell it."""
        return {"large": Estimated(ttft_ms=self.latency_ms)}

    def shares(self, _asked: str, _now_ns: int) -> Mapping[str, int]:
        """Tell what providers have had."""
        return self.had


def rules(
    demand: Demand = CALL,
    body_bytes: int = 100,
    *,
    route: Route | None = None,
    known: Known | None = None,
    names: Sequence[str] = ("small", "large", "blank"),
) -> dict[str, str | None]:
    """Return the rule for each candidate of a call."""
    able = {"small": frozenset({"tools"}), "large": frozenset({"tools", "images", "json_schema"})}
    context = {"small": 1_000, "large": 50_000, "blank": 50_000}
    deployments = {
        name: deployment(name)._replace(
            capabilities=able.get(name), context_tokens=context[name], provider=f"of {name}"
        )
        for name in names
    }
    written: list[DecisionRecord] = []
    router = Router(
        {"any": (route or Route("any", ()))._replace(deployments=tuple(names), regions=("*",))},
        deployments,
        Speech(dict.fromkeys(names, ("openai_chat",))),
        lambda one, *_: PRICES[one.id],
        written.append,
        chooser({}),
    )
    router.ask(known or Known())
    router.rank(demand, dialect="openai_chat", body_bytes=body_bytes, now_ns=0)
    return {each.deployment: each.excluded for each in written[-1].candidates}


def test_what_a_candidate_cannot_do_excludes_it() -> None:
    """Of whom nothing is known anything is expected."""
    images = rules(msgspec.structs.replace(CALL, images=True, tools=True))

    assert images == {"small": "capability: asked images", "large": None, "blank": None}
    assert set(rules(msgspec.structs.replace(CALL, tools=True)).values()) == {None}


def test_a_schema_is_seen_in_every_dialect() -> None:
    """Each has a member of its own for it."""
    for member, said in {
        "response_format": b'{"type": "json_schema", "json_schema": {}}',
        "text": b'{"format": {"type": "json_schema"}}',
        "output_config": b'{"format": {"type": "json_schema"}}',
        "generationConfig": b'{"responseSchema": {}}',
    }.items():
        demand = msgspec.structs.replace(CALL, members={member: msgspec.Raw(said)})
        assert wanted(demand) == ("json_schema",)
    plain = {"response_format": msgspec.Raw(b'{"type": "json_object"}')}
    assert wanted(msgspec.structs.replace(CALL, members=plain)) == ()


def test_a_prompt_goes_where_it_fits() -> None:
    """By a rough count; where it fits nowhere the providers are left to count."""
    assert rules(body_bytes=8_000)["small"] == "context: about 2010 tokens, takes 1000"
    assert rules(body_bytes=8_000)["large"] is None
    assert set(rules(body_bytes=800_000).values()) == {None}
    with_images = msgspec.structs.replace(CALL, images=True)
    assert rules(with_images, body_bytes=8_000)["small"] == "capability: asked images"


def test_who_names_one_deployment_gets_it() -> None:
    """Its provider knows best what it takes."""
    images = msgspec.structs.replace(CALL, images=True)

    assert rules(images, names=["small"]) == {"small": None}


def test_ceilings_of_a_route_exclude() -> None:
    """What has no price may cost anything; what was not measured may be fast."""
    assert rules(route=Route("any", (), call_nanos_max=5_000)) == {
        "small": None,
        "large": "price_ceiling: at most 0.000005000 USD, is 0.000009000",
        "blank": "price_ceiling: at most 0.000005000 USD, is unknown",
    }
    slow = rules(route=Route("any", (), latency_ms_max=400), known=Known(latency_ms=500))
    assert slow == {
        "small": None,
        "large": "latency_ceiling: at most 400 ms, is 500",
        "blank": None,
    }


def test_who_has_its_share_of_the_spend_waits() -> None:
    """As long as somebody else is left."""
    route = Route("any", (), provider_shares={"of small": 600_000})

    over = rules(route=route, known=Known(shares={"of small": 600_000, "of large": 400_000}))
    under = rules(route=route, known=Known(shares={"of small": 599_999, "of large": 400_001}))

    assert over["small"] == "provider_share: of small has its share"
    assert set(under.values()) == {None}
    alone = rules(route=route, known=Known(shares={"of small": 1_000_000}), names=["small"])
    assert alone == {"small": None}


@given(
    demand=st.builds(
        Demand,
        model=st.just("any"),
        stream=st.booleans(),
        output_tokens_max=st.none() | st.integers(1, 10**6),
        tools=st.booleans(),
        images=st.booleans(),
        thinking_tokens=st.none() | st.integers(0, 10**5),
    ),
    body_bytes=st.integers(1, 10**6),
)
def test_whoever_is_excluded_has_a_rule_and_nobody_is_lost(demand: Demand, body_bytes: int) -> None:
    """Whatever a call carries, each candidate is in the record once; one that can do all is never
    excluded where another is left that cannot."""
    found = rules(demand, body_bytes)

    assert found.keys() == {"small", "large", "blank"}
    assert found["blank"] is None


def test_a_cap_never_leaves_nobody() -> None:
    """Caps are about where money goes, not whether any may."""
    assert crowded([], {"p": 0}, {"p": 1}) == {}
