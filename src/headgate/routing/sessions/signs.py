"""What a session shows against whoever serves it: each sign as log-odds in thousandths; pure.

The weights are settled by judgement, not fitted: three errors in a row make success somewhat less
likely, a rejected result much less. They are written down with each decision they decide.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from headgate.dialects.courses.course import Step

ERRORS_MIN = 3
"""So many results in a row that are errors are a sign; fewer are everyday work."""
REPEATS_MIN = 3
"""So many times the same call with the same arguments are a loop."""
MILLI_PER_ERROR = 400
MILLI_PER_REPEAT = 500
MILLI_PER_REJECTION = 2_000
MILLI_OVERLONG = 700
HARD_PERCENT: Mapping[str, int] = MappingProxyType(
    {"tool_errors": 50, "loop": 50, "rejected": 60, "calls": 100, "cost": 100}
)
"""How much of a sign speaks of the task, and so against whoever would take it over: a task that
takes long is long for all."""
COUNTED_MAX = 3
"""Beyond its beginning a sign counts at most so many times."""
OVERLONG_PERCENT = 90
"""A task that takes more than so many of a hundred did there is overlong."""


class Record(NamedTuple):
    """What is known of a session's task beside its requests.

    Attributes:
        rejections: How often its result was found wrong, since who serves it began.
        calls: How many of its calls were served.
        calls_usual: How many nine in ten tasks there do not exceed; 0 when that is not known.
        spent_nanos: What it has cost.
        spent_usual_nanos: What nine in ten do not exceed; 0 when that is not known.
    """

    rejections: int = 0
    calls: int = 0
    calls_usual: int = 0
    spent_nanos: int = 0
    spent_usual_nanos: int = 0


def signs(steps: Sequence[Step], record: Record) -> Mapping[str, int]:
    """Return what speaks against who serves a session, by name; only what does.

    Args:
        steps: Those since it began to serve.
        record: What else is known.
    """
    found = {
        "tool_errors": MILLI_PER_ERROR * _beyond(_errors(steps), ERRORS_MIN),
        "loop": MILLI_PER_REPEAT * _beyond(_repeats(steps), REPEATS_MIN),
        "rejected": MILLI_PER_REJECTION * min(record.rejections, COUNTED_MAX),
        "calls": MILLI_OVERLONG * (0 < record.calls_usual < record.calls),
        "cost": MILLI_OVERLONG * (0 < record.spent_usual_nanos < record.spent_nanos),
    }
    if found["calls"]:
        # Both say the same of a task.
        found["cost"] = 0
    return {name: milli for name, milli in found.items() if milli}


def hard_milli(found: Mapping[str, int]) -> int:
    """Return how much of the signs that were found speaks of the task."""
    return sum(milli * HARD_PERCENT.get(name, 0) // 100 for name, milli in found.items())


def ends_task(steps: Sequence[Step]) -> bool:
    """Tell whether a request begins a task: the user speaks, and the model had answered."""
    if not steps or steps[-1].kind != "said":
        return False
    before = next((step.kind for step in reversed(steps) if step.kind != "said"), None)
    return before == "answered"


def _beyond(count: int, least: int) -> int:
    return max(0, min(count - least + 1, COUNTED_MAX))


def _errors(steps: Sequence[Step]) -> int:
    """Return how many results at the end are errors, without one between them that is not."""
    count = 0
    for step in reversed(steps):
        if step.kind == "said" or (step.kind == "returned" and not step.failed):
            break
        count += step.kind == "returned"
    return count


def _repeats(steps: Sequence[Step]) -> int:
    """Return how often the commonest call was made since the user spoke last."""
    counts: Counter[int] = Counter()
    for step in reversed(steps):
        if step.kind == "said":
            break
        if step.kind == "called":
            counts[step.digest] += 1
    return max(counts.values(), default=0)
