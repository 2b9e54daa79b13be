"""What the results of each model add up to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from headgate.economics.suites.load_results import Result


@dataclass(slots=True)
class Sums:
    """Results of one model.

    Attributes:
        by_task: By fingerprint, whether each repeat succeeded.
        cost_nanos: What its calls cost, those that came to nothing too.
        judge_nanos: What judging them cost, which is no cost of the model.
        uncosted: How many replies did not say what they cost.
    """

    model: str
    by_task: dict[str, list[bool]] = field(default_factory=dict)
    cost_nanos: int = 0
    judge_nanos: int = 0
    uncosted: int = 0
    latencies_ms: list[int] = field(default_factory=list)

    @property
    def answers(self) -> int:
        """How many."""
        return len(self.latencies_ms)

    @property
    def solved(self) -> int:
        """How many were good."""
        return sum(sum(each) for each in self.by_task.values())

    @property
    def shares(self) -> dict[str, float]:
        """By task, the share of its repeats that succeeded."""
        return {task: sum(each) / len(each) for task, each in self.by_task.items()}

    @property
    def per_answer_nanos(self) -> int | None:
        """What an answer cost, rounded up; None without one."""
        return -(-self.cost_nanos // self.answers) if self.answers else None

    @property
    def per_solved_nanos(self) -> int | None:
        """What a good answer cost, the others included, rounded up; None without one."""
        return -(-self.cost_nanos // self.solved) if self.solved else None

    def latency_ms(self, share: float) -> int | None:
        """Return a time that a share of the answers took at most; None without one."""
        ordered = sorted(self.latencies_ms)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None


def sums_of(results: Iterable[Result], models: Sequence[str]) -> Mapping[str, Sums]:
    """Return what the results of each model add up to."""
    found = {model: Sums(model) for model in models}
    for each in results:
        sums = found[each.model]
        sums.by_task.setdefault(each.fingerprint, []).append(each.success)
        sums.cost_nanos += each.cost_nanos or 0
        sums.judge_nanos += each.judge_nanos
        sums.uncosted += each.cost_nanos is None
        sums.latencies_ms.append(each.latency_ms)
    return found


def baseline_of(found: Mapping[str, Sums]) -> str:
    """Return the model with the highest success rate; of equal ones the cheaper."""
    return max(
        found.values(),
        key=lambda sums: (
            sum(sums.shares.values()) / len(sums.by_task) if sums.by_task else -1.0,
            -sums.cost_nanos,
        ),
    ).model
