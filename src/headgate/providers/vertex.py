"""`vertex`: Anthropic's and Google's models on Google Cloud's Vertex AI.

`base_url` names project and location, as in
`https://LOCATION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/LOCATION`. Anthropic's
are asked by rawPredict and streamRawPredict, with the body of Messages without `model` (it stands
in the path) and with a version; Google's own as in the Gemini API, below another address. The
credential is an OAuth access token, which lasts an hour; `credential_command` gets new ones.
Sources: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference.
"""

from collections.abc import Mapping
from urllib.parse import quote

from headgate.providers import anthropic, gemini
from headgate.providers.envelope import ANY_PLACE, Envelope, Headers, Place
from headgate.providers.replies import credential_bytes
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report

KIND = "vertex"
NATIVE_DIALECTS = ("anthropic_messages", "gemini", "gemini_count_tokens")
DEFAULTS: tuple[tuple[bytes, bytes], ...] = ()
PASSED = anthropic.PASSED | gemini.PASSED
PASSED_PREFIXES = anthropic.PASSED_PREFIXES + gemini.PASSED_PREFIXES

VERSION = b'"vertex-2023-10-16"'

_METHODS = {
    ("anthropic_messages", False): "rawPredict",
    ("anthropic_messages", True): "streamRawPredict",
    ("gemini", False): "generateContent",
    ("gemini", True): "streamGenerateContent?alt=sse",
    ("gemini_count_tokens", False): "countTokens",
    ("gemini_count_tokens", True): "countTokens",
}


def _members(forwarded: Headers) -> Mapping[str, bytes]:  # noqa: ARG001 - beta features stay one
    return {"anthropic_version": VERSION}


ENVELOPES = {
    "anthropic_messages": Envelope(
        dropped=frozenset({"model"}),
        members=_members,
        held_back=frozenset({b"anthropic-version"}),
    )
}


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold: Vertex has its own, by region."""
    return KIND


def speaks(dialect: str, model: str) -> bool:
    """Tell whether a model speaks a dialect: each of the two makers' models their own."""
    return ("claude" if dialect == "anthropic_messages" else "gemini") in model


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a model of Anthropic's or Google's.

    Raises:
        ValueError: Another dialect.
    """
    method = _METHODS.get((dialect, place.stream))
    if method is None:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    publisher = "anthropic" if dialect == "anthropic_messages" else "google"
    model = quote(place.model, safe="@")
    return f"{base_path.rstrip('/')}/publishers/{publisher}/models/{model}:{method}"


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the access token.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    return ((b"authorization", b"Bearer " + credential_bytes(credential)),)


def limit_field(base_url: str, model: str) -> str:
    """Return the one name the output limit has, inside `generationConfig` for Google's models."""
    if speaks("gemini", model):
        return gemini.limit_field(base_url, model)
    return anthropic.limit_field(base_url, model)


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell whether the limit must be there beside another one: neither dialect has two."""
    return False


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 the error a stream began with.

    What Google's front says stands in its own form, whosever model was asked.
    """
    if b'"type"' in body and b'"status"' not in body:
        return anthropic.failure(status, body)
    return gemini.failure(status, body)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage, which each maker's models name in their own way.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself.
    """
    if b'"promptTokenCount"' in (report.usage_json or b""):
        return gemini.metered(report, asked)
    return anthropic.metered(report, asked)
