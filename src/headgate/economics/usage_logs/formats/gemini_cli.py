"""Gemini CLI's recorded chats: `tmp/<project>/chats/*.json` or `*.jsonl` below `~/.gemini`.

Shape: gemini-cli's `chatRecordingTypes.ts`. Older files are one document with `messages`, newer
ones have a record a line, with `$set` and `$rewindTo` among them; what was rewound was paid for
all the same. A message is rewritten under its id as it grows: the last one counts. `input`
includes cached tokens; thoughts and tool prompts stand outside `output` and `input`.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from headgate.economics.usage_logs.fields import FieldError, instant_of, require_counts
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import Findings, Found, Telling, rank_of
from headgate.units.usage import Usage

KIND = "gemini_cli"
TITLE = "Gemini CLI"
LINES = False
PATTERN = "tmp/*/chats/**/*.json*"
SELLER = "google"


class _Tokens(Struct, gc=False):
    input: int | None = 0
    output: int | None = 0
    cached: int | None = 0
    thoughts: int | None = 0
    tool: int | None = 0


class _Message(Struct):
    id: str | None = None
    timestamp: str | None = None
    model: str | None = None
    tokens: _Tokens | None = None


class _Record(_Message):
    """A line: a message, the head of the file, or a `$set` of several messages."""

    sessionId: str | None = None  # noqa: N815 - the name in the log
    messages: list[_Message] | None = None
    set: "_Record | None" = msgspec.field(name="$set", default=None)


_LINES = JsonLines(_Record, b'"tokens"', b'"sessionId"')
_DOCUMENT = msgspec.json.Decoder(_Record)


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the hash of the project, which stands at the top of both forms."""
    return (
        name.endswith((".json", ".jsonl")) and b'"projectHash"' in head and b'"sessionId"' in head
    )


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return `~/.gemini`, below `GEMINI_CLI_HOME` when that is set."""
    given = environment.get("GEMINI_CLI_HOME", "").strip()
    return ((Path(given).expanduser() if given else home) / ".gemini",)


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a whole chat in either form."""
    findings = Findings()
    latest: dict[str, _Message] = {}
    session = name
    for record in _records(blocks, name, findings):
        session = record.sessionId or session
        inner = record.set.messages if record.set else None
        for message in (record, *(record.messages or ()), *(inner or ())):
            if message.tokens is not None and message.id is not None:
                latest[message.id] = message
    for identity, message in latest.items():
        try:
            findings.usage.append(_found(session, identity, message))
        except FieldError as error:
            findings.tally.note_foreign(f"{identity} in {name}".encode(), str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: a message belongs to one session."""
    del tellings, parents
    return set()


def _records(blocks: Iterable[bytes], name: str, findings: Findings) -> Iterable[_Record]:
    if name.endswith(".jsonl"):
        return (record for _raw, record in _LINES.read(blocks, findings.tally))
    findings.tally.lines += 1
    data = b"".join(blocks)
    try:
        return (_DOCUMENT.decode(data),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        findings.tally.note_broken(data, str(error))
        return ()


def _found(session: str, identity: str, message: _Message) -> Found:
    tokens = message.tokens
    assert tokens is not None, "only messages with tokens are kept"
    cached = tokens.cached or 0
    usage = Usage(
        input_uncached=(tokens.input or 0) - cached + (tokens.tool or 0),
        cache_read=cached,
        output_text=tokens.output or 0,
        output_reasoning=tokens.thoughts or 0,
    )
    require_counts(usage)
    at_ns = instant_of(message.timestamp)
    return Found(
        reply=f"{session}/{identity}",
        part="",
        rank=rank_of(usage),
        at_ns=at_ns,
        started_ns=at_ns,
        model=message.model or "unknown",
        usage=usage,
        seller=SELLER,
        grade="B" if message.model else "C",
        session=session,
    )
