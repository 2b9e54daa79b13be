"""Streams of Chat Completions: the finish reason `length`, then the end mark."""

from collections.abc import Mapping

from msgspec import Raw, json

from headgate.dialects.stops.events import LastEvents
from headgate.dialects.stops.written import frame

KIND = "openai_chat"

UNWRITTEN = frame(
    facts=rb"id|object|created|model|system_fingerprint|service_tier|provider|obfuscation|index"
    rb"|role|type|finish_reason|native_finish_reason|logprobs|refusal|usage|\w*_tokens",
    openers=rb"choices|delta|content|tool_calls|function|arguments|usage|\w*_tokens_details",
)

_THOUGHTS = (
    "reasoning_effort",
    "reasoning",
    "thinking",
    "enable_thinking",
    "chat_template_kwargs",
)
_NO_THOUGHTS = frozenset({b"null", b'"none"', b"false"})


def thinks(members: Mapping[str, Raw]) -> bool:
    """Tell whether a request asks for thoughts, in the words of any provider."""
    asked = (members.get(name) for name in _THOUGHTS)
    return any(value is not None and bytes(value) not in _NO_THOUGHTS for value in asked)


class Stop(LastEvents):
    """Says the last event of a choice again, without a text and with the reason."""

    __slots__ = ()

    def close(self, output_tokens: int) -> bytes | None:  # noqa: ARG002 - no count is told
        """Return the events that end the stream as its output limit would."""
        for last in self.latest():
            if last.get("type") == "done":
                return None
            choices = last.get("choices")
            if not isinstance(choices, list) or not choices:
                continue
            if any(each.get("finish_reason") for each in choices):
                return None
            ending = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}
            told = {**last, "choices": [ending]}
            told.pop("obfuscation", None)
            return b"data: %b\n\ndata: [DONE]\n\n" % json.encode(told)
        return b""
