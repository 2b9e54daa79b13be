"""`[learning]`: how votes on calls are taken and believed."""

from typing import Any

from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.shapes_learning import LearningShape
from headgate.routing.learning.settings import Learning
from headgate.routing.learning.votes import RELIABILITY


def learning_from(document: dict[str, Any], problems: Problems) -> Learning:
    """Return how votes are taken and believed."""
    shape = checked(document.get("learning", {}), "learning", LearningShape, problems)
    said: dict[str, float] = {
        source: percent / 100 for source, percent in shape.reliability_percent.items()
    }
    return Learning(
        shape.half_life_days,
        shape.call_days_max,
        shape.votes_per_minute_max,
        shape.keep_comments,
        {**RELIABILITY, **said},
    )
