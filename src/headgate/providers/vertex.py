"""`vertex`: Anthropic's models on Google Cloud's Vertex AI, by rawPredict and streamRawPredict.

`base_url` names project and location, as in
`https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION`. The body is
that of Messages without `model` (it stands in the path) and with a version. The credential is an
OAuth access token, which lasts an hour; `credential_command` gets new ones. Source:
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude.
"""

from collections.abc import Mapping
from urllib.parse import quote

from headgate.providers.anthropic import (
    PASSED,
    PASSED_PREFIXES,
    failure,
    limit_field,
    limit_needed,
    metered,
)
from headgate.providers.envelope import ANY_PLACE, Envelope, Headers, Place
from headgate.providers.replies import credential_bytes

__all__ = ["PASSED", "PASSED_PREFIXES", "failure", "limit_field", "limit_needed", "metered"]

KIND = "vertex"
NATIVE_DIALECTS = ("anthropic_messages",)
DEFAULTS: tuple[tuple[bytes, bytes], ...] = ()

VERSION = b'"vertex-2023-10-16"'


def _members(forwarded: Headers) -> Mapping[str, bytes]:  # noqa: ARG001 - beta features stay one
    return {"anthropic_version": VERSION}


ENVELOPE = Envelope(
    dropped=frozenset({"model"}),
    members=_members,
    held_back=frozenset({b"anthropic-version"}),
)


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold: Vertex has its own, by region."""
    return KIND


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a model of Anthropic's.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    verb = "streamRawPredict" if place.stream else "rawPredict"
    model = quote(place.model, safe="@")
    return f"{base_path.rstrip('/')}/publishers/anthropic/models/{model}:{verb}"


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the access token.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return ((b"authorization", b"Bearer " + credential_bytes(credential)),)
