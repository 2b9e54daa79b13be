"""What a decision's record tells beyond its order: how narrow it was, and what else it could be.

All of it is computed from the record alone, long after the prices and the health have changed.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Quoted
from headgate.routing.deciding import chosen_of, decided_again, placed, quoted_of
from headgate.routing.policies.registry import Chosen, Policy

MILLE = 1_000


class Mix(NamedTuple):
    """Two candidates between whom one could toss, for the quality of the first in the order.

    Attributes:
        share_milli: The share of calls that `dearer` gets, in thousandths.
        cost_nanos: What a call costs on average.
    """

    cheaper: str
    dearer: str
    share_milli: int
    cost_nanos: int


class Explained(NamedTuple):
    """How a decision came about.

    Attributes:
        repeats: Whether the record's own order comes out again; None when it cannot be tried,
            because the record or the policy is of another version.
        first: Whom the policy put first of those that were eligible; None when nobody was.
        runner_up: Who is next; None when there is nobody.
        flip_milli: By how many thousandths cheaper the runner-up would come first; None when no
            price would do that.
        mix: The cheapest toss between two others with the same expected quality; None when
            nothing is known of their quality, or no two enclose it.
    """

    repeats: bool | None
    first: str | None = None
    runner_up: str | None = None
    flip_milli: int | None = None
    mix: Mix | None = None


def explain(record: DecisionRecord, known: Mapping[str, Policy]) -> Explained:
    """Explain a decision by policies of these kinds."""
    eligible = [each for each in record.candidates if each.excluded is None]
    eligible.sort(key=lambda each: each.place)
    if eligible and not record.mixes:
        # Those that need a translation were ranked for themselves.
        eligible = [each for each in eligible if (each.via is None) == (eligible[0].via is None)]
    quoted = [quoted_of(each) for each in eligible]
    policy = chosen_of(record, known)
    if policy is None or not all(each.place for each in eligible):
        return Explained(None, *_names(eligible))
    repeats = decided_again(record, policy) == placed(record)
    names = _names(eligible)
    return Explained(repeats, *names, _flip(quoted, policy, record), _mix(quoted))


def _names(eligible: Sequence[CandidateRecord]) -> tuple[str | None, str | None]:
    names = [each.deployment for each in eligible[:2]]
    return (names[0] if names else None, names[1] if len(names) > 1 else None)


def _flip(quoted: Sequence[Quoted], policy: Chosen, record: DecisionRecord) -> int | None:
    """Return by how much cheaper the runner-up would win, by halving the range that is left."""
    if len(quoted) < 2 or quoted[1].expected_nanos is None:
        return None

    def wins(milli: int) -> bool:
        runner = quoted[1]
        cheaper = runner._replace(
            expected_nanos=(runner.expected_nanos or 0) * (MILLE - milli) // MILLE,
            warm_nanos=runner.warm_nanos * (MILLE - milli) // MILLE,
        )
        order = policy.rank([quoted[0], cheaper, *quoted[2:]], record.inputs)
        return order[0].deployment.id == runner.deployment.id

    if wins(0) or not wins(MILLE):
        return None
    least, most = 0, MILLE
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if wins(middle) else (middle, most)
    return most


def _mix(quoted: Sequence[Quoted]) -> Mix | None:
    """Return the cheapest mix of two others at the quality of the first.

    It is a point on the line between two candidates, so a router is worth its name only where it
    is cheaper than this (the "zero router" of RouterBench, https://arxiv.org/abs/2403.12031).
    """
    if not quoted or not quoted[0].expected.n_milli:
        return None
    wanted_ppm = quoted[0].expected.quality_ppm
    others = [
        (one.expected.quality_ppm, one.likely_nanos, one.deployment.id)
        for one in quoted[1:]
        if one.expected.n_milli and one.expected_nanos is not None
    ]
    found: Mix | None = None
    for low_ppm, low_nanos, low in others:
        for high_ppm, high_nanos, high in others:
            if not low_ppm < wanted_ppm <= high_ppm:
                continue
            share = (wanted_ppm - low_ppm) * MILLE // (high_ppm - low_ppm)
            cost = (low_nanos * (MILLE - share) + high_nanos * share) // MILLE
            if found is None or cost < found.cost_nanos:
                found = Mix(low, high, share, cost)
    return found
