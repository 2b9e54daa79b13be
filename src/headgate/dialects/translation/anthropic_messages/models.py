"""What the generations of Claude models take: how they are told to think, and how to sample.

From Anthropic's migration guides: models before 4.6 think by a budget of tokens, later ones by
an effort; 4.7 and later refuse `temperature`, `top_p` and `top_k`, earlier ones of the fourth
generation refuse the first two together. Other models that speak this dialect are taken to be
like the latest in the first and like the earliest in the second.
"""

import re
from typing import Final

_FAMILY: Final = re.compile(r"claude-(?:opus|sonnet|haiku)-(\d+)(?:[-.](\d{1,2})(?!\d))?")
_EARLY: Final = re.compile(r"claude-(?:instant|[123])")
_CLAUDE: Final = re.compile(r"claude-")


def _generation(model: str) -> tuple[int, int]:
    """Return the generation of a Claude model, the latest for names of a new kind."""
    if _EARLY.search(model):
        return 3, 0
    found = _FAMILY.search(model)
    return (99, 0) if found is None else (int(found[1]), int(found[2] or 0))


def thinks_by_budget(model: str) -> bool:
    """Tell whether a model wants a budget to think, and knows no effort."""
    return _CLAUDE.search(model) is not None and _generation(model) < (4, 6)


def samples(model: str) -> bool:
    """Tell whether a model lets its sampling be steered."""
    return _CLAUDE.search(model) is None or _generation(model) < (4, 7)
