"""Words that Chat Completions and Responses share, and what they are called here."""

import re

from headgate.records.conversation import Choosing, Effort, Role

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
}
CHOICES: dict[str, Choosing] = {"auto": "auto", "none": "none", "required": "any"}
EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
CACHE_OPTIONS = ("prompt_cache_key", "prompt_cache_retention")
"""Which prompts are kept together, and for how long."""
DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w-]+=[^;,]*)*;base64,", re.ASCII)
"""How an address begins that holds its bytes itself; the group is their media type."""
