"""What `headgate import` prints: what was read, what it comes to, what could not be read."""

from collections.abc import Iterable
from pathlib import Path

from headgate.cli.output import print_table, say, table
from headgate.economics.usage_logs.formats.registry import formats
from headgate.economics.usage_logs.importing import Done
from headgate.economics.usage_logs.load_files import Survey
from headgate.economics.usage_logs.summary import Record, SourceSums, Summary
from headgate.insights.contract_desk import (
    BilledView,
    ImportView,
    RecordView,
    SourceView,
    UnpricedView,
)
from headgate.units.instants import to_iso
from headgate.units.money import NANOS_PER_USD, format_usd
from headgate.units.plain import plain

LIST_MAX = 10
"""Files and models that are listed for people; `--json` lists all."""
NAME_CHARS_MAX = 80
"""A longer name of a model is cut for people."""


def dollars(amount_nanos: int, decimals: int = 2) -> str:
    """Return an amount for people: `1,234.56`, rounded half up, never used to compute."""
    step: int = 10 ** (9 - decimals)
    cut = (abs(amount_nanos) + step // 2) // step * step
    whole, rest = divmod(cut, NANOS_PER_USD)
    return f"{'-' if amount_nanos < 0 else ''}{whole:,}.{rest // step:0{decimals}d}"


def show(path: Path, found: Survey, done: Done, sums: Summary) -> None:
    """Print it for people: the answer first."""
    low = sum(one.cost_nanos for one in sums.sources)
    high = sum(one.cost_high_nanos for one in sums.sources)
    replies = sum(one.records for one in sums.sources)
    span = f"{dollars(low)}" if low == high else f"{dollars(low)} to {dollars(high)}"
    say(f"{replies:,} record{'s' * (replies != 1)} of usage, at list price {span} USD.")
    say(
        f"Read {done.files:,} new or changed files ({done.bytes_read / 1e6:,.1f} MB, "
        f"{done.tally.lines:,} lines); {done.unchanged:,} had not changed."
    )
    _show_sources(sums)
    _show_unpriced(sums)
    for one in sums.billed:
        say(
            f"Bills of {one.seller}, {_day(one.start_ns)} to {_day(one.end_ns - 1)}: "
            f"{dollars(one.billed_nanos, 4)} USD; its usage reports of those days come to "
            f"{dollars(one.priced_nanos, 4)} USD."
        )
    _show_trouble(found, done)
    say("", f"Kept in {path}. Next: headgate usage, headgate plans")


def view(found: Survey, done: Done, sums: Summary, records: Iterable[Record]) -> ImportView:
    """Return it for machines."""
    return ImportView(
        files=done.files,
        unchanged=done.unchanged,
        unknown=list(found.unknown),
        missing=list(found.missing),
        bytes_read=done.bytes_read,
        lines=done.tally.lines,
        broken=done.tally.broken,
        foreign=done.tally.foreign,
        samples=done.tally.samples,
        troubled=done.troubled,
        copies=done.copies,
        cost=format_usd(sum(one.cost_nanos for one in sums.sources)),
        cost_high=format_usd(sum(one.cost_high_nanos for one in sums.sources)),
        sources=[_source_view(one) for one in sums.sources],
        unpriced=[
            UnpricedView(
                source=one.source,
                seller=one.seller or None,
                model=one.model,
                why=one.why,
                records=one.records,
                tokens=one.tokens,
                near=one.near,
            )
            for one in sums.unpriced
        ],
        bills=[
            BilledView(
                source=one.source,
                seller=one.seller,
                start=to_iso(one.start_ns),
                end=to_iso(one.end_ns),
                billed=format_usd(one.billed_nanos),
                priced=format_usd(one.priced_nanos),
            )
            for one in sums.billed
        ],
        records=[_record_view(one) for one in records],
    )


def _show_sources(sums: Summary) -> None:
    say("")
    shown = table(
        *("log", "from", "until", ">records", ">input", ">cached", ">written", ">output"),
        *(">USD", ">at most", ">A/B/C"),
    )
    for one in sums.sources:
        usage = one.usage
        written = usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_24h
        shown.add_row(
            formats()[one.source].TITLE,
            _day(one.first_ns),
            _day(one.last_ns),
            f"{one.records:,}",
            f"{usage.input_uncached + usage.input_audio:,}",
            f"{usage.cache_read:,}",
            f"{written:,}",
            f"{usage.output_tokens:,}",
            dollars(one.cost_nanos, 4),
            dollars(one.cost_high_nanos, 4) if one.cost_high_nanos != one.cost_nanos else "",
            "/".join(map(str, one.grades)),
        )
    print_table(shown)
    say(
        "Tokens; USD by the price of the day of use. Grade A: the seller's account; B: a client's "
        "log, complete; C: a fact that decides the price is missing."
    )
    if len(sums.sources) > 1:
        say("Logs of different kinds may tell of the same calls; they are not compared.")


def _show_unpriced(sums: Summary) -> None:
    if sums.unpriced:
        say("", "Not priced, and in no sum above:")
    for one in sums.unpriced[:LIST_MAX]:
        near = f" The nearest price is {one.near}; it was not used." if one.near else ""
        many = f"{one.records:,} record{'s' * (one.records != 1)}, {one.tokens:,} tokens"
        say(f"  {plain_name(one.model)}: {many}: {one.why}.{near}")
    if len(sums.unpriced) > LIST_MAX:
        say(f"  and {len(sums.unpriced) - LIST_MAX} more models (--json lists all)")


def _show_trouble(found: Survey, done: Done) -> None:
    groups = (
        ("Not read:", found.missing),
        ("No known log, left out:", found.unknown),
        ("Lines left out:", done.troubled),
        ("Such as:", done.tally.samples),
    )
    for title, lines in groups:
        if not lines:
            continue
        say("", f"{title}")
        for line in lines[:LIST_MAX]:
            say(f"  {line}")
        if len(lines) > LIST_MAX:
            say(f"  and {len(lines) - LIST_MAX} more")


def plain_name(name: str) -> str:
    """Return a name that a log told, without what would steer a terminal."""
    shown = plain(name[: NAME_CHARS_MAX + 1])
    return shown if len(shown) <= NAME_CHARS_MAX else f"{shown[:NAME_CHARS_MAX]}…"


def _day(at_ns: int) -> str:
    return to_iso(at_ns)[:10]


def _source_view(one: SourceSums) -> SourceView:
    return SourceView(
        source=one.source,
        records=one.records,
        calls=one.calls,
        sessions=one.sessions,
        first=to_iso(one.first_ns),
        last=to_iso(one.last_ns),
        usage=one.usage.quantities(),
        cost=format_usd(one.cost_nanos),
        cost_high=format_usd(one.cost_high_nanos),
        unpriced=one.unpriced,
        grades=dict(zip("ABC", one.grades, strict=True)),
    )


def _record_view(one: Record) -> RecordView:
    return RecordView(
        source=one.source,
        reply=one.reply,
        part=one.part,
        at=to_iso(one.at_ns),
        started_at=to_iso(one.started_ns),
        seat=one.seat,
        session=one.session,
        project=one.project,
        seller=one.seller or None,
        model=one.model,
        tier=one.tier,
        region=one.region,
        calls=one.calls,
        grade=one.grade,
        usage=one.usage.quantities(),
        cost=None if one.cost_nanos is None else format_usd(one.cost_nanos),
        cost_high=None if one.cost_high_nanos is None else format_usd(one.cost_high_nanos),
        price_rows=one.price_rows.split() if one.cost_nanos is not None else [],
        reported=None if one.reported_nanos is None else format_usd(one.reported_nanos),
    )
