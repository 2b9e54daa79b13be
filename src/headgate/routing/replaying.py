"""Past decisions made again: by their own policy, which has to repeat them, or by another one."""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from headgate.capacity.health import BREAKER_OPEN
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Quoted
from headgate.routing.deciding import chosen_of, decided_again, placed, quoted_of
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import Chosen, Inputs, Policy, spread_of
from headgate.routing.ranking import in_classes


class Repeat(Enum):
    """What comes of a decision that is made again from its record."""

    SAME = "same"
    OTHER = "other"
    UNTRIED = "untried"
    """The record has no places, or its policy is no more: it is of another version."""


def repeat(record: DecisionRecord, known: Mapping[str, Policy]) -> Repeat:
    """Tell whether a decision's own policy puts the candidates into the recorded order again."""
    policy = chosen_of(record, known)
    if policy is None or not all(each.place for each in _eligible(record)):
        return Repeat.UNTRIED
    same = decided_again(record, policy) == placed(record)
    return Repeat.SAME if same else Repeat.OTHER


def _eligible(record: DecisionRecord) -> list[CandidateRecord]:
    return [each for each in record.candidates if each.excluded is None]


class Again(NamedTuple):
    """A past decision as another policy makes it.

    Attributes:
        first: Whom it would have tried first.
        steps: Where it would have verified answers and asked on: the deployments that would have
            been asked, each with the chance of that in millionths; empty otherwise.
        verified_ppm: How many verifications are expected then, in millionths.
        check_nanos: What each costs.
        quality_ppm: How often what is answered in the end is expected to be good; of the steps.
    """

    first: CandidateRecord
    steps: tuple[tuple[str, int], ...] = ()
    verified_ppm: int = 0
    check_nanos: int = 0
    quality_ppm: int = 0


def again_by(record: DecisionRecord, one: Chosen, *, unit: str, turn: int) -> Again | None:
    """Return what another policy would have decided; None where nobody might serve.

    Args:
        record: The decision, with all that might serve and what was expected of each.
        one: The policy.
        unit: What stays together when calls are sent one way or another: session or principal.
        turn: The how-manieth call it is, for policies that spread calls.
    """
    inputs = {**record.inputs, **one.arms_for(unit)} if one.arms else record.inputs
    for rule in (None, BREAKER_OPEN):
        might = {each.deployment: each for each in record.candidates if each.excluded == rule}
        group = [quoted_of(each) for each in might.values()]
        ranked = ranked_by(group, one, inputs, turn=turn, mixes=record.mixes)
        if ranked:
            first, leaf = might[ranked[0].deployment.id], one.leaf(inputs)
            if leaf.policy.KIND != cascade.KIND:
                return Again(first)
            steps = cascade.steps(ranked, leaf.settings, inputs)
            verified = sum(chance for _name, chance in steps[:-1])
            reached = cascade.notes(ranked, leaf.settings, inputs).get("cascade.quality_ppm", 0)
            assert isinstance(reached, int)
            return Again(first, steps, verified, inputs.get(cascade.CHECK, 0), reached)
    return None


def first_by(
    record: DecisionRecord, one: Chosen, *, unit: str, turn: int
) -> CandidateRecord | None:
    """Return whom another policy would have tried first; None where nobody might serve."""
    made = again_by(record, one, unit=unit, turn=turn)
    return None if made is None else made.first


def ranked_by(
    candidates: Iterable[Quoted], one: Chosen, inputs: Inputs, *, turn: int, mixes: bool = False
) -> tuple[Quoted, ...]:
    """Return candidates as a policy orders them for the call of a turn; see `again_by`."""
    group = sorted(candidates, key=lambda quoted: quoted.deployment.id)
    ranked = in_classes(group, lambda each: one.rank(each, inputs), mixes=mixes)
    spread = spread_of(one.leaf(inputs).policy)
    if spread is None:
        return ranked
    return in_classes(ranked, lambda each: spread(each, turn), mixes=mixes)
