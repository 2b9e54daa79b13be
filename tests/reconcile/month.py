"""A month of traffic in real books, the providers' reports of it, and planted differences.

Everything is drawn from a seed. The reports are written as the providers' interfaces give them,
with amounts summed as exact fractions, by arithmetic that is not the project's.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from headgate.ledger.keeper import Keeper
from headgate.reconcile.cells import CellKey, Reason
from headgate.records.charge import ChargeLine
from headgate.records.demand import STANDARD
from headgate.records.journal import CallerRecord, HoldRecord, Record, RouteRecord, SettleRecord
from headgate.store.database import make_engine
from headgate.store.journal_writer import JournalWriter
from headgate.store.schema import METADATA
from headgate.units.instants import NANOS_PER_SECOND, from_datetime
from headgate.units.usage import Usage
from tests.reconcile.invoices import write_reports
from tests.reconcile.traffic import (
    BOOK,
    DAYS,
    FIRST,
    HOUR_NS,
    MODELS,
    TIER,
    WINDOW,
    Bought,
    Month,
    cost,
    day_of,
    key_of,
)


class Maker:
    """Makes a month from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.month = Month()
        callers = [CallerRecord(1, "alice", "research", "alice", (WINDOW,))]
        routes = [
            RouteRecord(number, name, name, "openai_chat") for number, name in enumerate(MODELS, 1)
        ]
        self.month.records += [*callers, *routes]
        self.routes = {route.deployment: route.number for route in routes}

    def usage(self, deployment: str) -> Usage:
        """Return the usage of a call, large enough that its cost shows in cents."""
        draw = self.random.randrange
        cached = draw(0, 40_000)
        writes = draw(1, 9_000) if MODELS[deployment][0] == "anthropic" else 0
        return Usage(
            input_uncached=draw(90_000, 150_000) - cached,
            cache_read=cached,
            cache_write_5m=writes,
            output_text=draw(9_000, 20_000),
        )

    def instant(self, day: date) -> int:
        """Return an instant of a day, an hour from its edges."""
        start = from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return start + self.random.randrange(HOUR_NS, 23 * HOUR_NS)

    def call(
        self, deployment: str, at_ns: int, *, state: str = "measured", ended_ns: int | None = None
    ) -> Usage:
        """Write a call into the journal; return its true usage."""
        month, usage = self.month, self.usage(deployment)
        month.number += 1
        attempt = f"call_m{month.number:08x}.1"
        seller, model, served = MODELS[deployment]
        card = BOOK.rate_card(seller, model, STANDARD, at_ns)
        held = int(2 * cost(deployment, usage, at_ns)) + 1_000
        end = SettleRecord(attempt, ended_ns or at_ns + NANOS_PER_SECOND, 0, "unknown")
        hold = HoldRecord(attempt, at_ns, held, 1, self.routes[deployment], 1, 200_000, 32_000)
        fields: dict[str, Any] = {"served_model": served}
        if state == "estimated":
            fields = {"state": "estimated", "amount_nanos": held, "reason": "stream_cut"}
        elif card is None:
            fields |= {"usage": usage.quantities(), "reason": "unpriced"}
        else:
            charge = card.rate(usage)
            fields |= {"state": "measured", "amount_nanos": charge.amount_nanos}
            fields["lines"] = tuple(ChargeLine(*line) for line in _tuples(charge.lines))
        month.records += [hold, _with(end, fields)]
        return usage

    def buy(self, deployment: str, at_ns: int, usage: Usage) -> None:
        """Have the provider charge a call."""
        self.month.bought.append(Bought(deployment, at_ns, usage))

    def honest(self, deployment: str, day: date, *, times: int | None = None) -> None:
        """Make calls that both sides have alike."""
        for _ in range(times or self.random.randrange(1, 4)):
            at_ns = self.instant(day)
            self.buy(deployment, at_ns, self.call(deployment, at_ns))


def _tuples(lines: Sequence[ChargeLine]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        yield (line.meter, line.quantity, line.price_femto, line.amount_nanos, line.price_row)


def _with(end: SettleRecord, fields: dict[str, Any]) -> SettleRecord:
    named = {name: getattr(end, name) for name in end.__struct_fields__}
    return SettleRecord(**(named | fields))


# The differences: each plants one in a cell, and says what it is.


def _estimated(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day)
    for _ in range(maker.random.randrange(1, 4)):
        at_ns = maker.instant(day)
        usage = maker.call(name, at_ns, state="estimated")
        if maker.random.random() < 0.8:
            maker.buy(name, at_ns, usage)
            maker.month.truth[key_of(name, day)] += int(cost(name, usage, at_ns))
    return "estimated_rows"


def _never_billed(maker: Maker, name: str, day: date) -> Reason:
    maker.call(name, maker.instant(day), state="estimated")
    return "estimated_rows"


def _above_the_holds(maker: Maker, name: str, day: date) -> Reason:
    at_ns = maker.instant(day)
    usage = maker.call(name, at_ns, state="estimated")
    maker.buy(name, at_ns, usage._replace(input_uncached=9 * usage.input_uncached + 900_000))
    return "unknown"


def _too_many_calls(maker: Maker, name: str, day: date) -> Reason:
    at_ns = maker.instant(day)
    usage = maker.call(name, at_ns)
    maker.buy(name, at_ns, usage._replace(input_uncached=usage.input_uncached - 5_000))
    maker.buy(name, at_ns, Usage(output_text=70_000))
    return "unknown"


def _boundary(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day)
    following = day + timedelta(days=1)
    midnight = from_datetime(datetime(following.year, following.month, following.day, tzinfo=UTC))
    ended_ns = midnight + 9 * NANOS_PER_SECOND
    usage = maker.call(name, midnight - 9 * NANOS_PER_SECOND, ended_ns=ended_ns)
    maker.buy(name, ended_ns, usage)
    maker.month.expected[key_of(name, following)] = "boundary"
    return "boundary"


def _price(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day, times=3)
    maker.month.factors[key_of(name, day)] = Fraction(113, 100)
    return "price"


def _tier(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day)
    key = key_of(name, day)
    of_day = [one for one in maker.month.bought if key_of(one.deployment, day_of(one.at_ns)) == key]
    usual = sum(cost(name, one.usage, one.at_ns) for one in of_day)
    other = sum(cost(name, one.usage, one.at_ns, TIER[key.seller]) for one in of_day)
    maker.month.factors[key] = Fraction(other) / Fraction(usual)
    return "tier"


def _rounding(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day)
    maker.month.rounded.add(key_of(name, day))
    return "rounding"


def _unpriced(maker: Maker, _name: str, day: date) -> Reason:
    maker.honest("new", day)
    maker.month.expected[key_of("new", day)] = "unpriced"
    return "agreed"


def _past_the_gateway(maker: Maker, name: str, day: date) -> Reason:
    if maker.random.random() < 0.5:
        maker.honest(name, day)
    maker.buy(name, maker.instant(day), maker.usage(name))
    return "missing_here"


def _forgotten(maker: Maker, name: str, day: date) -> Reason:
    if maker.random.random() < 0.5:
        maker.honest(name, day)
    maker.call(name, maker.instant(day))
    return "missing_there"


def _nothing(maker: Maker, name: str, day: date) -> Reason:
    maker.honest(name, day)
    return "agreed"


PLANTS: tuple[Callable[[Maker, str, date], Reason], ...] = (
    _estimated,
    _never_billed,
    _above_the_holds,
    _too_many_calls,
    _boundary,
    _price,
    _tier,
    _rounding,
    _unpriced,
    _past_the_gateway,
    _forgotten,
)


def make_month(seed: int) -> Month:
    """Return a month with each difference planted twice, and the last day too young."""
    maker = Maker(seed)
    month = maker.month
    days = [FIRST + timedelta(days=at) for at in range(DAYS)]
    # Every second day, so that what crosses midnight meets no other difference.
    places = [(name, day) for name in MODELS if name != "new" for day in days[1:-2:2]]
    maker.random.shuffle(places)
    planted: dict[tuple[str, date], Callable[[Maker, str, date], Reason]] = {}
    for plant in PLANTS * 2:
        planted[places.pop()] = plant
    for day in days:
        for name in (name for name in MODELS if name != "new"):
            here = planted.get((name, day), _nothing)
            reason = here(maker, name, day)
            if reason != "agreed":
                month.expected[key_of(name, day)] = reason
            if day == days[-1]:
                month.expected[key_of(name, day)] = "late"
    unassigned = maker.random.choice(days[:-1])
    month.extra[unassigned.isoformat()] = Fraction(120_000_000)
    month.expected[CellKey("anthropic", "", unassigned.isoformat())] = "unassigned"
    month.records.sort(key=_order)
    write_reports(month, days)
    return month


def _order(record: Record) -> int:
    return getattr(record, "at_ns", 0)


def fill(folder: Path, month: Month) -> tuple[Engine, Keeper]:
    """Fold a month into a store, and lay its reports beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = make_engine(f"sqlite:///{folder / 'headgate.db'}")
    METADATA.create_all(engine)
    writer = JournalWriter(
        folder / "journal" / "w0-1", worker="w0", epoch="1", at_ns=1, segment_bytes=1 << 20
    )
    for record in month.records:
        writer.append(record)
    writer.close(2)
    keeper = Keeper(engine, folder / "journal", lambda _window: 10**15)
    keeper.discover()
    while keeper.fold():
        pass
    for name, text in month.reports.items():
        (folder / name).write_text(text)
    return engine, keeper
