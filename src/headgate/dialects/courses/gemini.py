"""The course of Gemini: `functionCall`, and `functionResponse`, whose response may be an `error`.

https://ai.google.dev/gemini-api/docs/function-calling
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
from headgate.dialects.prompts.block import NULL, members_of

KIND = "gemini"
_CALL = ("functionCall", "function_call")
_RESULT = ("functionResponse", "function_response")


def read(members: Mapping[str, Raw]) -> Course:
    """Return the course of a request's conversation."""
    contents = listed(members.get("contents"))
    taken = Taken()
    for number, content in enumerate(contents):
        by_model = word(content.get("role")) == b'"model"'
        if number < len(contents) - STEPS_MAX:
            taken.skip(by_model=by_model)
            continue
        parts = listed(content.get("parts"))
        if by_model:
            taken.model([_called(one) for one in _named(parts, _CALL)])
        else:
            taken.user(["error" in _response(one) for one in _named(parts, _RESULT)])
    return taken.course(None, first_of(members.get("contents"), "parts"))


def _named(parts: list[dict[str, Raw]], names: tuple[str, ...]) -> list[dict[str, Raw]]:
    return [members_of(part[name]) for part in parts for name in names if name in part]


def _response(result: Mapping[str, Raw]) -> dict[str, Raw]:
    return members_of(result.get("response", NULL))


def _called(call: Mapping[str, Raw]) -> int:
    return digest(word(call.get("name")), word(call.get("args")))
