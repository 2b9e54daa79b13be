"""Contracts and what goes with them: names, currencies, surcharges, commitments, capacity."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar

from headgate.catalog.aliases import read_alias
from headgate.catalog.charges import read_fee
from headgate.catalog.commitments import Agreements, Capacity, Commitment, periods_of
from headgate.catalog.contracts import Contract, read_contract
from headgate.catalog.exchange import read_exchange_rate
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.prices import PriceBook
from headgate.catalog.settings import Deployment
from headgate.catalog.surcharges import read_surcharge
from headgate.config.check import checked, checked_by_id, ids_of
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
_FIX = "Correct it; each of its keys is documented."


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
    of_seller = _Tables(document, named, problems)
    capacities = {each.id: each for each in _capacities(document, named, problems)}
    contracts = [
        contract
        for key, name, table, seller in of_seller.by_id("contracts", ContractShape)
        for contract in _read(key, problems, read_contract, table, name, seller)
    ]
    for contract in contracts:
        _check_nodes(contract, named, problems)
    surcharges = [
        surcharge
        for key, name, table, seller in of_seller.by_id("surcharges", SurchargeShape)
        for surcharge in _read(key, problems, read_surcharge, table, name, seller)
    ]
    aliases = [
        alias
        for key, table, seller in of_seller.listed("price_aliases", PriceAliasShape)
        for alias in _read(key, problems, read_alias, table, seller)
    ]
    rates = [
        rate
        for key, table, _seller in of_seller.listed("exchange_rates", ExchangeRateShape)
        for rate in _read(key, problems, read_exchange_rate, table)
    ]
    fees = [
        replace(fee, id=f"configuration/{fee.id}")
        for key, table, seller in of_seller.listed("fees", FeeShape)
        for fee in _read(key, problems, read_fee, table, seller)
    ]
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
    """Goes through the tables of a seller's prices, those without a problem in their shape."""

    def __init__(self, document: Mapping[str, Any], named: Named, problems: Problems) -> None:
        self._document = document
        self._named = named
        self._problems = problems

    def by_id(self, kind: str, shape: type[Shape]) -> Iterator[tuple[str, str, Any, str]]:
        """Yield key, id, table and seller of tables such as `[contracts.ID]`."""
        tables = self._document.get(kind, {})
        before = len(self._problems.found)
        for name, _ in checked_by_id(tables, kind, shape, self._problems):
            key = f"{kind}.{name}"
            seller = self._seller(tables[name], key)
            if seller is not None and len(self._problems.found) == before:
                yield key, name, _of_catalog(tables[name]), seller
            before = len(self._problems.found)

    def listed(self, kind: str, shape: type[Shape]) -> Iterator[tuple[str, Any, str]]:
        """Yield key, table and seller of tables such as `[[price_aliases]]`."""
        tables = self._document.get(kind, [])
        if not isinstance(tables, list):
            fix = f"Write each as [[{kind}]]."
            self._problems.add(kind, "This is not a list of tables.", fix)
            return
        for number, table in enumerate(tables, start=1):
            before = len(self._problems.found)
            key = f"{kind}[{number}]"
            checked(table, key, shape, self._problems)
            seller = self._seller(table, key)
            if seller is not None and len(self._problems.found) == before:
                yield key, _of_catalog(table), seller

    def _seller(self, table: object, key: str) -> str | None:
        """Return whose prices a table is about, "" when it names no provider."""
        name = table.get("provider", "") if isinstance(table, dict) else ""
        known = self._named.members["provider"]
        if isinstance(name, str) and name not in known:
            self._problems.unknown(f"{key}.provider", "provider", name, known)
        provider = self._named.providers.get(name) if isinstance(name, str) else None
        if provider is None:
            return None if name else ""
        return provider.seller


def _of_catalog(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table as the catalog reads it: without the provider, and with a list of sources."""
    found = {key: value for key, value in table.items() if key not in ("provider", "source")}
    if "source" in table:
        found["sources"] = [table["source"]]
    return found


def _read(key: str, problems: Problems, reader: Callable[..., T], *arguments: Any) -> list[T]:
    """Return what a reader makes of a table; nothing, and a problem, if it cannot be used."""
    try:
        return [reader(*arguments)]
    except PriceRowError as error:
        head, _, rest = str(error).partition(": ")
        problems.add(f"{key}.{head}", f"{rest[:1].upper()}{rest[1:].rstrip('.')}.", _FIX)
        return []


def _check_nodes(contract: Contract, named: Named, problems: Problems) -> None:
    for node in sorted(contract.nodes):
        what, _, name = node.partition(":")
        known = named.members.get(what, ())
        if name not in known:
            problems.unknown(f"contracts.{contract.id}.nodes", what, name or node, known)


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
