"""Prompts of Gemini: whatever is long enough may be kept, unasked and without a promise.

https://ai.google.dev/gemini-api/docs/caching: implicit caching.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw

from headgate.dialects.prompts.block import NULL, Blocks, is_null, items, setting

KIND = "gemini"
MARKED: Final = False
LIFETIME_S: Final = 300
CONVERSATION: Final = ("contents", "parts")
_KEPT: Final = ("cachedContent", "cached_content")
_HEAD: Final = ("systemInstruction", "system_instruction", "toolConfig", "tool_config")


def read(members: Mapping[str, Raw]) -> Blocks | None:
    """Return the blocks of a prompt; None when the provider holds a part of it."""
    if any(not is_null(members.get(name, NULL)) for name in _KEPT):
        return None
    head = [*items(members, "tools", "")]
    head += [setting(members, name) for name in _HEAD if name in members]
    return Blocks(tuple(head), (), items(members, *CONVERSATION))
