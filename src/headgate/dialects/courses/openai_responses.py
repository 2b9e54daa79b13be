"""The course of Responses: items of calls and of their outputs.

No member marks an output as an error; see `looks_failed`. A request may go on from a reply that
the provider holds: then it has only what is new.
https://platform.openai.com/docs/api-reference/responses/create
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

KIND = "openai_responses"
_INSTRUCTIONS = frozenset({b'"system"', b'"developer"'})
_CALL, _OUTPUT = b'_call"', b'_call_output"'
_MODEL = (_CALL, b'"reasoning"')


def read(members: Mapping[str, Raw]) -> Course:
    """Return the course of a request's conversation."""
    value = members.get("input", NULL)
    whole = [(word(one.get("type")), word(one.get("role")), one) for one in listed(value)]
    said = [one for one in whole if one[1] not in _INSTRUCTIONS]
    taken = Taken()
    for number, (kind, role, item) in enumerate(said):
        by_model = role == b'"assistant"' or kind.endswith(_MODEL)
        if number < len(said) - STEPS_MAX:
            taken.skip(by_model=by_model)
        elif kind.endswith(_OUTPUT):
            taken.user([looks_failed(word(item.get("output")))])
        elif kind.endswith(_CALL):
            taken.model([digest(*_called(item))])
        elif role == b'"assistant"':
            taken.model(())
        elif not by_model:
            taken.user(())
    if word(value).startswith(b'"'):
        taken.user(())
    leading = next((n for n, one in enumerate(whole) if one[1] not in _INSTRUCTIONS), 0)
    identity = text_of(members.get("prompt_cache_key")) or text_of(members.get("user"))
    first = first_of(value, "content", leading)
    after = text_of(members.get("previous_response_id"))
    return taken.course(_conversation(members) or identity, None if after else first, after)


def _called(item: Mapping[str, Raw]) -> tuple[bytes, ...]:
    return tuple(word(item.get(name)) for name in ("name", "arguments", "input", "action"))


def _conversation(members: Mapping[str, Raw]) -> str | None:
    value = members.get("conversation", NULL)
    return text_of(value) or text_of(members_of(value).get("id"))
