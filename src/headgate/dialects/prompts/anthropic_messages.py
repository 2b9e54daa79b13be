"""Prompts of Anthropic's Messages: only what is marked is kept, at most four marks a request.

Order, lifetimes and what invalidates what:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching.
"""

from collections.abc import Mapping

from msgspec import Raw

from headgate.dialects.prompts.anthropic_marks import mark
from headgate.dialects.prompts.block import (
    NULL,
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
MARKED = True
LIFETIME_S = 300
"""Of a mark that does not say; one hour is the other choice."""


def read(members: Mapping[str, Raw]) -> Blocks | None:
    """Return the blocks of a prompt; None when a kept thread holds part of it."""
    if not is_null(members.get("thread", NULL)):
        return None
    head = [*items(members.get("tools"), "tools", ""), *texts(members.get("system"), "system", b"")]
    turns = [*items(members.get("messages"), "messages", "content")]
    if turns and not is_null(members.get("cache_control", NULL)):
        turns[-1] = turns[-1]._replace(lifetime_s=turns[-1].lifetime_s or LIFETIME_S)
    settings = (setting(members, "tool_choice"), setting(members, "thinking"))
    return Blocks(tuple(head), settings, tuple(turns), _identity(members))


def _identity(members: Mapping[str, Raw]) -> str | None:
    metadata = members.get("metadata", NULL)
    return text_of(members_of(metadata).get("user_id"))
