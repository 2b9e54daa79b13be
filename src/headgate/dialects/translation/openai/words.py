"""Words that Chat Completions and Responses share, and what they are called here."""

import re
from typing import Final

from headgate.records.conversation import Choosing, Effort, Role

ROLES: Final[dict[str, Role]] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
CHOICES: Final[dict[str, Choosing]] = {"auto": "auto", "none": "none", "required": "any"}
EFFORTS: Final[dict[str, Effort]] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
CACHE_OPTIONS: Final = ("prompt_cache_key", "prompt_cache_retention")
"""Which prompts are kept together, and for how long."""
DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w-]+=[^;,]*+)*+;base64,", re.ASCII)
"""How an address begins that holds its bytes itself; the group is their media type."""
