"""Prompts of Anthropic's Messages: only what is marked is kept, at most four marks a request.

Order, lifetimes and what invalidates what:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Raw

from headgate.dialects.prompts.anthropic_marks import mark
from headgate.dialects.prompts.block import (
    NULL,
    Block,
    Blocks,
    is_null,
    items,
    members_of,
    setting,
    text_of,
    texts,
)

__all__ = ["mark"]

KIND = "anthropic_messages"
MARKED: Final = True
LIFETIME_S: Final = 300
CONVERSATION: Final = ("messages", "content")
"""Of a mark that does not say; one hour is the other choice."""


def read(members: Mapping[str, Raw]) -> Blocks | None:
    """Return the blocks of a prompt; None when a kept thread holds part of it."""
    if not is_null(members.get("thread", NULL)):
        return None
    head = [*items(members, "tools", ""), *texts(members.get("system"), "system", b"")]
    turns = items(members, *CONVERSATION)
    if not is_null(members.get("cache_control", NULL)):
        turns = _marked(turns)
    settings = (setting(members, "tool_choice"), setting(members, "thinking"))
    return Blocks(tuple(head), settings, turns, _identity(members))


def _marked(blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield blocks of which the last one is marked."""
    last = next(blocks, None)
    for block in blocks:
        assert last is not None
        yield last
        last = block
    if last is not None:
        yield last._replace(lifetime_s=last.lifetime_s or LIFETIME_S)


def _identity(members: Mapping[str, Raw]) -> str | None:
    metadata = members.get("metadata", NULL)
    return text_of(members_of(metadata).get("user_id"))
