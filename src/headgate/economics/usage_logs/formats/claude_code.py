"""Claude Code's session logs: `projects/<folder>/<session>.jsonl` below its configuration folder.

Shape: as read by ccusage (its `types.rs` and issues 866, 888, 899, 901, 913, 985). A reply is
written once per piece while it streams, so lines with one message id and request id are one
reply, of which the line with the most output counts. Sub-agents and resumed sessions repeat
lines of others. Counts are known to be too low in places (ccusage issue 866): what these logs
come to is a lower bound of what the seller counted.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from headgate.economics.usage_logs.fields import FieldError, instant_of, require_counts
from headgate.economics.usage_logs.formats.claude_code_line import Line, Message, ToldUsage
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import Findings, Found, Telling
from headgate.units.usage import Usage

KIND = "claude_code"
TITLE: Final = "Claude Code"
LINES: Final = True
PATTERN: Final = "projects/**/*.jsonl"
SELLER: Final = "anthropic"

_NO_MODEL: Final = "<synthetic>"
"""The model of lines that the client wrote itself, such as errors."""
_MARKS: Final = (
    b'"parentUuid"',
    b'"isSidechain"',
    b'"leafUuid"',
    # Before the first message, and as long as what was pasted or changed.
    b'"queue-operation"',
    b'"file-history-snapshot"',
)

_TYPES: Final = ("assistant", None)
_REGIONS: Final = ("us",)
"""Values of `inference_geo` that cost more; others are the global price."""
_Best = tuple[int, str, str, Line, Message]
"""The richest line about a reply: its rank and time, the earliest time, the line."""
_LINES: Final = JsonLines(Line, b'"usage"', skipped=b'"type":"user"')


def recognises(name: str, head: bytes) -> bool:
    """Tell it by the names of its fields."""
    return name.endswith(".jsonl") and any(mark in head for mark in _MARKS)


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return the folders of `CLAUDE_CONFIG_DIR` (a comma-separated list), else both usual ones."""
    given = environment.get("CLAUDE_CONFIG_DIR", "")
    if given.strip():
        return tuple(Path(part.strip()).expanduser() for part in given.split(",") if part.strip())
    return (home / ".claude", home / ".config" / "claude")


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a piece of a log; lines of one reply within it are already merged."""
    findings = Findings()
    best: dict[tuple[str, str], _Best] = {}
    for raw, line in _LINES.read(blocks, findings.tally):
        message, at = line.message, line.timestamp
        if type(message) is not Message or line.type not in _TYPES or line.isApiErrorMessage:
            continue
        usage, model = message.usage, message.model
        if usage is None or model is None or model == _NO_MODEL:
            continue
        if at is None:
            findings.tally.note_foreign(raw, "no timestamp")
            continue
        rank = _rank(usage)
        part = line.requestId or ""
        # Without an id nothing can repeat a line but the line itself.
        key = (message.id or f"line:{at}:{rank}", f"~{part}" if line.isSidechain else part)
        known = best.get(key)
        if known is None:
            best[key] = (rank, at, at, line, message)
            continue
        first = at if at < known[2] else known[2]
        if rank > known[0] or (rank == known[0] and at >= known[1]):
            best[key] = (rank, at, first, line, message)
        elif first is at:
            best[key] = (*known[:2], first, *known[3:])
    for (reply, part), one in best.items():
        try:
            findings.usage.append(_found(reply, part, one))
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


def _rank(told: ToldUsage) -> int:
    """Return what `record.rank_of` makes of it: output first, then the prompt."""
    written, read = told.cache_creation_input_tokens or 0, told.cache_read_input_tokens or 0
    return ((told.output_tokens or 0) << 32) + (told.input_tokens or 0) + written + read


def _found(reply: str, part: str, best: _Best) -> Found:
    rank, at, first, line, message = best
    told = message.usage
    assert told is not None, "only lines with usage are kept"
    writes, split = told.cache_creation_input_tokens or 0, told.cache_creation
    hour = split.ephemeral_1h_input_tokens if split else 0
    five = split.ephemeral_5m_input_tokens if split else 0
    tools = told.server_tool_use
    usage = tuple.__new__(
        Usage,
        (
            told.input_tokens or 0,
            told.cache_read_input_tokens or 0,
            max(five, writes - hour),
            hour,
            0,
            0,
            told.output_tokens or 0,
            0,
            0,
            (tools.web_search_requests or 0) if tools else 0,
        ),
    )
    require_counts(usage)
    at_ns = instant_of(at)
    # Not by their own way of making one, which takes twice as long: there may be a million.
    return tuple.__new__(
        Found,
        (
            reply,
            part,
            rank,
            at_ns,
            at_ns if at == first else instant_of(first),
            message.model or "",
            usage,
            None,
            "fast" if told.speed == "fast" else told.service_tier or "standard",
            told.inference_geo if told.inference_geo in _REGIONS else "global",
            usage.cache_write_5m - five,
            1,
            "C" if message.stop_reason is None else "B",
            None,
            line.sessionId or "",
            _last_name(line.cwd or ""),
            None,
            None,
            bool(line.isSidechain),
        ),
    )


@lru_cache(maxsize=1024)
def _last_name(folder: str) -> str:
    return folder.replace("\\", "/").rstrip("/").rpartition("/")[2]
