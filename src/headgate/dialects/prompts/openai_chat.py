"""Prompts of Chat Completions: whatever is long enough is kept, unasked.

https://platform.openai.com/docs/guides/prompt-caching: in memory for five to ten minutes.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from msgspec import Raw

from headgate.dialects.prompts.block import Block, Blocks, items, setting, text_of

KIND = "openai_chat"
MARKED: Final = False
LIFETIME_S: Final = 300
CONVERSATION: Final = ("messages", "content")
_INSTRUCTIONS: Final = frozenset({b'"system"', b'"developer"'})
_LONGEST: Final = max(map(len, _INSTRUCTIONS))


def read(members: Mapping[str, Raw]) -> Blocks | None:
    """Return the blocks of a prompt; leading instructions belong to its head."""
    head = [*items(members, "tools", "")]
    messages = items(members, *CONVERSATION)
    turns: Iterable[Block] = ()
    for block in messages:
        if not _instructs(block):
            turns = chain((block,), messages)
            break
        head.append(block)
    settings = (setting(members, "response_format"),)
    identity = text_of(members.get("prompt_cache_key")) or text_of(members.get("user"))
    return Blocks(tuple(head), settings, turns, identity)


def _instructs(block: Block) -> bool:
    """Tell whether a message holds instructions."""
    # What is longer is not looked up: that would hash a text of any length.
    return any(len(part) <= _LONGEST and part in _INSTRUCTIONS for part in block.parts)
