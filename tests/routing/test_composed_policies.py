"""Policies that go by estimates, and those that are made of others."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.candidate import Estimated, Quoted
from headgate.routing.policies.registry import Chosen, chosen, policies, spread_of
from headgate.routing.settings import PolicySettings
from tests.routing.test_policies import deployment

KNOWN = policies()


def quoted(name: str, nanos: int | None, low: int, quality: int, ms: int | None = None) -> Quoted:
    """Return a candidate of a quality with the lower end of its interval, in per cent."""
    estimate = Estimated(quality * 10_000, low * 10_000, 1_000_000, ttft_ms=ms)
    return Quoted(deployment(name), nanos, estimate=estimate)


DEAR = quoted("dear", 900, 88, 90, 400)
FAIR = quoted("fair", 300, 80, 85, 900)
CHEAP = quoted("cheap", 10, 40, 70, 100)
NEW = quoted("new", 5, 2, 95)
ALL = [NEW, CHEAP, DEAR, FAIR]


def policy(kind: str, **values: int) -> Chosen:
    """Return a policy of a kind with these settings."""
    return chosen("one", {"one": PolicySettings("one", kind, values)}, KNOWN)


def order(one: Chosen, *candidates: Quoted) -> list[str]:
    """Return names in the order they are tried."""
    return [each.deployment.id for each in one.rank(candidates or ALL)]


def test_the_cheapest_above_the_floor_serves() -> None:
    """What little is known of does not pass, however good it looks: its interval is wide."""
    assert order(policy("quality_floor", floor=750_000)) == ["fair", "dear", "new", "cheap"]
    assert order(policy("quality_floor", floor=350_000))[0] == "cheap"


def test_a_floor_may_hang_on_the_best() -> None:
    """85 % of the best expected quality, 95 %, is 80.75 %: only one is certain to reach it."""
    assert order(policy("quality_floor", of_best=850_000))[0] == "dear"
    assert order(policy("quality_floor", of_best=850_000), DEAR, FAIR)[0] == "fair"


def test_where_nobody_passes_the_best_expected_serves() -> None:
    """A floor is no reason to refuse a call."""
    assert order(policy("quality_floor", floor=999_000)) == ["new", "dear", "fair", "cheap"]


def test_those_above_the_floor_go_by_another_policy() -> None:
    """`then` orders them, and only them."""
    settings = PolicySettings("one", "quality_floor", {"floor": 350_000}, {"then": "fastest"})

    assert order(chosen("one", {"one": settings}, KNOWN)) == ["cheap", "dear", "fair", "new"]


def test_a_point_of_quality_is_bought_as_long_as_it_is_worth_it() -> None:
    """At 10 nano-dollars a point 5 points more are not worth 600; at 200 they are."""
    assert order(policy("best_value", point_usd=10), DEAR, FAIR, CHEAP) == ["cheap", "fair", "dear"]
    assert order(policy("best_value", point_usd=200), DEAR, FAIR, CHEAP) == [
        "dear",
        "fair",
        "cheap",
    ]


def test_waiting_has_a_price() -> None:
    """Half a second at 2,000 nano-dollars a second costs what the dearer one asks for more."""
    slow_is_fine = policy("best_value", point_usd=100)
    hurried = policy("best_value", point_usd=100, second_usd=2_000)

    assert order(slow_is_fine, DEAR, FAIR)[0] == "fair"
    assert order(hurried, DEAR, FAIR)[0] == "dear"


def test_attempts_that_fail_are_paid_too() -> None:
    """Of two at nearly the same price the one that fails every second time is the dearer."""
    failing = Quoted(deployment("failing"), 100, estimate=Estimated(failed_ppm=500_000))
    sound = Quoted(deployment("sound"), 110, estimate=Estimated())

    assert order(policy("cheapest"), failing, sound) == ["sound", "failing"]


def test_the_fastest_is_measured_and_the_unmeasured_is_probed() -> None:
    """Who was not measured comes last, but for one call in thirty-two."""
    assert order(policy("fastest")) == ["cheap", "dear", "fair", "new"]
    spread = spread_of(KNOWN["fastest"])
    assert spread is not None
    ranked = policy("fastest").rank(ALL)

    firsts = Counter(spread(ranked, turn)[0].deployment.id for turn in range(320))

    assert firsts == {"cheap": 310, "new": 10}


def split(**shares: int) -> Chosen:
    """Return an experiment with these shares."""
    parts = {f"arms.{name}": name for name in shares}
    values = {f"arms.{name}": share for name, share in shares.items()}
    configured = {
        "one": PolicySettings("one", "ab", values, parts),
        "careful": PolicySettings("careful", "quality_floor", {"floor": 750_000}),
    }
    return chosen("one", configured, KNOWN)


def test_arms_get_their_shares_and_keep_their_sessions() -> None:
    """Of 4,000 sessions each arm has its part, and a session the same arm each time."""
    one = split(careful=1, cheapest=3)

    arms = Counter(one.arms_for(f"session {number}")["one"] for number in range(4_000))

    assert abs(arms[0] - 1_000) < 100
    assert one.arms_for("s") == one.arms_for("s")


@given(unit=st.text(max_size=9))
def test_the_arm_ranks_plans_and_is_noted(unit: str) -> None:
    """What serves is the arm's own policy, and the decision names it."""
    one = split(careful=1, cheapest=1)
    inputs = one.arms_for(unit)
    serving = one.leaf(inputs)

    ranked = one.rank(ALL, inputs)

    assert ranked == serving.rank(ALL)
    assert one.notes(ranked, inputs) == {"one": serving.settings.name}


def test_a_shadow_is_noted_and_does_not_serve() -> None:
    """The other policy's first choice stands in the notes; experiments below are noted, too."""
    configured = {
        "careful": PolicySettings("careful", "quality_floor", {"floor": 750_000}),
        "split": PolicySettings(
            "split",
            "ab",
            {"arms.ordered": 1, "arms.cheapest": 1},
            {"arms.ordered": "ordered", "arms.cheapest": "cheapest"},
        ),
        "one": PolicySettings("one", "shadow", {}, {"serve": "split", "shadow": "careful"}),
    }
    one = chosen("one", configured, KNOWN)

    ranked = one.rank(ALL, {"split": 0})

    assert ranked[0] is NEW
    assert one.notes(ranked, {"split": 0}) == {"one": "fair", "split": "cheapest"}
    assert one.needs == {"text"}
    assert not one.is_shared
