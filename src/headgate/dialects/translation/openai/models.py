"""Which of OpenAI's models reason, and so refuse what the others take, and the other way round.

From OpenAI's guide to reasoning: the o series and GPT-5 take `reasoning_effort` and refuse a
`temperature` or `top_p` other than 1 and penalties other than 0; GPT-4 and GPT-3.5 do the
opposite. Of other models that speak this dialect nothing is known, and they are told everything.
"""

import re
from typing import Final

_REASONS: Final = re.compile(r"(?:^|[/-])(?:o\d|gpt-[5-9])(?![\d])")
_ANSWERS: Final = re.compile(r"(?:^|[/-])(?:chat)?gpt-(?:3\.5|4)")


def reasons(model: str) -> bool | None:
    """Tell whether a model is one that reasons; None when it is not known."""
    if _REASONS.search(model):
        return True
    return False if _ANSWERS.search(model) else None
