"""Contracts: what one pays instead of the list price, for whom, and from when to when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from headgate.catalog.exchange import USD, read_currency
from headgate.catalog.fields import Fields, PriceRowError
from headgate.catalog.rows import FemtoPrices, parse_prices
from headgate.catalog.spans import Span, read_span
from headgate.units.money import exact_fraction

Kind = Literal["price", "multiplier", "discount"]

_KINDS: tuple[Kind, ...] = ("discount", "multiplier", "price")
"""The later wins."""
SCOPES = ("provider", "deployment", "team", "principal", "key")
"""Of two contracts of a kind the one for the later of these wins; one for everybody comes first."""
_KIND_KEYS = ("per_million_tokens", "multiplier", "discount_percent")
_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Contract:
    """A price of one's own. At most one applies to a call: `applying` says which.

    Attributes:
        id: The name in the configuration; charge lines call it `contract/<id>`.
        kind: `price` stands for itself; the others multiply the list price, after modifiers.
        factor: What the list price is multiplied by; 1 for a `price`.
        prices_femto: The prices of a `price`, else none.
        currency: Of `prices_femto`.
        models: The models it covers, empty for every model of the seller.
        tiers: The tiers it covers, empty for every tier.
        nodes: Who has it: `provider:`, `deployment:`, `team:`, `principal:` or `key:` and an id;
            empty for every call.
    """

    id: str
    seller: str
    kind: Kind
    span: Span
    factor: Fraction = Fraction(1)
    prices_femto: FemtoPrices | None = None
    currency: str = USD
    models: frozenset[str] = frozenset()
    tiers: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()

    @property
    def row_id(self) -> str:
        """What charge lines call it."""
        return f"contract/{self.id}"

    def rank(self, nodes: Iterable[str]) -> tuple[int, int, int, int, str]:
        """Return by what the contract that applies to a call of these nodes is chosen."""
        scopes = [node.partition(":")[0] for node in self.nodes.intersection(nodes)]
        scope = max((SCOPES.index(each) for each in scopes), default=-1)
        return _KINDS.index(self.kind), scope, *self.span[:2], self.id


def applying(
    contracts: Iterable[Contract],
    priced: tuple[str, str, str],
    nodes: tuple[str, ...],
    at_ns: int,
    known_at_ns: int | None,
) -> Contract | None:
    """Return the contract that prices a call, None when the list price does.

    A price wins over a multiplier and that over a discount; among those of a kind the one for the
    smallest circle (a key, a principal, a team, a deployment, a provider, everybody) wins, then
    the one that began last.

    Args:
        contracts: All of them.
        priced: Seller, model and tier.
        nodes: The nodes of the call.
        at_ns: The instant that decides the price.
        known_at_ns: Leave out what was not known then; None means all that stands now.
    """
    seller, model, tier = priced
    found = [
        each
        for each in contracts
        if each.seller == seller
        and (not each.models or model in each.models)
        and (not each.tiers or tier in each.tiers)
        and (not each.nodes or not each.nodes.isdisjoint(nodes))
        and each.span.holds(at_ns, known_at_ns)
    ]
    return max(found, key=lambda each: each.rank(nodes), default=None)


def read_contract(table: Mapping[str, object], name: str, seller: str) -> Contract:
    """Return the contract of a `[contracts.ID]` table of a configuration.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value; or it says none or
            several of price, multiplier and discount.
    """
    fields = Fields(table)
    kinds = [_read_kind(fields, key) for key in _KIND_KEYS if key in table]
    span, currency = read_span(fields), read_currency(fields)
    models, tiers, nodes = (frozenset(fields.texts(key)) for key in ("models", "tiers", "nodes"))
    sources = fields.texts("sources")
    fields.reject_rest()
    odd = ", ".join(repr(node) for node in sorted(nodes) if node.partition(":")[0] not in SCOPES)
    if odd:
        raise PriceRowError(f"nodes: {odd} is none of {', '.join(SCOPES)} and an id")
    if len(kinds) != 1:
        raise PriceRowError(f"{_KIND_KEYS[0]}: give one of it, {' and '.join(_KIND_KEYS[1:])}")
    ((kind, factor, prices),) = kinds
    if currency != USD and kind != "price":
        raise PriceRowError("currency: only prices have one")
    return Contract(
        id=name,
        seller=seller,
        kind=kind,
        span=span,
        factor=factor,
        prices_femto=prices,
        currency=currency,
        models=models,
        tiers=tiers,
        nodes=nodes,
        sources=sources,
    )


def _read_kind(fields: Fields, key: str) -> tuple[Kind, Fraction, FemtoPrices | None]:
    if key == "per_million_tokens":
        return "price", Fraction(1), parse_prices(fields.table(key))
    value = exact_fraction(fields.text(key))
    if key == "multiplier":
        if value is None or value < 0:
            raise PriceRowError('multiplier: write a factor as text, such as "0.85"')
        return "multiplier", value, None
    if value is None or not 0 < value <= _HUNDRED:
        raise PriceRowError('discount_percent: write percent off as text, such as "12.5"')
    return "discount", 1 - value / _HUNDRED, None
