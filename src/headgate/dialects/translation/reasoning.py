"""How much a model is to think: from tokens to words."""

from typing import Final

from headgate.records.conversation import Effort, Reasoning

_EFFORTS: Final[tuple[tuple[int, Effort], ...]] = (
    (1_024, "minimal"),
    (4_096, "low"),
    (16_384, "medium"),
    (32_768, "high"),
)
"""The largest thinking budget that goes with an effort; above the last one it is `xhigh`."""


def effort_of(asked: Reasoning) -> Effort | None:
    """Return the effort that is asked for, or that goes with a budget; None when neither is."""
    if asked.effort is not None or asked.budget is None:
        return asked.effort
    budget = asked.budget
    return next((effort for tokens, effort in _EFFORTS if budget <= tokens), "xhigh")
