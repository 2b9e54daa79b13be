"""Responses that a provider keeps: what may be asked about one, whoever generated it; pure.

Nothing of this generates anything. Wire format:
https://platform.openai.com/docs/api-reference/responses (retrieve, delete, cancel, input-items) and
the types of the official SDK.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, urlencode

from headgate.dialects import openai_responses
from headgate.units import errors
from headgate.units.errors import Refusal

SPOKEN: Final = openai_responses.KIND
PREFIX: Final = f"{openai_responses.PATH}/"
QUERY_FIELDS_MAX: Final = 64
NAME_PATTERN: Final = "[A-Za-z0-9_-]{1,128}"
KEPT: Final = "resp_"
"""What the ids of responses begin with that a provider keeps; `ledger.tables` finds them by it."""
_NAME: Final = re.compile(NAME_PATTERN)

ASKED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("GET", ""): ("include", "include[]", "include_obfuscation"),
    ("DELETE", ""): (),
    ("POST", "cancel"): (),
    ("GET", "input_items"): ("after", "before", "include", "include[]", "limit", "order"),
}
"""By method and what stands below a response: what its query may say. No credential is passed on
that somebody wrote into it."""

_METHODS: Final = {"": "GET, HEAD, DELETE", "cancel": "POST", "input_items": "GET, HEAD"}
UNKNOWN: Final = "This key has no response {name!r} that a provider keeps."


class Asked(NamedTuple):
    """What is asked about a response.

    Attributes:
        name: Its id at the provider, which is the one that its client was told.
        below: What stands behind that in the path, with its slash; empty for the response itself.
        query: What the provider is asked beside it; empty for nothing.
    """

    method: str
    name: str
    below: str
    query: str


def read(method: str, path: str, query: str) -> Asked | Refusal | None:
    """Read what is asked about a response; None for a path that is of none."""
    if not path.startswith(PREFIX):
        return None
    name, slash, below = path.removeprefix(PREFIX).partition("/")
    allow = _METHODS.get(below)
    if not _NAME.fullmatch(name) or allow is None or (slash and not below):
        return None
    said = ASKED.get((method, below))
    kept = name.startswith(KEPT)
    if said is None:
        headers = ((b"allow", allow.encode()),)
        message = f"Use {allow} here."
        return Refusal(errors.METHOD_NOT_ALLOWED, message, headers=headers) if kept else None
    if not kept:
        # That of a translated call, perhaps.
        return Refusal(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=name))
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        return Refusal(errors.BODY_INVALID, f"A query may have {QUERY_FIELDS_MAX} fields here.")
    if ("stream", "true") in pairs:
        message = "stream: only responses in the background are streamed again, and none is here."
        return Refusal(errors.FEATURE_UNSUPPORTED, message, "stream")
    passed = urlencode([each for each in pairs if each[0] in said])
    return Asked(method, name, f"/{below}" if below else "", passed)
