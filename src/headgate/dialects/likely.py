"""Which dialect a body is most likely of, for files that do not say."""

import msgspec

_MARKS = {
    "contents": "gemini",
    "input": "openai_responses",
    "system": "anthropic_messages",
    "messages": "openai_chat",
}
"""By a member that the others lack, the surest first; `messages` alone is read alike by two."""


def likely_dialect(body: bytes) -> str | None:
    """Return the kind of a dialect, None for what is no request of any."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return next((kind for mark, kind in _MARKS.items() if mark in members), None)
