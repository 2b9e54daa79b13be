"""The month that is sent again: of the books by their configuration, or of imported logs."""

import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from headgate.catalog.load import load_price_book
from headgate.cli.drill import DAY_NS, WHY
from headgate.cli.reading import configuration_of_books, read_configuration, reading
from headgate.cli.shaking.document import Document
from headgate.cli.shaking.toml_text import toml_text
from headgate.config.snapshot import Snapshot
from headgate.economics.inputs import InputError
from headgate.economics.prices.load_past import open_usage
from headgate.economics.shocks.bodies import sendable
from headgate.economics.shocks.load_imported import Sold, deployment_of, imported, last_use
from headgate.economics.whatif.scenario import read_among
from headgate.insights.drill import NO_OTHER, Past, recent
from headgate.providers.registry import Provider as Kind
from headgate.providers.registry import providers, setup_of
from headgate.units.ids import is_name
from headgate.units.instants import to_iso

PAST_MAX = 100_000
"""So many calls are read, the newest."""
OF_BOOKS, OF_LOGS = "the books have", "the logs come to, at the prices of their days,"


@dataclass(frozen=True, slots=True)
class Month:
    """What is there to be sent again.

    Attributes:
        document: Whose configuration it runs on.
        snapshot: The same, understood.
        since_ns: Its beginning; later than was asked for where there is more than is read.
        until_ns: Its end.
        calls: Those that can be sent.
        other: How many cannot, by why.
        has: Who says what it cost, with a verb.
        locked: Why a name is locked in, by rule.
        remarks: What is assumed of it.
    """

    document: Document
    snapshot: Snapshot
    since_ns: int
    until_ns: int
    calls: list[Past] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)
    has: str = OF_BOOKS
    locked: Mapping[str, str] = field(default_factory=lambda: WHY)
    remarks: tuple[str, ...] = ()

    @property
    def days(self) -> Fraction:
        """How long it is."""
        return Fraction(max(1, self.until_ns - self.since_ns), DAY_NS)


def of_books(config: Path, data_dir: Path, days: int, *, limit: int = PAST_MAX) -> Month:
    """Return the last days of the books, or of so many calls the newest.

    Raises:
        ConfigurationError: The configuration cannot be used.
        StoreError: There are no books, or they cannot be read.
    """
    snapshot = configuration_of_books(config)
    document: Document = tomllib.loads(config.read_text("utf-8"), parse_float=Decimal)
    until_ns = time.time_ns()
    asked_ns = since_ns = max(0, until_ns - days * DAY_NS)
    with reading(data_dir) as connection:
        past = list(recent(connection, since_ns=asked_ns, limit=limit + 1))
    if len(past) > limit:
        past.pop()
        since_ns = past[-1].at_ns
    cut = _cut(asked_ns, since_ns, limit)
    found = Month(document, snapshot, since_ns, until_ns, remarks=cut)
    spoken, names = sendable(), {*snapshot.routes, *snapshot.deployments}
    for call in past:
        if call.dialect not in spoken:
            found.other[f"calls in {call.dialect}"] += 1
        elif call.asked not in names:
            found.other["calls for names that are configured no more"] += 1
        else:
            found.calls.append(call)
    return found


def of_logs(data_dir: Path, days: int, among: Sequence[str], *, limit: int = PAST_MAX) -> Month:
    """Return the days of imported logs before their last use, each model asked for by its name.

    Args:
        data_dir: Where the logs were imported.
        days: How many.
        among: Models that calls may move to when theirs does not answer, in this order.
        limit: At most so many records, the newest.

    Raises:
        InputError: Nobody has a price for one of them.
        StoreError: Nothing was imported, or it cannot be read.
    """
    book = load_price_book()
    others = read_among(among, book)
    with open_usage(data_dir) as store:
        until_ns = last_use(store) + 1
        since_ns = max(0, until_ns - days * DAY_NS)
        found = imported(store, book, _dialect_of, since_ns, limit)
    document = _document(found.sold, others, (call.principal for call in found.calls))
    why = "no other model may serve it: name some with --among"
    return Month(
        document,
        _understood(document),
        found.since_ns,
        until_ns,
        found.calls,
        found.other,
        has=OF_LOGS,
        locked={**WHY, NO_OTHER: why},
        remarks=(*_cut(since_ns, found.since_ns, limit), *_remarks(among)),
    )


def _cut(asked_ns: int, since_ns: int, limit: int) -> tuple[str, ...]:
    """Return what is said of a beginning that is later than was asked for."""
    if since_ns == asked_ns:
        return ()
    return (
        f"There are more than {limit:,} calls since {to_iso(asked_ns)[:10]}: the newest {limit:,} "
        f"were read, and all is said of the time since {to_iso(since_ns)}.",
    )


def _kind_of(seller: str) -> tuple[str, Kind] | None:
    """Return the kind of provider whose usual address is this seller's, None without one."""
    for name, kind in providers().items():
        setup = setup_of(kind)
        if setup.base_url and not setup.variables and kind.seller(setup.base_url) == seller:
            return name, kind
    return None


def _dialect_of(seller: str) -> str | None:
    """Return the first dialect of a seller in which a prompt can be said."""
    found, spoken = _kind_of(seller), sendable()
    native = () if found is None else found[1].NATIVE_DIALECTS
    return next((dialect for dialect in native if dialect in spoken), None)


def _document(sold: Mapping[str, Sold], others: Sequence[Sold], seats: Iterable[str]) -> Document:
    """Return a configuration in which each model is a route: itself, then the others."""
    models = dict.fromkeys((*sold.values(), *others))
    return {
        "providers": {seller: _provider(seller) for seller in dict.fromkeys(s for s, _ in models)},
        "deployments": {
            deployment_of(one): {"provider": one[0], "model": one[1]} for one in models
        },
        "routes": {
            asked: {
                "deployments": [deployment_of(each) for each in dict.fromkeys((one, *others))],
                "policy": "ordered",
            }
            for asked, one in sold.items()
        },
        "principals": {seat: {} for seat in sorted(set(seats)) if is_name(seat)},
    }


def _provider(seller: str) -> Document:
    found = _kind_of(seller)
    if found is None:
        raise InputError(f"Nothing stands in for {seller}.", "Name models of others with --among.")
    kind, module = found
    return {
        "kind": kind,
        "base_url": setup_of(module).base_url,
        "seller": seller,
        "credential": {"value": "stand-in"},
    }


def _understood(document: Document) -> Snapshot:
    """Return what a configuration means, by way of a file as any other."""
    with tempfile.TemporaryDirectory(prefix="headgate-replay-") as folder:
        path = Path(folder) / "headgate.toml"
        path.touch(mode=0o600)
        path.write_text(toml_text(document), "utf-8")
        return read_configuration(path)


def _remarks(among: Sequence[str]) -> tuple[str, ...]:
    moved = (
        f"where its own does not answer it moves to {', '.join(among)}, in this order"
        if among
        else "nobody else may serve it, because no --among was named"
    )
    return (
        f"Logs know no aliases: each call asks for the model that it had, and {moved}.",
        "Logs tell neither dialect nor limit of the output, nor whether a reply was streamed: each "
        "call is sent in its seller's first dialect, streamed, and limited to the output it had.",
        "Prices are those of the price book today: list prices in the standard tier; no contract "
        "of yours is known.",
    )
