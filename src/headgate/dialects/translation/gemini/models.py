"""What the generations of Gemini models take: how they are told to think, what they can be shown.

From Google's guides to thinking, to thought signatures and to function calling: 2.5 thinks by a
budget of tokens, later ones by a level; earlier ones do not think. 3 and later want a signature
on calls and can be shown images in what a function returned. Other names are taken to be those of
the latest. Budgets and levels for efforts are those of Google's own OpenAI-compatible endpoint.
"""

import re
from typing import Final

from headgate.records.conversation import Effort

_FAMILY: Final = re.compile(r"gemini-(\d+)(?:\.(\d+))?")
_LATEST: Final = (99, 0)

BUDGETS: Final[dict[Effort, int]] = {
    "minimal": 1_024,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 24_576,
    "max": 24_576,
}
"""Tokens to think with, for models that take a budget; all of them take 24,576."""

BUDGET_MIN: Final = 512
"""The least that every model with a budget takes."""

LEVELS: Final[dict[Effort, str]] = {
    "minimal": "LOW",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
EFFORTS: Final[dict[str, Effort]] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
}


def generation(model: str) -> tuple[int, int]:
    """Return the generation of a Gemini model, the latest for names of another kind."""
    found = _FAMILY.search(model)
    return _LATEST if found is None else (int(found[1]), int(found[2] or 0))


def thinks(model: str) -> bool:
    """Tell whether a model thinks at all."""
    return generation(model) >= (2, 5)


def thinks_by_budget(model: str) -> bool:
    """Tell whether a model wants a budget to think, and knows no level."""
    return generation(model) == (2, 5)


def may_stop_thinking(model: str) -> bool:
    """Tell whether thinking can be switched off: of 2.5 all but Pro can do without."""
    return thinks_by_budget(model) and "pro" not in model


def levels(model: str) -> dict[Effort, str]:
    """Return the level for each effort; Gemini 3 Pro knows no middle one."""
    if generation(model) == (3, 0) and "pro" in model:
        return LEVELS | {"medium": "HIGH"}
    return LEVELS


def is_third(model: str) -> bool:
    """Tell whether a model wants calls signed, and can be shown images in results."""
    return generation(model) >= (3, 0)
