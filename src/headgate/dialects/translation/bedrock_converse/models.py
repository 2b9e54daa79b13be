"""How families of models on Bedrock are told through Converse to think.

Converse itself has no field for it that all take; each family has its own among the
`additionalModelRequestFields`. Sources: the Nova 2 user guide (extended thinking: an effort, and
no limit beside the highest), the model cards of OpenAI's models on Bedrock.
"""

import re
from typing import Any, Final

from headgate.records.conversation import Effort

_NOVA: Final = re.compile(r"amazon\.nova-2")
_OPEN_WEIGHTS: Final = re.compile(r"openai\.gpt-oss")
_NEWER: Final = re.compile(r"openai\.gpt-\d")
_THREE: Final[dict[str, str]] = {"minimal": "low", "xhigh": "high", "max": "high"}
"""Efforts that the families with three of them take for the nearest they have."""


def thinking_fields(model: str, effort: Effort) -> dict[str, Any] | None:
    """Return the fields that ask a model to think so hard, None when it takes none."""
    if _OPEN_WEIGHTS.search(model):
        return {"reasoning_effort": _THREE.get(effort, effort)}
    if _NEWER.search(model):
        return {"reasoning": {"effort": effort}}
    if _NOVA.search(model):
        # The highest is refused beside an output limit, and there is always one.
        within = "low" if effort in ("minimal", "low") else "medium"
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": within}}
    return None
