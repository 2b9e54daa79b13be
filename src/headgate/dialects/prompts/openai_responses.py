"""Prompts of Responses: as those of Chat Completions, save for what the provider keeps itself."""

from collections.abc import Mapping
from typing import Final

from msgspec import Raw

from headgate.dialects.prompts.block import NULL, Blocks, is_null, items, setting, text_of, texts

KIND = "openai_responses"
MARKED: Final = False
LIFETIME_S: Final = 300
CONVERSATION: Final = ("input", "content")
_ELSEWHERE: Final = ("previous_response_id", "conversation", "prompt")


def read(members: Mapping[str, Raw]) -> Blocks | None:
    """Return the blocks of a prompt; None when the provider holds a part of it."""
    if any(not is_null(members.get(name, NULL)) for name in _ELSEWHERE):
        return None
    head = (
        *items(members, "tools", ""),
        *texts(members.get("instructions"), "instructions", b"instructions"),
    )
    value = members.get("input", NULL)
    is_list = bytes(value).startswith(b"[")
    turns = items(members, *CONVERSATION) if is_list else texts(value, "input", b"input")
    identity = text_of(members.get("prompt_cache_key")) or text_of(members.get("user"))
    return Blocks(head, (setting(members, "text"),), turns, identity)
