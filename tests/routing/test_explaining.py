"""What a decision's record tells of itself: whether it repeats, and what would have flipped it."""

import msgspec
from hypothesis import given, settings

from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.deciding import candidate_records, chosen_of, policy_record, quoted_of
from headgate.routing.explaining import Mix, explain
from headgate.routing.policies.registry import chosen, policies
from headgate.routing.settings import PolicySettings
from tests.routing.test_composed_policies import CHEAP, DEAR, FAIR
from tests.routing.test_deciding import decisions

KNOWN = policies()
SURE = [one._replace(estimate=one.expected._replace(n_milli=5_000)) for one in (DEAR, FAIR, CHEAP)]


def decided(kind: str = "best_value", **values: int) -> DecisionRecord:
    """Return the record of a decision among the three of known quality."""
    one = chosen("one", {"one": PolicySettings("one", kind, values)}, KNOWN)
    candidates = candidate_records(one.rank(SURE), (), {}, [("gone", "dialect")])
    return DecisionRecord(1, 0, "any", "one", 1, 1, candidates, settings=policy_record(one))


def test_the_flip_is_the_price_at_which_the_runner_up_wins() -> None:
    """At 200 a point `dear` is worth 17,100 and `fair` 16,700: 400 cheaper is more than all of it.

    At 60 a point they are worth 4,500 and 4,800, `cheap` 4,190; `dear` ties 300 of its 900 cheaper.
    """
    far, near = explain(decided(point_usd=200), KNOWN), explain(decided(point_usd=60), KNOWN)

    assert (far.first, far.runner_up, far.flip_milli) == ("dear", "fair", None)
    assert (near.first, near.runner_up) == ("fair", "dear")
    assert near.flip_milli is not None
    assert 333 <= near.flip_milli <= 335


def test_the_mix_is_the_cheapest_toss_of_the_same_quality() -> None:
    """85 % lies three quarters of the way from 70 to 90: 250 calls of 1,000 go to the cheap one."""
    told = explain(decided(point_usd=60), KNOWN)

    assert told.mix == Mix("cheap", "dear", 750, (250 * 10 + 750 * 900) // 1_000)


def test_where_quality_is_not_known_nothing_is_said_of_it() -> None:
    """Three with n = 0 make no mix."""
    one = chosen("cheapest", {}, KNOWN)
    candidates = candidate_records(one.rank([DEAR, FAIR, CHEAP]), (), {}, ())

    assert explain(DecisionRecord(1, 0, "any", "cheapest", 1, 1, candidates), KNOWN).mix is None


def test_a_record_that_was_tampered_with_does_not_repeat() -> None:
    """A price that was changed afterwards does not lead to the recorded order."""
    record = decided(point_usd=60)
    first, *rest = record.candidates
    dearer = msgspec.structs.replace(first, expected_nanos=10**9)

    assert explain(record, KNOWN).repeats
    assert not explain(msgspec.structs.replace(record, candidates=(dearer, *rest)), KNOWN).repeats


def test_what_cannot_be_repeated_is_not_said_to_be_wrong() -> None:
    """Records of earlier versions have no places; a policy may be gone."""
    old = DecisionRecord(1, 0, "any", "cheapest", 1, 1, (CandidateRecord("a", 5),))
    gone = DecisionRecord(1, 0, "any", "gone", 1, 1, (CandidateRecord("a", 5, place=1),))

    assert explain(old, KNOWN).repeats is None
    assert explain(gone, KNOWN).repeats is None
    assert explain(gone, KNOWN).first == "a"


@settings(max_examples=30)
@given(record=decisions())
def test_a_runner_up_that_is_so_much_cheaper_wins(record: DecisionRecord) -> None:
    """Whatever was decided: at its flip the runner-up comes first, and a thousandth before not."""
    told = explain(record, KNOWN)
    policy = chosen_of(record, KNOWN)
    assert policy is not None
    assert told.repeats
    if told.flip_milli is None:
        return
    eligible = sorted(
        (each for each in record.candidates if each.excluded is None), key=lambda each: each.place
    )
    if not record.mixes:
        eligible = [one for one in eligible if (one.via is None) == (eligible[0].via is None)]

    def first(milli: int) -> str:
        runner = quoted_of(eligible[1])
        cheaper = runner._replace(
            expected_nanos=(runner.expected_nanos or 0) * (1_000 - milli) // 1_000,
            warm_nanos=runner.warm_nanos * (1_000 - milli) // 1_000,
        )
        others = [quoted_of(one) for one in eligible if one is not eligible[1]]
        return policy.rank([*others, cheaper], record.inputs)[0].deployment.id

    assert first(told.flip_milli) == told.runner_up
    assert first(told.flip_milli - 1) != told.runner_up
