"""Contracts and what goes with them: names, currencies, surcharges, commitments, capacity."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any, NamedTuple, TypeVar

from headgate.catalog.aliases import read_alias
from headgate.catalog.charges import Fee, read_fee
from headgate.catalog.commitments import Agreements, Capacity, Commitment, periods_of
from headgate.catalog.contracts import SCOPES, Contract, read_contract
from headgate.catalog.exchange import read_exchange_rate
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.catalog.surcharges import read_surcharge
from headgate.config.check import checked, checked_by_id, ids_of
from headgate.config.entries import Entry, noted
from headgate.config.problems import Problems
from headgate.config.read_identity import TEAM_DEFAULT
from headgate.config.shape import Shape
from headgate.config.shapes_prices import (
    CapacityShape,
    CommitmentShape,
    ContractShape,
    ExchangeRateShape,
    FeeShape,
    PriceAliasShape,
    SurchargeShape,
)
from headgate.providers.settings import Provider
from headgate.units.money import MoneyError, parse_usd

T = TypeVar("T")
S = TypeVar("S", bound=Shape)

_WHO = ("provider", "deployment", "team", "principal", "key")
_INSTEAD = {
    "id": "f",
    "alias": "a",
    "model": "m",
    "valid_from": date(1970, 1, 1),
    "meter": "image",
    "usd_per_unit": "1",
    "currency": "EUR",
    "usd": "1",
    "percent": "1",
    "multiplier": "1",
    "discount_percent": "1",
    "per_million_tokens": {"input": "1", "output": "1"},
}
"""What a key is read as where it is wrong, of those that some table needs."""


class Named(NamedTuple):
    """What the tables can name.

    Attributes:
        providers: The good ones.
        deployments: The good ones.
        members: The ids of all providers, deployments, teams, principals and keys of the file, by
            what they are, so that a wrong one is not a problem twice.
    """

    providers: Mapping[str, Provider]
    deployments: Mapping[str, Deployment]
    members: Mapping[str, Collection[str]]


def agreements_from(
    document: Mapping[str, Any],
    book: PriceBook,
    good: tuple[Mapping[str, Provider], Mapping[str, Deployment]],
    problems: Problems,
) -> tuple[PriceBook, Agreements]:
    """Return the book with what the file agrees on, and what is owed beside it.

    Args:
        document: The file.
        book: The book with the file's rows.
        good: The good providers and deployments.
        problems: Where problems are noted.
    """
    named = Named(*good, _members(document))
    tables = _Tables(document, named, problems)
    capacities = {each.id: each for each in _capacities(document, named, problems)}
    contracts = list(_contracts(tables, named, problems))
    surcharges = [
        surcharge
        for entry, _ in tables.by_id("surcharges", SurchargeShape)
        if (surcharge := tables.read(entry, _of_seller(read_surcharge, entry)))
    ]
    aliases = [
        alias
        for entry, _ in tables.listed("price_aliases", PriceAliasShape)
        if (alias := tables.read(entry, partial(read_alias, seller=entry.seller)))
    ]
    rates = [
        rate
        for entry, _ in tables.listed("exchange_rates", ExchangeRateShape)
        if (rate := tables.read(entry, read_exchange_rate))
    ]
    fees = list(_fees(tables, problems))
    contracts += [each.contract() for each in capacities.values()]
    try:
        book = replace(
            book,
            dated_aliases=(*book.dated_aliases, *aliases),
            fees=(*book.fees, *fees),
            exchange_rates=(*book.exchange_rates, *rates),
            contracts=(*book.contracts, *contracts),
            surcharges=(*book.surcharges, *surcharges),
        )
    except PriceRowError as error:
        problems.add("contracts", f"{error}.", "Give each an id of its own.")
    commitments = {each.id: each for each in _commitments(document, named, problems)}
    return book, Agreements(commitments, capacities)


def _members(document: Mapping[str, Any]) -> Mapping[str, Collection[str]]:
    found = {what: ids_of(document.get(f"{what}s")) for what in _WHO}
    return found | {"team": (*found["team"], TEAM_DEFAULT)}


class _Tables:
    """Goes through the tables of a seller's prices."""

    def __init__(self, document: Mapping[str, Any], named: Named, problems: Problems) -> None:
        self._document = document
        self._named = named
        self._problems = problems

    def by_id(self, kind: str, shape: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield tables such as `[contracts.ID]`, with what the shape makes of each."""
        tables = self._document.get(kind, {})
        before = len(self._problems.found)
        for name, found in checked_by_id(tables, kind, shape, self._problems):
            yield self._entry(f"{kind}.{name}", name, tables[name], shape, before), found
            before = len(self._problems.found)

    def listed(self, kind: str, shape: type[S]) -> Iterator[tuple[Entry, S]]:
        """Yield tables such as `[[price_aliases]]`, likewise."""
        tables = self._document.get(kind, [])
        if not isinstance(tables, list):
            fix = f"Write each as [[{kind}]]."
            self._problems.add(kind, "This is not a list of tables.", fix)
            return
        for number, table in enumerate(tables, start=1):
            key, before = f"{kind}[{number}]", len(self._problems.found)
            found = checked(table, key, shape, self._problems)
            yield self._entry(key, "", table, shape, before), found

    def read(self, entry: Entry, reader: Callable[[dict[str, Any]], T]) -> T | None:
        """Return what the catalog makes of a table; None if it cannot be used, which is noted."""
        return entry.read(lambda table: reader(_of_catalog(table)), _INSTEAD, self._problems)

    def _entry(self, key: str, name: str, table: object, shape: type[Shape], before: int) -> Entry:
        said = table if isinstance(table, dict) else {}
        seller = self._seller(said, key)
        wrong = noted(self._problems.found[before:], key)
        if seller is None:
            wrong.add("provider")
        return Entry(key, name, said, seller or "", wrong, shape.__struct_fields__)

    def _seller(self, table: Mapping[str, Any], key: str) -> str | None:
        """Return whose prices a table is about, None when that cannot be told."""
        name = table.get("provider", "")
        if not isinstance(name, str) or not name:
            return ""
        known = self._named.members["provider"]
        if name not in known:
            self._problems.unknown(f"{key}.provider", "provider", name, known)
        provider = self._named.providers.get(name)
        return None if provider is None else provider.seller


def _of_catalog(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as the catalog reads it: without the provider, and with a list of sources."""
    found = {key: value for key, value in table.items() if key not in ("provider", "source")}
    if "source" in table:
        found["sources"] = [table["source"]]
    return found


def _of_seller(
    reader: Callable[[dict[str, Any], str, str], T], entry: Entry
) -> Callable[[dict[str, Any]], T]:
    """Return what reads the table of an entry that has an id."""
    return lambda table: reader(table, entry.name, entry.seller)


def _contracts(tables: _Tables, named: Named, problems: Problems) -> Iterator[Contract]:
    for entry, shape in tables.by_id("contracts", ContractShape):
        for node in shape.nodes or ():
            what, _, name = node.partition(":")
            if what in SCOPES and name not in named.members[what]:
                key = f"{entry.key}.nodes"
                problems.unknown(key, what, name or node, named.members[what])
        contract = tables.read(entry, _of_seller(read_contract, entry))
        if contract is not None:
            yield contract


def _fees(tables: _Tables, problems: Problems) -> Iterator[Fee]:
    met: set[str] = set()
    for entry, _ in tables.listed("fees", FeeShape):
        fee = tables.read(entry, partial(read_fee, seller=entry.seller))
        if fee is None:
            continue
        if fee.id in met:
            problem = "Another fee of this provider has this id."
            problems.add(f"{entry.key}.id", problem, "Give each an id of its own.")
            continue
        met.add(fee.id)
        yield replace(fee, id=f"configuration/{fee.id}")


def _commitments(
    document: Mapping[str, Any], named: Named, problems: Problems
) -> Iterator[Commitment]:
    tables = document.get("commitments", {})
    for name, shape in checked_by_id(tables, "commitments", CommitmentShape, problems):
        key = f"commitments.{name}"
        providers = named.members["provider"]
        if shape.provider not in providers:
            problems.unknown(f"{key}.provider", "provider", shape.provider, providers)
        start_ns, end_ns = _term(shape.valid_from, shape.valid_to, key, problems)
        amount = _nanos(shape.amount_usd, f"{key}.amount_usd", problems)
        commitment = Commitment(name, shape.provider, amount, start_ns, end_ns, shape.period)
        try:
            periods_of(commitment)
        except ValueError as error:
            problems.add(f"{key}.period", f"{error}.".capitalize(), "Change the period or the end.")
        yield commitment


def _capacities(
    document: Mapping[str, Any], named: Named, problems: Problems
) -> Iterator[Capacity]:
    tables = document.get("capacities", {})
    for name, shape in checked_by_id(tables, "capacities", CapacityShape, problems):
        key = f"capacities.{name}"
        for deployment in shape.deployments:
            if deployment not in named.members["deployment"]:
                known = named.members["deployment"]
                problems.unknown(f"{key}.deployments", "deployment", deployment, known)
        sellers = {
            named.deployments[each].seller
            for each in shape.deployments
            if each in named.deployments
        }
        if len(sellers) > 1:
            fix = "Give each seller's deployments a capacity of their own."
            problems.add(f"{key}.deployments", "They have several sellers.", fix)
        start_ns, end_ns = _term(shape.valid_from, shape.valid_to, key, problems)
        yield Capacity(
            id=name,
            seller=min(sellers, default=""),
            deployments=shape.deployments,
            nanos_per_hour=_nanos(shape.usd_per_hour, f"{key}.usd_per_hour", problems),
            start_ns=start_ns,
            end_ns=None if shape.valid_to is None else end_ns,
            tiers=shape.tiers or (),
        )


def _term(start: object, end: object, key: str, problems: Problems) -> tuple[int, int]:
    """Return the first instant of a term and the first after it; the same when it is unusable."""
    found = []
    for name, day in (("valid_from", start), ("valid_to", end)):
        try:
            found.append(0 if day in (None, "") else instant_of(day))
        except PriceRowError as error:
            problems.add(f"{key}.{name}", f"{error}.", "Write a date, such as 2026-01-01.")
            found.append(0)
    start_ns, end_ns = found
    if end not in (None, "") and end_ns and end_ns <= start_ns:
        problems.add(f"{key}.valid_to", "It must come after valid_from.", "Write a later day.")
        end_ns = start_ns
    return start_ns, end_ns


def _nanos(text: str, key: str, problems: Problems) -> int:
    try:
        return parse_usd(text) if text else 0
    except MoneyError as error:
        problems.add(key, f"{error}.", 'Write dollars as text: "25.00".')
        return 0
