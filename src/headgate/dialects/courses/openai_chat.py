"""The course of Chat Completions: `tool_calls`, and messages of the role `tool`.

No member marks a result as an error; see `looks_failed`.
https://platform.openai.com/docs/api-reference/chat/create
"""

from collections.abc import Mapping

from msgspec import Raw

from headgate.dialects.courses.course import (
    STEPS_MAX,
    Course,
    Taken,
    digest,
    first_of,
    listed,
    looks_failed,
    word,
)
from headgate.dialects.prompts.block import NULL, members_of, text_of

KIND = "openai_chat"
_INSTRUCTIONS = frozenset({b'"system"', b'"developer"'})


def read(members: Mapping[str, Raw]) -> Course:
    """Return the course of a request's conversation."""
    whole = [(word(one.get("role")), one) for one in listed(members.get("messages"))]
    messages = [(role, one) for role, one in whole if role not in _INSTRUCTIONS]
    taken = Taken()
    for number, (role, message) in enumerate(messages):
        by_model = role == b'"assistant"'
        if number < len(messages) - STEPS_MAX:
            taken.skip(by_model=by_model)
        elif by_model:
            taken.model([_called(one) for one in listed(message.get("tool_calls"))])
        elif role == b'"tool"':
            taken.user([looks_failed(word(message.get("content")))])
        else:
            taken.user(())
    identity = text_of(members.get("prompt_cache_key")) or text_of(members.get("user"))
    leading = next((n for n, (role, _) in enumerate(whole) if role not in _INSTRUCTIONS), 0)
    return taken.course(identity, first_of(members.get("messages"), "content", leading))


def _called(call: Mapping[str, Raw]) -> int:
    function = members_of(call.get("function", NULL))
    return digest(word(function.get("name")), word(function.get("arguments")))
