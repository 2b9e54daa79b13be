"""When a session moves: only for a gain that was computed, and up and down at their moments."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.routing.candidate import Quoted
from headgate.routing.policies.registry import chosen, policies
from headgate.routing.ranking import in_classes
from headgate.routing.sessions.odds import CERTAIN_PPM, milli_of, ppm_of
from headgate.routing.sessions.offers import Offer, Progress, calls_left
from headgate.routing.sessions.switching import Setting, decide, decide_side
from tests.routing.test_policies import deployment

NANOS = st.integers(0, 10**12)
NAMES = ("a", "b", "c", "d")


@st.composite
def offers_of(draw: st.DrawFn) -> list[Offer]:
    """Draw offers of up to four deployments."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    return [
        Offer(
            name,
            draw(NANOS),
            draw(NANOS),
            draw(NANOS),
            draw(st.integers(-4_000, 4_000)),
            draw(st.integers(1, 200)),
            draw(st.integers(0, 250_000)),
            draw(st.booleans()),
        )
        for name in names
    ]


PROGRESS = st.builds(
    Progress,
    st.none() | st.sampled_from(NAMES),
    st.none() | st.sampled_from(NAMES),
    st.integers(0, 300),
    st.integers(0, 6_000),
    st.integers(0, 6_000),
    st.booleans(),
    st.booleans(),
    st.none() | NANOS,
)
SETTINGS = st.builds(Setting, NANOS, st.integers(0, 100))


@given(offers=offers_of(), progress=PROGRESS, setting=SETTINGS)
def test_no_session_moves_without_a_computed_gain(
    offers: list[Offer], progress: Progress, setting: Setting
) -> None:
    """Whoever leaves one that could serve gains something; nobody is lost; it repeats itself."""
    verdict = decide(offers, progress, setting)

    assert sorted(each.name for each in verdict.weighed) == sorted(each.name for each in offers)
    assert decide(offers[::-1], progress, setting) == verdict
    could_stay = progress.incumbent in {each.name for each in offers}
    if could_stay and verdict.chosen != progress.incumbent:
        totals = {each.name: each.total_nanos for each in verdict.weighed}
        assert progress.incumbent is not None
        assert verdict.gain_nanos == totals[progress.incumbent] - totals[verdict.chosen] > 0
    else:
        assert verdict.gain_nanos is None


def test_a_run_that_cannot_pay_its_model_to_the_end_moves_to_one_that_it_can() -> None:
    """Amid a task and without any sign; where none can be paid, it stays where it is."""
    cheap = Offer("cheap", 10, 10, 0, milli_of(700_000), 20)
    dear = Offer("dear", 100, 100, 0, milli_of(950_000), 20)
    begun = Progress("dear", "dear", 5)

    rich, short, broke = (
        decide([cheap, dear], begun._replace(left_nanos=left)) for left in (1_500, 400, 20)
    )
    rises = Progress("cheap", "cheap", 5, 2_000, left_nanos=400)
    kept_down = decide([cheap, dear], rises, Setting(10_000))
    would_rise = decide([cheap, dear], rises._replace(left_nanos=None), Setting(10_000))

    assert [each.reason for each in (rich, short, broke)] == ["stays", "down", "stays"]
    assert short.gain_nanos is not None
    assert (kept_down.reason, would_rise.reason) == ("stays", "up")


@given(offers=offers_of(), progress=PROGRESS, setting=SETTINGS)
def test_a_session_rises_in_trouble_and_goes_home_between_tasks(
    offers: list[Offer], progress: Progress, setting: Setting
) -> None:
    """Nothing else moves it, while its run can pay: amid a task a sign, after one only back."""
    verdict = decide(offers, progress, setting)

    if verdict.reason not in {"up", "down", "over"}:
        return
    costs = {each.name: each.cost_nanos for each in verdict.weighed}
    assert progress.incumbent is not None
    if not progress.can_pay(costs[progress.incumbent]) and progress.can_pay(costs[verdict.chosen]):
        return
    if progress.fresh or progress.idle:
        assert verdict.chosen == progress.home
    else:
        assert verdict.reason == "up"
        assert progress.against_milli > 0


CHEAP = Offer("cheap", 2_000, 1_000, 0, milli_of(600_000), 20)
DEAR = Offer("dear", 20_000, 10_000, 5_000, milli_of(900_000), 20)
STAKE = Setting(500_000)


def test_a_session_stays_though_another_would_be_chosen_for_a_new_one() -> None:
    """What is half done at one is not begun anew elsewhere for a small difference."""
    progress = Progress("cheap", done=10)

    assert decide([CHEAP, DEAR], Progress(None), Setting(2_000_000)).chosen == "dear"
    assert decide([CHEAP, DEAR], progress, Setting(2_000_000)).reason == "stays"


def test_trouble_moves_a_session_up_where_the_stake_is_worth_it() -> None:
    """With signs against who serves it, it moves up for a stake that pays, and not for none."""
    troubled = Progress("cheap", done=10, against_milli=2_000, hard_milli=1_000)

    moved = decide([CHEAP, DEAR], troubled, Setting(2_000_000))

    assert (moved.chosen, moved.reason) == ("dear", "up")
    assert decide([CHEAP, DEAR], troubled, Setting(0)).reason == "stays"


def test_a_session_comes_down_at_the_end_of_a_task_alone() -> None:
    """The dear one keeps the task it was needed for; the next one begins at the cheap one again."""
    amid = Progress("dear", "cheap", done=5)

    assert decide([CHEAP, DEAR], amid).reason == "stays"
    assert decide([CHEAP, DEAR], Progress("dear", "cheap", 5, fresh=True)).reason == "down"
    assert decide([CHEAP, DEAR], Progress("dear", "cheap", 5, fresh=True), STAKE).reason == "stays"
    assert decide([CHEAP, DEAR], Progress("dear", "dear", 5, fresh=True)).reason == "stays"


def test_a_warm_cache_keeps_a_session_where_a_cold_one_would_move() -> None:
    """The prefix that a switch throws away is a part of its price."""
    here = Offer("here", 1_000, 1_000, 0, 0, 10)
    there = here._replace(name="there", now_nanos=900, steady_nanos=900)
    cold = there._replace(now_nanos=12_000)

    begins = Progress("here", "there", fresh=True)
    assert decide([here, there], begins, Setting(0, 0)).reason == "stays"
    assert decide([here, there._replace(steady_nanos=500)], begins, Setting(0, 0)).reason == "over"
    assert decide([here, cold._replace(steady_nanos=500)], begins, Setting(0, 0)).reason == "stays"


def test_what_may_be_luck_is_no_gain() -> None:
    """A better rate that may be chance alone moves nobody; the same rate, certain, does."""
    troubled = Progress("cheap", done=10, against_milli=1_000, hard_milli=500)
    certain = DEAR._replace(quality_milli=milli_of(700_000))
    doubtful = certain._replace(doubt_ppm=250_000)

    assert decide([CHEAP, certain], troubled, Setting(2_000_000)).reason == "up"
    assert decide([CHEAP, doubtful], troubled, Setting(2_000_000)).reason == "stays"


def test_the_same_model_elsewhere_goes_on_with_the_task() -> None:
    """It needs no way in, and what speaks against the model speaks against it there, too."""
    twin = CHEAP._replace(name="twin", alike=True, now_nanos=9_000)
    half = Progress("cheap", done=10, against_milli=2_000, hard_milli=1_000)

    weighed = {each.name: each for each in decide([CHEAP, twin], half).weighed}

    assert weighed["twin"].ppm == weighed["cheap"].ppm
    assert weighed["twin"].cost_nanos - weighed["cheap"].cost_nanos == 7_000


def test_calls_beside_the_work_go_where_they_cost_least() -> None:
    """A title is no session's work."""
    assert decide_side([DEAR, CHEAP]).chosen == "cheap"


def test_who_cannot_be_asked_is_left_without_a_gain() -> None:
    """An outage is no switch for a gain, and is told apart from one."""
    verdict = decide([DEAR], Progress("cheap", done=3), STAKE)

    assert (verdict.chosen, verdict.reason, verdict.gain_nanos) == ("dear", "gone", None)


@given(milli=st.integers(-10_000, 10_000))
def test_odds_and_chances_say_the_same(milli: int) -> None:
    """One comes back from the other, both rise together, and both sides mirror each other."""
    ppm = ppm_of(milli)

    assert ppm + ppm_of(-milli) == CERTAIN_PPM
    assert ppm_of(milli_of(ppm)) == ppm
    assert milli_of(ppm) <= milli
    assert milli_of(ppm) == -10_000 or ppm_of(milli_of(ppm) - 1) < ppm
    assert ppm_of(milli - 1) <= ppm


@given(calls=st.integers(1, 500), done=st.integers(0, 500))
def test_a_task_always_has_a_call_left(calls: int, done: int) -> None:
    """One that took longer than usual is expected to go on."""
    left = calls_left(calls, done)

    assert left >= 1
    assert left >= calls - done


def test_a_session_left_for_a_translation_goes_back_to_its_dialect_and_says_so() -> None:
    """Those that need a translation are ranked apart, so that no gain is named where none was."""
    chosen_policy = chosen("session", {}, policies())
    native = Quoted(deployment("native"), 900)
    translated = Quoted(deployment("translated"), 100, via="other")
    inputs = {"serving:translated": 1, "home:native": 1}

    ranked = in_classes(
        [native, translated], lambda each: chosen_policy.rank(each, inputs), mixes=False
    )

    notes = chosen_policy.notes(ranked, inputs)
    assert [each.deployment.id for each in ranked] == ["native", "translated"]
    assert (notes["switch"], notes.get("gain_nanos")) == ("native", None)
    assert chosen_policy.notes(ranked[::-1], inputs)["switch"] == "stays"
