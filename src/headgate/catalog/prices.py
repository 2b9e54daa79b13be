"""The price book: which rows are in force for a model on given terms at an instant."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from headgate.catalog.aliases import DatedAlias, served_by
from headgate.catalog.bands import Band
from headgate.catalog.cards import Conditions, rate_of_contract, rate_of_row, refuse_too_fine
from headgate.catalog.charges import Fee, Modifier, fees_in_force
from headgate.catalog.choice import END_OF_TIME_NS, by_threshold, in_force, one_list, valid_until
from headgate.catalog.contracts import Contract, applying
from headgate.catalog.exchange import USD, ExchangeRate, rate_of_exchange
from headgate.catalog.fields import PriceRowError
from headgate.catalog.rates import Rate, RateCard
from headgate.catalog.rows import PriceRow
from headgate.catalog.snapshots import snapshot_of
from headgate.catalog.spans import Span
from headgate.catalog.surcharges import Surcharge
from headgate.records.demand import STANDARD, Terms

GLOBAL = STANDARD.region
Entry = PriceRow | Fee | Contract | Surcharge


@dataclass(frozen=True, slots=True)
class Source:
    """Where prices were read.

    Attributes:
        id: What rows call it.
        title: Publisher and document.
        address: Where it can be read, None when it has no public address.
        read_on: The day or version that was read, as text.
    """

    id: str
    title: str
    address: str | None
    read_on: str


@dataclass(frozen=True, slots=True)
class PriceBook:
    """All rows and what changes them; immutable, and appended to by making another book.

    Attributes:
        rows: Built-in and configured, in the order of their files.
        aliases: (seller, alias) to the model whose rows price it.
        dated_aliases: Names that another model serves from a day on.
        contracts: What is paid instead of list prices.
        exchange_rates: What makes dollars of prices in other currencies.
        surcharges: Percent on top of whole charges.
    """

    rows: tuple[PriceRow, ...]
    modifiers: tuple[Modifier, ...] = ()
    fees: tuple[Fee, ...] = ()
    bands: tuple[Band, ...] = ()
    sources: tuple[Source, ...] = ()
    aliases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    dated_aliases: tuple[DatedAlias, ...] = ()
    contracts: tuple[Contract, ...] = ()
    exchange_rates: tuple[ExchangeRate, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()
    _by_tier: Mapping[tuple[str, str, str], tuple[PriceRow, ...]] = field(init=False, repr=False)
    _models: frozenset[tuple[str, str]] = field(init=False, repr=False)
    _entries: Mapping[str, Entry] = field(init=False, repr=False)
    _edges: Mapping[str, Sequence[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the rows, and prove that every modified price is whole femto-dollars.

        Raises:
            PriceRowError: Two entries share an id, or a modifier makes a price too fine.
        """
        entries: dict[str, Entry] = {}
        for row_id, entry in self._named():
            if row_id in entries:
                raise PriceRowError(f"{row_id}: there are two rows of this id")
            entries[row_id] = entry
        refuse_too_fine(self.rows, self.modifiers)
        by_tier: dict[tuple[str, str, str], list[PriceRow]] = {}
        for row in self.rows:
            by_tier.setdefault((row.seller, row.model, row.tier), []).append(row)
        object.__setattr__(self, "_by_tier", {key: tuple(rows) for key, rows in by_tier.items()})
        object.__setattr__(self, "_models", frozenset(key[:2] for key in by_tier))
        object.__setattr__(self, "_entries", entries)
        object.__setattr__(self, "_edges", self._find_edges())

    def _find_edges(self) -> dict[str, list[int]]:
        """Return by seller when anything but a row begins or ends; "" is for all other sellers."""
        everywhere = [each.span for each in self.exchange_rates]
        found: dict[str, list[Span]] = {"": []}
        for modifier in self.modifiers:
            found.setdefault(modifier.seller, []).append(modifier.span)
        for fee in self.fees:
            found.setdefault(fee.seller, []).append(fee.span)
        for contract in self.contracts:
            found.setdefault(contract.seller, []).append(contract.span)
        for surcharge in self.surcharges:
            found.setdefault(surcharge.seller, []).append(surcharge.span)
        for alias in self.dated_aliases:
            found.setdefault(alias.seller, []).append(alias.span)
        return {
            seller: sorted({edge for span in (*own, *everywhere) for edge in span.edges()})
            for seller, own in found.items()
        }

    def _named(self) -> Iterable[tuple[str, Entry]]:
        yield from ((row.id, row) for row in self.rows)
        yield from ((fee.id, fee) for fee in self.fees)
        yield from ((each.row_id, each) for each in self.contracts)
        yield from ((each.row_id, each) for each in self.surcharges)

    def with_rows(self, extra: Iterable[PriceRow]) -> "PriceBook":
        """Return a book that also has `extra`.

        While a configured row without threshold and band is in force for a seller's model and
        tier, the built-in rows of that model and tier are not used at all (their long-context
        and band rows belong to another price list). A configured row with a threshold or band
        alone is added to them, and wins over theirs. Modifiers and fees still apply.

        Raises:
            PriceRowError: As for the book itself.
        """
        return replace(self, rows=(*self.rows, *extra))

    def with_aliases(self, extra: Mapping[tuple[str, str], str]) -> "PriceBook":
        """Return a book that also resolves these (seller, alias) pairs to a model."""
        return replace(self, aliases={**self.aliases, **extra})

    @property
    def contract_nodes(self) -> frozenset[str]:
        """The nodes that contracts are for."""
        return frozenset(node for contract in self.contracts for node in contract.nodes)

    def without_contracts(self) -> "PriceBook":
        """Return the book of list prices alone."""
        return replace(self, contracts=()) if self.contracts else self

    def without_surcharges(self) -> "PriceBook":
        """Return the book of what sellers themselves charge."""
        return replace(self, surcharges=()) if self.surcharges else self

    def surcharge_femto(self, seller: str, model: str, at_ns: int) -> int:
        """Return what all surcharges add to a nano-dollar for a model, in femto-dollars."""
        priced_as = self.priced_as(seller, model, at_ns) or model
        asked = _Question(seller, priced_as, STANDARD, at_ns, None)
        return sum(share for _row, share in self._surcharges(asked))

    def bands_of(self, seller: str) -> dict[str, Band]:
        """Return the seller's bands by name."""
        return {band.name: band for band in self.bands if band.seller == seller}

    def models(self, seller: str | None = None) -> tuple[tuple[str, str], ...]:
        """Return the (seller, model) pairs that have rows, sorted."""
        return tuple(sorted(pair for pair in self._models if seller in (None, pair[0])))

    def rows_of(self, seller: str, model: str) -> tuple[PriceRow, ...]:
        """Return every row of the model whose prices `model` has, superseded ones too."""
        priced_as = self.priced_as(seller, model)
        return tuple(row for row in self.rows if (row.seller, row.model) == (seller, priced_as))

    def rows_of_tier(self, seller: str, model: str, tier: str) -> tuple[PriceRow, ...]:
        """Return every row of exactly this model and tier, superseded ones too."""
        return self._by_tier.get((seller, model, tier), ())

    def end_ns(self, row: PriceRow, known_at_ns: int | None = None) -> int | None:
        """Return when a row ends or ended as known at an instant, None when no end is known."""
        later = [
            other.valid_from_ns
            for other in self._by_tier[row.seller, row.model, row.tier]
            if other.key == row.key
            and other.valid_from_ns > row.valid_from_ns
            and other.known_at(known_at_ns)
        ]
        ends = later if row.valid_to_ns is None else [*later, row.valid_to_ns]
        return min(ends, default=None)

    def entry(self, price_row: str) -> Entry | None:
        """Return what a charge line names, without its factors; None when the book has it not."""
        return self._entries.get(price_row.partition("*")[0])

    def priced_as(
        self, seller: str, model: str, at_ns: int | None = None, known_at_ns: int | None = None
    ) -> str | None:
        """Return the model whose rows price `model`, None when it is unpriced.

        A dated alias in force at `at_ns` wins, then its own rows, then a listed alias, then the
        model it is a dated snapshot of (`gpt-5.5-2026-04-23`). No other likeness counts. Without
        an instant dated aliases are left out: the answer is about the name's own history.
        """
        if at_ns is not None and self.dated_aliases:
            model = served_by(self.dated_aliases, (seller, model), at_ns, known_at_ns) or model
        if (seller, model) in self._models:
            return model
        alias = self.aliases.get((seller, model)) or snapshot_of(model)
        return alias if (seller, alias) in self._models else None

    def rate_card(
        self,
        seller: str,
        model: str,
        terms: Terms,
        at_ns: int,
        known_at_ns: int | None = None,
    ) -> RateCard | None:
        """Return the prices in force, or None when the model is unpriced on these terms.

        Args:
            seller: Who sells it, such as `openai`.
            model: The served model, or a dated snapshot or alias of it.
            terms: Tier, region, cache retention and the nodes that have contracts; a tier without
                rows is unpriced, and so is a region other than `global` that no modifier of the
                seller names.
            at_ns: The instant that decides the price.
            known_at_ns: Leave out what was not known then; None means all that stands now.
        """
        priced_as = self.priced_as(seller, model, at_ns, known_at_ns)
        if terms.variant:
            terms = self._variant(seller, priced_as or model, terms)
        asked = _Question(seller, priced_as or model, terms, at_ns, known_at_ns)
        contract = applying(self.contracts, asked.priced, terms.nodes, at_ns, known_at_ns)
        holding = [
            each
            for each in self.modifiers
            if each.seller == seller and each.span.holds(at_ns, known_at_ns)
        ]
        fees = tuple(fees_in_force(self.fees, *asked.model, at_ns, known_at_ns).values())
        conditions = Conditions(terms, (), contract, None, fees)
        if contract is not None and contract.kind == "price":
            rates, until_ns = self._own(contract, conditions, asked), END_OF_TIME_NS
        else:
            if terms.region != GLOBAL and not any(terms.region in one.regions for one in holding):
                return None
            conditions, tier = self._way(holding, conditions, asked)
            rates, until_ns = self._listed(tier, conditions, asked)
        if not rates:
            return None
        until_ns = min(until_ns, self._next_edge(seller, at_ns))
        return RateCard(seller, asked.name, terms, until_ns, rates, self._surcharges(asked))

    def unpriced_until_ns(self, seller: str, model: str, at_ns: int) -> int:
        """Return the first instant after one without a card at which there may be one."""
        names = (model, self.priced_as(seller, model, at_ns))
        rows = [row for row in self.rows if row.seller == seller and row.model in names]
        starts = [row.valid_from_ns for row in rows if row.valid_from_ns > at_ns]
        bands = [row.band.next_edge_ns(at_ns) for row in rows if row.band is not None]
        return min(*starts, *bands, self._next_edge(seller, at_ns), END_OF_TIME_NS)

    def _variant(self, seller: str, model: str, terms: Terms) -> Terms:
        """Return terms whose tier is the variant, for a model that has rows by variant."""
        has_rows = (seller, model, terms.variant) in self._by_tier
        return terms._replace(tier=terms.variant) if has_rows else terms

    def _own(
        self, contract: Contract, conditions: Conditions, asked: "_Question"
    ) -> tuple[Rate, ...]:
        """Return the rate of a contract's own prices; none while they cannot be converted."""
        exchange = self._exchange(contract.currency, asked)
        if exchange is None and contract.currency != USD:
            return ()
        return (rate_of_contract(contract, conditions._replace(exchange=exchange)),)

    def _way(
        self, holding: Iterable[Modifier], conditions: Conditions, asked: "_Question"
    ) -> tuple[Conditions, str]:
        """Return the conditions with the modifiers that apply, and the tier whose rows count."""
        terms = asked.terms
        has_rows = (*asked.model, terms.tier) in self._by_tier
        applied = tuple(
            each
            for each in holding
            if asked.name in each.models
            and (not each.regions or terms.region in each.regions)
            and (not each.tiers or (terms.tier in each.tiers and not has_rows))
        )
        derived = any(each.tiers for each in applied)
        return conditions._replace(modifiers=applied), STANDARD.tier if derived else terms.tier

    def _listed(
        self, tier: str, conditions: Conditions, asked: "_Question"
    ) -> tuple[tuple[Rate, ...], int]:
        """Return the rates of the rows in force, and until when those hold."""
        known = [
            row
            for row in self._by_tier.get((*asked.model, tier), ())
            if row.known_at(asked.known_at_ns)
        ]
        found = one_list(in_force(known, asked.at_ns))
        chosen = by_threshold(found, asked.at_ns)
        if not chosen or chosen[0].min_prompt_tokens_exclusive is not None:
            return (), END_OF_TIME_NS
        rates: list[Rate] = []
        for row in chosen:
            exchange = self._exchange(row.currency, asked)
            if exchange is None and row.currency != USD:
                return (), END_OF_TIME_NS
            own = conditions if exchange is None else conditions._replace(exchange=exchange)
            rates.append(rate_of_row(row, own))
        return tuple(rates), valid_until(known, found, asked.at_ns)

    def _exchange(self, currency: str, asked: "_Question") -> ExchangeRate | None:
        if currency == USD:
            return None
        return rate_of_exchange(self.exchange_rates, currency, asked.at_ns, asked.known_at_ns)

    def _surcharges(self, asked: "_Question") -> tuple[tuple[str, int], ...]:
        return tuple(
            (each.row_id, each.femto_per_nano)
            for each in self.surcharges
            if each.seller == asked.seller
            and (not each.models or asked.name in each.models)
            and each.span.holds(asked.at_ns, asked.known_at_ns)
        )

    def _next_edge(self, seller: str, at_ns: int) -> int:
        """Return the first instant after `at_ns` at which anything but a row begins or ends."""
        edges = self._edges.get(seller, self._edges[""])
        place = bisect_right(edges, at_ns)
        return edges[place] if place < len(edges) else END_OF_TIME_NS


class _Question(NamedTuple):
    """What a rate card is asked for, the alias resolved."""

    seller: str
    name: str
    terms: Terms
    at_ns: int
    known_at_ns: int | None

    @property
    def model(self) -> tuple[str, str]:
        return self.seller, self.name

    @property
    def priced(self) -> tuple[str, str, str]:
        return self.seller, self.name, self.terms.tier
