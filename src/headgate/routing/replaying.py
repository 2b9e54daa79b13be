"""Past decisions made again: by their own policy, which has to repeat them, or by another one."""

from collections.abc import Mapping, Sequence
from enum import Enum

import msgspec

from headgate.capacity.health import BREAKER_OPEN
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Quoted
from headgate.routing.deciding import chosen_of, decided_again, placed, quoted_of
from headgate.routing.policies.registry import Chosen, Policy, spread_of
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


def first_by(
    record: DecisionRecord, one: Chosen, *, unit: str, turn: int
) -> CandidateRecord | None:
    """Return whom another policy would have tried first; None where nobody might serve.

    Args:
        record: The decision, with all that might serve and what was expected of each.
        one: The policy.
        unit: What stays together when calls are sent one way or another: session or principal.
        turn: The how-manieth call it is, for policies that spread calls.
    """
    inputs = {**record.inputs, **one.arms_for(unit)} if one.arms else record.inputs
    made = msgspec.structs.replace(record, inputs=inputs)
    for rule in (None, BREAKER_OPEN):
        might = {each.deployment: each for each in record.candidates if each.excluded == rule}
        ranked = _ranked(made, one, sorted(might), turn)
        if ranked:
            return might[ranked[0].deployment.id]
    return None


def _ranked(
    record: DecisionRecord, one: Chosen, names: Sequence[str], turn: int
) -> tuple[Quoted, ...]:
    """Return some of the candidates as a policy orders them for the call of a turn."""
    group = [quoted_of(each) for each in record.candidates if each.deployment in names]
    group.sort(key=lambda quoted: quoted.deployment.id)
    inputs, mixes = record.inputs, record.mixes
    ranked = in_classes(group, lambda each: one.rank(each, inputs), mixes=mixes)
    spread = spread_of(one.leaf(inputs).policy)
    if spread is None:
        return ranked
    return in_classes(ranked, lambda each: spread(each, turn), mixes=mixes)
