"""Streams of Gemini: one more event, with the finish reason `MAX_TOKENS`."""

from collections.abc import Mapping

from msgspec import Raw, json

from headgate.dialects.stops.events import LastEvents
from headgate.dialects.stops.written import frame

KIND = "gemini"

UNWRITTEN = frame(
    facts=rb"role|index|modelVersion|responseId|createTime|modality|trafficType|serviceTier"
    rb"|finishReason|\w*[tT]okenCount",
    openers=rb"candidates|content|parts|text|usageMetadata|\w*TokensDetails|safetyRatings",
    unless=b'"functionCall"',
)
"""The arguments of a call come as JSON, in which a model writes names as well."""

_CONFIGS = ("generationConfig", "generation_config")
_KEPT = ("usageMetadata", "modelVersion", "responseId")


def thinks(members: Mapping[str, Raw]) -> bool:
    """Tell whether a request says anything of thinking."""
    return any(b"hinking" in bytes(members[name]) for name in _CONFIGS if name in members)


class Stop(LastEvents):
    """Says the last event again, without a text and with the reason."""

    __slots__ = ()

    def close(self, output_tokens: int) -> bytes | None:  # noqa: ARG002 - the last count stands
        """Return the events that end the stream as its output limit would."""
        for last in self.latest():
            candidates = last.get("candidates")
            if last.get("promptFeedback") or last.get("error"):
                return None
            if not isinstance(candidates, list) or not candidates:
                continue
            if any(each.get("finishReason") for each in candidates):
                return None
            content = {"parts": [{"text": ""}], "role": "model"}
            ending = {"content": content, "finishReason": "MAX_TOKENS", "index": 0}
            kept = {name: last[name] for name in _KEPT if name in last}
            return b"data: %b\r\n\r\n" % json.encode({"candidates": [ending], **kept})
        return b""
