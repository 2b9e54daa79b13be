"""`bedrock`: models on Amazon Bedrock: Anthropic's by InvokeModel, all by Converse.

InvokeModel's body is that of Messages without `model` (it stands in the path) and `stream` (the
path says it), and with a version; beta features stand in the body. Converse is Bedrock's own
dialect for the models of all makers. A credential with colons signs requests
(`ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`); one without is a Bedrock API key. Sources:
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

import msgspec
from msgspec import Struct

from headgate.providers import anthropic, converse_usage
from headgate.providers.anthropic import limit_field, limit_needed
from headgate.providers.envelope import (
    ANY_PLACE,
    Envelope,
    FrameError,
    Headers,
    Place,
    Unsigned,
)
from headgate.providers.eventstream import Message, Messages
from headgate.providers.replies import credential_bytes
from headgate.providers.setup import Setup
from headgate.providers.sigv4 import parse_keys, sign
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report

__all__ = ["limit_field", "limit_needed"]

KIND = "bedrock"
NATIVE_DIALECTS = ("anthropic_messages", "bedrock_converse")
SETUP = Setup(
    base_url="https://bedrock-runtime.{AWS_REGION}.amazonaws.com",
    secrets=("AWS_BEARER_TOKEN_BEDROCK",),
    command=(
        "sh",
        "-c",
        'echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY${AWS_SESSION_TOKEN:+:$AWS_SESSION_TOKEN}"',
    ),
    parts=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)
DEFAULTS: tuple[tuple[bytes, bytes], ...] = ()
PASSED = frozenset({b"x-amzn-requestid", b"retry-after"})
PASSED_PREFIXES = (b"x-amzn-bedrock-",)

VERSION = b'"bedrock-2023-05-31"'
REGION_DEFAULT = "us-east-1"

_NAME = re.compile(rb"[a-z_]+")
_MEMBER = re.compile(r"[A-Za-z]+")
_VERBS = {
    ("anthropic_messages", False): "invoke",
    ("anthropic_messages", True): "invoke-with-response-stream",
    ("bedrock_converse", False): "converse",
    ("bedrock_converse", True): "converse-stream",
}
_REGION = re.compile(r"bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")

_TYPE_OF = {
    "throttlingException": "rate_limit_error",
    "serviceUnavailableException": "overloaded_error",
    "modelTimeoutException": "timeout_error",
    "validationException": "invalid_request_error",
}
"""Exceptions in a stream, and what Messages calls such an error; others are `api_error`."""


class _Part(Struct, gc=False):
    bytes: str


class _Typed(Struct, gc=False):
    type: str = ""


class _Fault(Struct, gc=False):
    message: str | None = None


_PART = msgspec.json.Decoder(_Part)
_EVENT = msgspec.json.Decoder(_Typed)
_FAULT = msgspec.json.Decoder(_Fault)


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold: Bedrock has its own, by region and by kind of profile."""
    return KIND


def speaks(dialect: str, model: str) -> bool:
    """Tell whether a model speaks a dialect: Anthropic's speak both, all others Converse alone."""
    return dialect == "bedrock_converse" or "anthropic" in model or "claude" in model


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a model, an inference profile or an ARN.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    verb = _VERBS[dialect, place.stream]
    return f"{base_path.rstrip('/')}/model/{quote(place.model, safe='')}/{verb}"


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries an API key; keys that sign stand in no fixed header.

    Raises:
        ValueError: The credential cannot be used.
    """
    if ":" in credential:
        parse_keys(credential)
        return ()
    return ((b"authorization", b"Bearer " + credential_bytes(credential)),)


def region_of(host: str, configured: str | None) -> str:
    """Return the region in a host name of Bedrock, else the configured one, else `us-east-1`."""
    found = _REGION.search(host)
    return configured or REGION_DEFAULT if found is None else found[1]


def _signed(credential: str, unsigned: Unsigned) -> Headers:
    if ":" not in credential:
        return ()
    region = region_of(unsigned.host, unsigned.region)
    return sign(parse_keys(credential), unsigned, method="POST", region=region, service=KIND)


def _members(forwarded: Headers) -> Mapping[str, bytes]:
    """Return the version, and the beta features that Anthropic takes as a header."""
    features = [
        one.strip()
        for name, value in forwarded
        if name == b"anthropic-beta"
        for one in value.decode("latin-1").split(",")
    ]
    found = {"anthropic_version": VERSION}
    if any(features):
        found["anthropic_beta"] = msgspec.json.encode([one for one in features if one])
    return found


class _Events:
    """Makes server-sent events out of event-stream messages, each by `event`."""

    __slots__ = ("_broken", "_event", "_messages")

    def __init__(self, event: Callable[[Message], bytes]) -> None:
        self._event = event
        self._messages = Messages()
        self._broken: FrameError | None = None

    def feed(self, payload: bytes) -> bytes:
        """Return the events that became whole; those before a break come without a complaint.

        Raises:
            FrameError: The framing is broken, or what it carries is not what Bedrock sends.
        """
        if self._broken is not None:
            raise self._broken
        events = b""
        try:
            for message in self._messages.feed(payload):
                events += self._event(message)
        except FrameError as error:
            if not events:
                raise
            self._broken = error
        return events


def _event(message: Message) -> bytes:
    """Return the event of Messages that a chunk carries."""
    if message.headers.get(":message-type") != "event":
        return _error(message)
    if message.headers.get(":event-type") != "chunk":
        return b""
    try:
        data = base64.b64decode(_PART.decode(message.payload).bytes, validate=True)
        kind = _EVENT.decode(data).type.encode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error) as error:
        raise FrameError(f"a message carries no event: {error}") from error
    name = kind if _NAME.fullmatch(kind) else b"unknown"
    return b"event: %b\ndata: %b\n\n" % (name, _line(data))


def _line(data: bytes) -> bytes:
    """Return JSON in one line: ends of line are blanks to it, but not to an event."""
    return data.replace(b"\r", b" ").replace(b"\n", b" ")


def _member(message: Message) -> bytes:
    """Return a message of Converse as an event with the one member it is in the API."""
    if message.headers.get(":message-type") != "event":
        return _error(message)
    name = message.headers.get(":event-type", "")
    if not _MEMBER.fullmatch(name):
        raise FrameError("a message does not say what it is")
    return b'data: {"%b":%b}\n\n' % (name.encode(), _line(message.payload) or b"{}")


def _error(message: Message) -> bytes:
    told = message.headers
    name = told.get(":exception-type") or told.get(":error-code") or "unknown"
    try:
        words = _FAULT.decode(message.payload).message
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        words = None
    error = {
        "type": _TYPE_OF.get(name, "api_error"),
        "message": words or told.get(":error-message") or name,
    }
    data = msgspec.json.encode({"type": "error", "error": error})
    return b"event: error\ndata: %b\n\n" % data


FRAMES = b"application/vnd.amazon.eventstream"
ENVELOPES = {
    "anthropic_messages": Envelope(
        dropped=frozenset({"model", "stream"}),
        members=_members,
        held_back=frozenset({b"anthropic-version", b"anthropic-beta"}),
        sign=_signed,
        frames_type=FRAMES,
        unframer=partial(_Events, _event),
    ),
    "bedrock_converse": Envelope(
        sign=_signed, frames_type=FRAMES, unframer=partial(_Events, _member)
    ),
}


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 the error a stream began with.

    Statuses 424 and 408 are the model's failures, not the request's
    (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html).
    """
    if status == 424:
        status = 500
    if status == 400 and b"Input is too long" in body:
        body = b"prompt is too long"
    return anthropic.failure(status, body)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage, which each of the two dialects names in its own way.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself.
    """
    if report.usage_json is not None and b'"inputTokens"' in report.usage_json:
        return converse_usage.metered(report, asked)
    return anthropic.metered(report, asked)
