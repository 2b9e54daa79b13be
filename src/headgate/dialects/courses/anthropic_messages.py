"""The course of Anthropic's Messages: `tool_use`, and `tool_result` with `is_error`.

https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use
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
    word,
)
from headgate.dialects.prompts.block import NULL, members_of, text_of

KIND = "anthropic_messages"


def read(members: Mapping[str, Raw]) -> Course:
    """Return the course of a request's conversation."""
    messages = listed(members.get("messages"))
    taken = Taken()
    for number, message in enumerate(messages):
        by_model = word(message.get("role")) == b'"assistant"'
        if number < len(messages) - STEPS_MAX:
            taken.skip(by_model=by_model)
            continue
        content = [(word(one.get("type")), one) for one in listed(message.get("content"))]
        if by_model:
            taken.model([_called(one) for kind, one in content if kind == b'"tool_use"'])
        else:
            results = [one for kind, one in content if kind == b'"tool_result"']
            taken.user([word(one.get("is_error")) == b"true" for one in results])
    identity = text_of(members_of(members.get("metadata", NULL)).get("user_id"))
    return taken.course(identity, first_of(members.get("messages"), "content"))


def _called(block: Mapping[str, Raw]) -> int:
    return digest(word(block.get("name")), word(block.get("input")))
