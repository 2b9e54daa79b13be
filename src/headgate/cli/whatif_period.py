"""The period that `headgate whatif` asks about: its calls and prices, and who routes them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, tzinfo
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.cli.pricing.impact import stretch
from headgate.cli.reading import configuration_of_books, read_configuration, reading
from headgate.config.snapshot import Snapshot
from headgate.economics.inputs import InputError
from headgate.economics.prices import impact
from headgate.economics.prices.load_past import charged_calls, open_usage
from headgate.economics.replays.load_served import Stretch, served
from headgate.economics.usage_logs.grouped import span
from headgate.economics.whatif import load_calls, load_routed, routing
from headgate.economics.whatif.calls import Calls
from headgate.economics.whatif.moves import Moves
from headgate.economics.whatif.scenario import read_among
from headgate.routing.policies.registry import Chosen
from headgate.units.instants import to_datetime


class Period(NamedTuple):
    """The stretch of time that is asked about, and its prices as they are.

    Attributes:
        snapshot: The configuration; None for imported calls beside none.
        imported: Whether it is of imported logs, not of the books.
    """

    snapshot: Snapshot | None
    book: PriceBook
    since_ns: int
    until_ns: int
    imported: bool

    @property
    def zone(self) -> tzinfo:
        """Whose days and months it has."""
        return UTC if self.snapshot is None else self.snapshot.zone

    @property
    def words(self) -> str:
        """From when until when."""
        days = (to_datetime(at_ns) for at_ns in (self.since_ns, self.until_ns))
        return " until ".join(day.strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00") for day in days)


Router = Callable[[Chosen, Sequence[str], PriceBook, int | None], Moves]
"""From a policy, the models it is to choose among, the prices and their day (None for each call's
own), to who would have served."""


class Past(NamedTuple):
    """The calls of a period, what must be known of them, and who routes them again."""

    calls: Calls
    notes: tuple[str, ...]
    router: Router


def period_of(config: Path, days: tuple[str | None, str | None], *, imported: bool) -> Period:
    """Return the period; imported calls need no configuration."""
    if imported:
        snapshot = read_configuration(config) if config.exists() else None
    else:
        snapshot = configuration_of_books(config)
    book = load_price_book() if snapshot is None else snapshot.price_book
    zone = UTC if snapshot is None else snapshot.zone
    return Period(snapshot, book, *stretch(*days, zone), imported)


@contextmanager
def past(
    period: Period,
    afters: Sequence[PriceBook],
    data_dir: Path,
    by: str | None,
    tokens: routing.Tokens,
) -> Iterator[Past]:
    """Open the calls of a period.

    Args:
        period: Which.
        afters: The prices that are asked about: contracts of theirs decide what is read.
        data_dir: Where they are.
        by: What tells classes of tasks apart; None for what usually does.
        tokens: How tokenisers differ.

    Raises:
        InputError: Nothing of the kind tells calls apart.
        StoreError: There are none, or they cannot be read.
    """
    if period.snapshot is None or period.imported:
        yield _imported(period, data_dir, by or "side", tokens)
        return
    with reading(data_dir) as connection:
        yield _of_books(period, period.snapshot, connection, afters, by or "team")


def _imported(period: Period, data_dir: Path, by: str, tokens: routing.Tokens) -> Past:
    days = (period.since_ns, period.until_ns)
    with open_usage(data_dir) as store:
        calls = load_calls.imported(store, period.book, by, *days)
        if not calls.posted_nanos.size and (whole := span(store)) is not None:
            first, last = (f"{to_datetime(at_ns):%Y-%m-%d}" for at_ns in whole)
            raise InputError(
                f"No imported call is of {period.words}.",
                f"Name a period with --since and --until; use goes from {first} to {last}.",
            )
        unpriced, sums = load_calls.left_out(store, *days)

    def route(policy: Chosen, among: Sequence[str], book: PriceBook, on_ns: int | None) -> Moves:
        models = read_among(among, book)
        routing.check_policy(policy, models)
        return routing.routed(calls, policy, routing.Ground(models, book, on_ns, tokens))

    told = ((unpriced, "have no price and are in no figure"), (sums, "sum several calls"))
    notes = tuple(f"{many} imported records {what}." for many, what in told if many)
    return Past(calls, notes, route)


def _of_books(
    period: Period,
    snapshot: Snapshot,
    connection: Connection,
    afters: Sequence[PriceBook],
    by: str,
) -> Past:
    days = (period.since_ns, period.until_ns)
    known = reduce(impact.with_contracts, afters, period.book)
    charged = charged_calls(connection, known, snapshot.deployments, *days)
    attempts: list[str] = []
    calls = load_calls.of_books(load_routed.noting(charged, attempts), by)

    def route(policy: Chosen, among: Sequence[str], book: PriceBook, _on_ns: int | None) -> Moves:
        if among:
            raise InputError(
                "The books know who might have served each call.",
                "Leave out --among; it is for imported calls.",
            )
        ground = load_routed.Ground(policy, book, snapshot.deployments)
        return load_routed.routed(served(connection, Stretch(*days)), attempts, ground)

    notes = ("Measured attempts count; estimated and unknown ones are in no figure.",)
    return Past(calls, notes, route)
