"""Codex CLI's rollouts: `sessions/YYYY/MM/DD/rollout-*.jsonl` below its home.

Shape: as read by ccusage's codex adapter; issues openai/codex 35463, ccusage 897 and 950, CodexBar
2193 and 3524. `token_count` events carry the running total of the thread, so a call is the
difference to the event before. A fork's rollout either begins with a replay of its parent's
events or at zero. Each event is therefore known by the hash of all totals up to it: a replay has
the hashes of its parent, a fresh start has its own, and no file has to be there for the other
to be read right.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from hashlib import blake2b
from pathlib import Path

import msgspec
from msgspec import Raw, Struct, json

from headgate.economics.usage_logs.fields import FieldError, instant_of, require_counts
from headgate.economics.usage_logs.jsonlines import JsonLines
from headgate.economics.usage_logs.record import (
    Findings,
    Found,
    Reading,
    Telling,
    Thread,
    rank_of,
)
from headgate.units.usage import Usage

KIND = "codex"
TITLE = "Codex CLI"
LINES = False
PATTERN = "*sessions/**/rollout-*.jsonl"
SELLER = "openai"

_FORKS_MAX = 1000
"""Forks of forks that are followed; a longer chain can only be a loop."""


class _Totals(Struct, frozen=True, gc=False):
    """Running totals; input includes cached input, output includes reasoning."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    output_tokens: int = 0
    reasoning_output_tokens: int = 0

    def minus(self, other: "_Totals") -> "_Totals":
        return _Totals(
            self.input_tokens - other.input_tokens,
            self.cached_input_tokens - other.cached_input_tokens,
            self.output_tokens - other.output_tokens,
            self.reasoning_output_tokens - other.reasoning_output_tokens,
        )


class _Info(Struct, gc=False):
    total_token_usage: _Totals | None = None
    last_token_usage: _Totals | None = None


class _Window(Struct, gc=False):
    used_percent: Decimal | None = None
    window_minutes: int | None = None
    resets_in_seconds: int | None = None
    resets_at: int | None = None


class _Limits(Struct, gc=False):
    primary: _Window | None = None
    secondary: _Window | None = None


class _Payload(Struct):
    type: str | None = None
    id: str | None = None
    forked_from_id: str | None = None
    parent_thread_id: str | None = None
    cwd: str | None = None
    model: str | None = None
    info: _Info | None = None
    rate_limits: _Limits | None = None


class _Line(Struct):
    type: str | None = None
    timestamp: str | None = None
    payload: Raw = Raw(b"null")


class _Rollout:
    """What is known of a rollout while its lines pass."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.thread = ""
        self.forked = False
        self.project = ""
        self.model = ""
        self.before = _Totals()
        self.chain = b""
        self.findings = Findings()

    def meta(self, payload: _Payload) -> None:
        """Take the first `session_meta`; later ones are replayed from the parent."""
        if self.thread or not payload.id:
            return
        self.thread = payload.id
        self.project = (payload.cwd or "").rstrip("/").rpartition("/")[2]
        parent = payload.forked_from_id or payload.parent_thread_id
        if parent:
            self.forked = True
            self.findings.threads.append(Thread(self.thread, parent))

    def count(self, at_ns: int, info: _Info) -> None:
        """Take the running totals after a call, unless they are those of the event before."""
        totals = info.total_token_usage
        if totals is None or totals == self.before:
            return
        spent = totals.minus(self.before)
        if not self.chain or min(msgspec.structs.astuple(spent)) < 0:
            # What came before is not in this file, or the count began anew.
            spent = info.last_token_usage or totals
        self.before = totals
        self.chain = blake2b(self.chain + json.encode(totals), digest_size=16).digest()
        usage = Usage(
            input_uncached=spent.input_tokens - spent.cached_input_tokens,
            cache_read=spent.cached_input_tokens,
            output_text=spent.output_tokens - spent.reasoning_output_tokens,
            output_reasoning=spent.reasoning_output_tokens,
        )
        require_counts(usage)
        if not any(usage):
            return
        self.findings.usage.append(
            Found(
                reply=self.chain.hex(),
                part=self.thread or self.name,
                rank=rank_of(usage),
                at_ns=at_ns,
                started_ns=at_ns,
                model=self.model or "unknown",
                usage=usage,
                grade="B" if self.model else "C",
                session=self.thread or self.name,
                project=self.project,
            )
        )

    def limits(self, at_ns: int, limits: _Limits) -> None:
        """Take the plan's own percentages; a fork may replay old ones at a new time."""
        for window in (limits.primary, limits.secondary):
            if self.forked or window is None or not window.window_minutes:
                continue
            if window.used_percent is None or not 0 <= window.used_percent <= 100:
                continue
            resets_ns = None
            if window.resets_at is not None:
                resets_ns = instant_of(window.resets_at)
            elif window.resets_in_seconds is not None:
                resets_ns = at_ns + window.resets_in_seconds * 1_000_000_000
            used_bp = int((window.used_percent * 100).to_integral_value())
            self.findings.readings.append(Reading(at_ns, window.window_minutes, used_bp, resets_ns))


_LINES = JsonLines(_Line, b'"session_meta"', b'"turn_context"', b'"token_count"')
_PAYLOAD = json.Decoder(_Payload)


def recognises(name: str, head: bytes) -> bool:
    """Tell it by its first line."""
    return name.endswith(".jsonl") and b'"session_meta"' in head


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return `CODEX_HOME`, else `~/.codex`; archived sessions lie beside the others."""
    given = environment.get("CODEX_HOME", "").strip()
    return (Path(given).expanduser() if given else home / ".codex",)


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a whole rollout."""
    rollout = _Rollout(name)
    for raw, line in _LINES.read(blocks, rollout.findings.tally):
        try:
            _take(rollout, line)
        except (FieldError, ValueError, RecursionError) as error:
            rollout.findings.tally.note_foreign(raw, str(error))
    return rollout.findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Name the threads that replay what another thread of their family said first."""
    families: dict[str, list[tuple[int, str]]] = {}
    for one in tellings:
        root, depth = _root(one.part, parents)
        families.setdefault(root, []).append((depth, one.part))
    return {part for family in families.values() for _depth, part in sorted(family)[1:]}


def _take(rollout: _Rollout, line: _Line) -> None:
    if line.type not in ("session_meta", "turn_context", "event_msg"):
        return
    payload = _PAYLOAD.decode(line.payload)
    if line.type == "session_meta":
        rollout.meta(payload)
    elif line.type == "turn_context":
        rollout.model = payload.model or rollout.model
    elif payload.type == "token_count":
        at_ns = instant_of(line.timestamp)
        if payload.info is not None:
            rollout.count(at_ns, payload.info)
        if payload.rate_limits is not None:
            rollout.limits(at_ns, payload.rate_limits)


def _root(thread: str, parents: Mapping[str, str]) -> tuple[str, int]:
    """Return the oldest known ancestor of a thread, and how far above it is."""
    for depth in range(_FORKS_MAX):
        parent = parents.get(thread)
        if parent is None or parent == thread:
            return thread, depth
        thread = parent
    return thread, _FORKS_MAX
