"""What a format makes of a log: usage, bills, readings of a plan's meter, and a tally of lines."""

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from headgate.units.usage import Usage

Grade = Literal["A", "B", "C"]
"""How far a record can be trusted.

A: the seller's own account of what it bills. B: counts of the seller that a client or proxy
noted, complete. C: something that decides the amount is missing (the end of a stream, how long a
cache write was kept, the length of single prompts in a sum), so the amount is a bound or a range.
"""

SAMPLES_MAX = 5
"""Broken lines of a file that are described."""
_SAMPLE_BYTES_MAX, _SAMPLE_KEYS_MAX = 400, 6
_KEY = re.compile(rb'"(\w{1,40})"\s*:')


class Found(NamedTuple):
    """Usage of one reply, or of several as a sum, as one log tells it.

    Attributes:
        reply: Which reply, unique within the kind of log; two lines with the same `reply` and
            `part` are one record, of which the richer stays.
        part: Which telling of the reply; what is a copy of what is for the format to say.
        rank: The richer of two lines has the greater rank, then the later `at_ns`.
        at_ns: When the line was written.
        started_ns: When the first line about the reply was written: it decides the price.
        model: As the log names it.
        usage: On disjoint meters.
        seller: Whose price holds, when the log says; None lets the model's name decide.
        tier: In the price book's words.
        region: In the price book's words.
        ttl_unknown: Tokens in `usage.cache_write_5m` that may have been kept for an hour.
        calls: How many calls the record is the sum of.
        grade: How far it can be trusted, before the price is known.
        seat: Who used it, when the log says; None is whoever the log was imported for.
        session: The session or trace, "" when there is none.
        project: The project or folder, "" when there is none.
        billed_nanos: What the seller says it charged; only a seller's account has one.
        reported_nanos: What a proxy says it cost; shown for comparison, never used.
        side: The line belongs to a side branch that may repeat the main one.
    """

    reply: str
    part: str
    rank: int
    at_ns: int
    started_ns: int
    model: str
    usage: Usage
    seller: str | None = None
    tier: str = "standard"
    region: str = "global"
    ttl_unknown: int = 0
    calls: int = 1
    grade: Grade = "B"
    seat: str | None = None
    session: str = ""
    project: str = ""
    billed_nanos: int | None = None
    reported_nanos: int | None = None
    side: bool = False


class Bill(NamedTuple):
    """A line of a seller's invoice side: money without disjoint usage.

    Attributes:
        item: What tells it from other lines of the same time, such as model and token type.
        model: The model, "" when the line names none.
    """

    seller: str
    start_ns: int
    end_ns: int
    item: str
    model: str
    amount_nanos: int


class Reading(NamedTuple):
    """What a plan's own meter said at an instant.

    Attributes:
        window_minutes: Length of the window that is metered.
        used_bp: Part of the window's limit that is used, in hundredths of a percent.
        resets_ns: When the window ends, None when the log does not say.
    """

    at_ns: int
    window_minutes: int
    used_bp: int
    resets_ns: int | None = None


class Thread(NamedTuple):
    """A session that was forked from another; `parent` may be unknown to the store."""

    thread: str
    parent: str


@dataclass(slots=True)
class Tally:
    """What became of the lines (or rows, or results) of a file.

    Attributes:
        lines: How many there were.
        broken: Cut, interleaved or otherwise no JSON.
        foreign: Readable, but not of the format where it has to be.
        samples: Some of them, described without what they say.
    """

    lines: int = 0
    broken: int = 0
    foreign: int = 0
    samples: list[str] = field(default_factory=list)

    def note_broken(self, line: bytes, why: str) -> None:
        """Count a line that is no JSON."""
        self.broken += 1
        self._sample(line, why)

    def note_foreign(self, line: bytes, why: str) -> None:
        """Count a line that is not what the format says."""
        self.foreign += 1
        self._sample(line, why)

    def add(self, other: "Tally") -> None:
        """Add what another tally counted."""
        self.lines += other.lines
        self.broken += other.broken
        self.foreign += other.foreign
        self.samples = (self.samples + other.samples)[:SAMPLES_MAX]

    def _sample(self, line: bytes, why: str) -> None:
        """Describe a line by its size and its first keys: its values may be somebody's words."""
        if len(self.samples) < SAMPLES_MAX:
            keys = _KEY.findall(line[:_SAMPLE_BYTES_MAX])[:_SAMPLE_KEYS_MAX]
            told = f" that begins with {', '.join(key.decode() for key in keys)}" if keys else ""
            self.samples.append(f"{why}: {len(line):,} bytes{told}")


@dataclass(slots=True)
class Findings:
    """All that was found in a piece of a log.

    Attributes:
        covered: Stretches of time, as instants, that a seller's report tells about, also where
            it has nothing to tell.
        counted: By `reply`, how many calls it is by the seller's own count, where it gives one.
    """

    usage: list[Found] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    covered: list[tuple[int, int]] = field(default_factory=list)
    counted: dict[str, int] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Telling(NamedTuple):
    """One of several records of the same reply, for the format to say which are copies."""

    part: str
    side: bool


def rank_of(usage: Usage) -> int:
    """Return a rank by output first, prompt second: a stream's later line has more of both."""
    return (usage.output_tokens << 32) + usage.prompt_tokens


def rank_of_sum(usage: Usage) -> int:
    """Return a rank for a sum over many calls, which grows while late calls come in."""
    return usage.output_tokens + usage.prompt_tokens
