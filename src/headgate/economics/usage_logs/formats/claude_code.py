"""Claude Code's session logs: `projects/<folder>/<session>.jsonl` below its configuration folder.

Shape: as read by ccusage (its `types.rs` and issues 866, 888, 899, 901, 913, 985). A reply is
written once per piece while it streams, so lines with one message id and request id are one
reply, of which the line with the most output counts. Sub-agents and resumed sessions repeat
lines of others. Counts are known to be too low in places (ccusage issue 866): what these logs
come to is a lower bound of what the seller counted.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from headgate.economics.usage_logs.fields import FieldError, instant_of, require_counts
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import Findings, Found, Telling, rank_of
from headgate.units.usage import Usage

KIND = "claude_code"
TITLE = "Claude Code"
LINES = True
PATTERN = "projects/**/*.jsonl"

_SIDE = "~"
_NO_MODEL = "<synthetic>"
"""The model of lines that the client wrote itself, such as errors."""
_MARKS = (b'"parentUuid"', b'"isSidechain"', b'"leafUuid"')


class _Creation(Struct, gc=False):
    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class _Tools(Struct, gc=False):
    web_search_requests: int | None = 0


class _Usage(Struct):
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: _Creation | None = None
    server_tool_use: _Tools | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class _Message(Struct):
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Line(Struct):
    type: str | None = None
    timestamp: str | None = None
    sessionId: str | None = None  # noqa: N815 - the name in the log
    requestId: str | None = None  # noqa: N815 - the name in the log
    uuid: str | None = None
    cwd: str | None = None
    isSidechain: bool | None = None  # noqa: N815 - the name in the log
    isApiErrorMessage: bool | None = None  # noqa: N815 - the name in the log
    message: _Message | str | None = None


_LINES = JsonLines(_Line, b'"usage"')


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the names of its fields."""
    return name.endswith(".jsonl") and any(mark in head for mark in _MARKS)


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the folders of `CLAUDE_CONFIG_DIR` (a comma-separated list), else both usual ones."""
    given = environment.get("CLAUDE_CONFIG_DIR", "")
    if given.strip():
        return tuple(Path(part.strip()).expanduser() for part in given.split(",") if part.strip())
    return (home / ".claude", home / ".config" / "claude")


def read(data: bytes, name: str) -> Findings:
    """Read a piece of a log; lines of one reply within it are already merged."""
    findings = Findings()
    best: dict[tuple[str, str], tuple[int, str, str, _Line, _Message, Usage]] = {}
    for raw, line in _LINES.read(data, findings.tally):
        message = line.message
        if not isinstance(message, _Message) or message.usage is None:
            continue
        if line.type not in ("assistant", None) or line.isApiErrorMessage:
            continue
        if message.model is None or message.model == _NO_MODEL:
            continue
        if line.timestamp is None:
            findings.tally.note_foreign(raw, "no timestamp")
            continue
        key = (message.id or f"line:{line.uuid or line.timestamp}", _part(line))
        usage = _usage_of(message.usage)
        rank, at, first = rank_of(usage), line.timestamp, line.timestamp
        known = best.get(key)
        if known is not None:
            first = min(first, known[2])
            if (known[0], known[1]) > (rank, at):
                best[key] = (known[0], known[1], first, *known[3:])
                continue
        best[key] = (rank, at, first, line, message, usage)
    for (reply, part), (rank, at, first, line, message, usage) in best.items():
        try:
            findings.usage.append(_found(reply, part, rank, (at, first), line, message, usage))
        except FieldError as error:
            findings.tally.note_foreign(f"{reply} in {name}".encode(), str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Name side branches that repeat the main one, and lines that lost the request's id.

    A message's id names one reply of the seller. Among the main branch's lines those with
    different request ids stay apart, as every reader of these logs has it.
    """
    del parents
    told = sorted(tellings)
    main = [one.part for one in told if not one.side]
    if not main:
        return {one.part for one in told[1:]}
    without = {""} if len(main) > 1 else set()
    return {one.part for one in told if one.side} | (without & set(main))


def _part(line: _Line) -> str:
    return f"{_SIDE if line.isSidechain else ''}{line.requestId or ''}"


def _usage_of(told: _Usage) -> Usage:
    """Split the writes by how long they are kept; input tokens are without cached ones."""
    writes, split = told.cache_creation_input_tokens or 0, told.cache_creation
    hour = split.ephemeral_1h_input_tokens if split else 0
    five = split.ephemeral_5m_input_tokens if split else 0
    tools = told.server_tool_use
    return Usage(
        told.input_tokens or 0,
        told.cache_read_input_tokens or 0,
        max(five, writes - hour),
        hour,
        output_text=told.output_tokens or 0,
        web_search=(tools.web_search_requests or 0) if tools else 0,
    )


def _found(
    reply: str,
    part: str,
    rank: int,
    times: tuple[str, str],
    line: _Line,
    message: _Message,
    usage: Usage,
) -> Found:
    told = message.usage
    assert told is not None, "only lines with usage are kept"
    require_counts(usage)
    split = told.cache_creation
    known = split.ephemeral_5m_input_tokens if split else 0
    at_ns = instant_of(times[0])
    tier = "fast" if told.speed == "fast" else told.service_tier or "standard"
    return Found(
        reply=reply,
        part=part,
        rank=rank,
        at_ns=at_ns,
        started_ns=at_ns if times[0] == times[1] else instant_of(times[1]),
        model=message.model or "",
        usage=usage,
        tier=tier,
        region=told.inference_geo if told.inference_geo in ("us", "eu") else "global",
        ttl_unknown=usage.cache_write_5m - known,
        grade="B" if message.stop_reason is not None else "C",
        session=line.sessionId or "",
        project=(line.cwd or "").replace("\\", "/").rstrip("/").rpartition("/")[2],
        side=bool(line.isSidechain),
    )
