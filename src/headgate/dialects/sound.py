"""What OpenAI's dialects that listen share: how long a file can last, fields, replies.

How long the sound lasts is bounded by its bytes: exactly by the head of an uncompressed WAV file,
by the lowest bit rate of the MPEG version of an MP3 file, and elsewhere by `BYTES_PER_SECOND_MIN`.
No duration that a file declares is believed. What a silent FLAC or Opus file compresses to can be
less; the provider says how long it was, and that is posted, except with replies of plain text.

Wire format: https://platform.openai.com/docs/api-reference/audio/createTranscription
"""

import math
from decimal import Decimal
from typing import ClassVar

import msgspec
from msgspec import Raw, Struct

from headgate.dialects import body as bodies
from headgate.dialects import media
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX
from headgate.dialects.form import File, Form
from headgate.dialects.form import tell as tell_form
from headgate.records.demand import Demand, Pieces
from headgate.records.report import Report
from headgate.units.errors import BODY_INVALID, Refusal

BYTES_PER_SECOND_MIN = 750
"""6 kbit/s, the lowest rate of Opus; MP3 files of MPEG 2 have 8 kbit/s at least."""

_MP3_SLOW, _MP3_FAST = 1_000, 4_000
"""Bytes a second: the lowest rates of MPEG 2 (8 kbit/s) and of MPEG 1 (32 kbit/s), layer III."""

HEARD_TOKENS_MAX = 20
"""Tokens of sound a second at most: GPT-4o transcribes at 10."""
WRITTEN_TOKENS_MAX = 20
"""Tokens of a transcript a second at most: fast speech has 4 words a second, and words of some
languages a few tokens."""
WRITTEN_TOKENS_LEAST = 1_024
"""Room for what even a short file may come to: times, speakers, a language's name."""

_PCM = (1, 3)
"""WAV formats of samples as they are: integers and floating-point numbers."""


def seconds_max(head: bytes, size: int) -> int:
    """Return how many seconds a file of sound can last at most; at least 1.

    Args:
        head: Its first bytes.
        size: All of them.
    """
    rate = _wav_rate(head) or _mp3_rate(head) or BYTES_PER_SECOND_MIN
    return max(1, -(-size // rate))


def _wav_rate(head: bytes) -> int | None:
    """Return the bytes a second of an uncompressed WAV file; None for anything else."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + 8 <= len(head):
        kind, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        fields = head[at + 8 : at + 24]
        if kind == b"fmt " and len(fields) == 16:
            number = [int.from_bytes(fields[i : i + 2], "little") for i in (0, 2, 14)]
            samples = int.from_bytes(fields[4:8], "little")
            form, channels, bits = number
            rate = samples * channels * (bits // 8)
            return rate if form in _PCM and rate > 0 else None
        at += 8 + size + size % 2
    return None


def _mp3_rate(head: bytes) -> int | None:
    """Return the fewest bytes a second of an MP3 file; None for anything else."""
    if head[:3] == b"ID3":
        # The frames begin behind a tag, whose length has seven bits a byte.
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte & 0x7F
        head = head[10 + size :]
        if not head:
            return _MP3_SLOW
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return None
    return _MP3_FAST if head[1] & 0x18 == 0x18 else _MP3_SLOW


def tell(form: Form) -> bytes | Refusal:
    """Tell a form as JSON, with how long each file can last."""
    return tell_form(form, _measure)


def _measure(file: File) -> dict[str, int]:
    return {"seconds_max": seconds_max(file.head, file.size)}


class _File(Struct, gc=False):
    seconds_max: int


class Request(Struct, gc=False):
    """The fields that decide who may serve a request and what it can cost."""

    model: str
    file: list[_File] = []
    stream: bool | None = None
    # Sound in texts (data URLs), whose length bounds how long it lasts.
    known_speaker_references: list[str] = []


class _Reply(Struct, gc=False):
    text: str | None = None
    usage: Raw = Raw(b"null")
    # A number of JSON as it is written, or a text of one; never a float.
    duration: Decimal | None = None


_NAMED = frozenset(Request.__struct_fields__)
_REQUEST = msgspec.json.Decoder(Request, strict=False)
_REPLY = msgspec.json.Decoder(_Reply)


def read(body: bytes) -> Demand | Refusal:
    """Read who may serve a request and what it can cost, from a form told as JSON."""
    request = bodies.decode(_REQUEST, body)
    if isinstance(request, Refusal):
        return request
    values = bodies.members(body, _NAMED)
    if isinstance(values, Refusal):
        return values
    if len(request.file) != 1:
        return Refusal(BODY_INVALID, "file: send one file.", "file")
    references = sum(map(len, request.known_speaker_references))
    seconds = request.file[0].seconds_max + references // BYTES_PER_SECOND_MIN
    return Demand(
        model=request.model,
        stream=bool(request.stream),
        output_tokens_max=WRITTEN_TOKENS_LEAST + WRITTEN_TOKENS_MAX * seconds,
        usage_wanted=True,
        input_tokens_max=len(body) + HIDDEN_TOKENS_MAX + HEARD_TOKENS_MAX * seconds,
        pieces=Pieces({"audio_second": seconds}),
        members=values,
    )


def report(body: bytes) -> Report:
    """Read the metering facts of a reply: JSON with its usage, or plain text, which has none."""
    if not body or body[:1] in (b"<", b"\xff"):
        return Report()
    try:
        reply = _REPLY.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Text, or subtitles; a document of JSON that broke off is neither.
        return Report(complete=body[:1] not in (b"{", b"["))
    if reply.text is None:
        return Report()
    usage = media.usage_of(reply.usage)
    units: tuple[tuple[str, int], ...] = ()
    if usage is None and reply.duration is not None and reply.duration >= 0:
        units = (("audio_second", math.ceil(reply.duration)),)
    return Report(usage_json=usage, complete=True, units=units)


class Stream(media.MediaStream):
    """Reads a stream of pieces of a transcript; the last event repeats all of it."""

    __slots__ = ()

    ENDS: ClassVar[frozenset[str]] = frozenset({"transcript.text.done"})
    LAST_BYTES_MAX: ClassVar[int] = 8_388_608
