"""The price book: which rows are in force for a model on given terms at an instant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from headgate.catalog.bands import Band
from headgate.catalog.rates import Rate, RateCard, dearest
from headgate.catalog.rows import TOKEN_METERS, Fee, FemtoPrices, Modifier, PriceRow, PriceRowError
from headgate.catalog.snapshots import snapshot_of
from headgate.records.demand import Terms
from headgate.units.usage import METERS

END_OF_TIME_NS = 2**63 - 1
"""`valid_until_ns` of a card that no known row or band will change."""

GLOBAL = "global"


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
    """All rows, modifiers and fees; immutable, and appended to by making another book.

    Attributes:
        rows: Built-in and configured, in the order of their files.
        aliases: (seller, alias) to the model whose rows price it.
    """

    rows: tuple[PriceRow, ...]
    modifiers: tuple[Modifier, ...] = ()
    fees: tuple[Fee, ...] = ()
    bands: tuple[Band, ...] = ()
    sources: tuple[Source, ...] = ()
    aliases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    _by_tier: Mapping[tuple[str, str, str], tuple[PriceRow, ...]] = field(init=False, repr=False)
    _models: frozenset[tuple[str, str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Index the rows, and prove that every modified price is whole femto-dollars.

        Raises:
            PriceRowError: Two rows share an id, or a modifier makes a price too fine.
        """
        by_tier: dict[tuple[str, str, str], list[PriceRow]] = {}
        ids: set[str] = set()
        for row in self.rows:
            if row.id in ids:
                raise PriceRowError(f"{row.id}: there are two rows of this id")
            ids.add(row.id)
            by_tier.setdefault((row.seller, row.model, row.tier), []).append(row)
            for modifier in self.modifiers:
                if modifier.seller == row.seller and row.model in modifier.models:
                    _modified(row, modifier)
        object.__setattr__(self, "_by_tier", {key: tuple(rows) for key, rows in by_tier.items()})
        object.__setattr__(self, "_models", frozenset(key[:2] for key in by_tier))

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

    def entry(self, price_row: str) -> PriceRow | Fee | None:
        """Return the row or fee that a charge line names, None when the book has none such."""
        row_id = price_row.partition("*")[0]
        entries: tuple[PriceRow | Fee, ...] = (*self.rows, *self.fees)
        return next((entry for entry in entries if entry.id == row_id), None)

    def priced_as(self, seller: str, model: str) -> str | None:
        """Return the model whose rows price `model`, None when it is unpriced.

        Its own rows win, then a listed alias, then the model it is a dated snapshot of
        (`gpt-5.5-2026-04-23`). No other likeness counts.
        """
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
            terms: Tier, region and cache retention; a tier without rows is unpriced, and so
                is a region other than `global` that no modifier of the seller names.
            at_ns: The instant that decides the price.
            known_at_ns: Leave out what was not known then; None means all that stands now.
        """
        priced_as = self.priced_as(seller, model)
        if priced_as is None:
            return None
        regional = [m for m in self.modifiers if m.seller == seller and terms.region in m.regions]
        if terms.region != GLOBAL and not regional:
            return None
        known = [
            row
            for row in self._by_tier.get((seller, priced_as, terms.tier), ())
            if row.known_at(known_at_ns)
        ]
        in_force = _one_list(_in_force(known, at_ns))
        chosen = _by_threshold(in_force, at_ns)
        if not chosen or chosen[0].min_prompt_tokens_exclusive is not None:
            return None
        modifiers = tuple(modifier for modifier in regional if priced_as in modifier.models)
        rates = tuple(self._rate(row, modifiers, terms) for row in chosen)
        return RateCard(seller, priced_as, terms, _valid_until(known, in_force, at_ns), rates)

    def _rate(self, row: PriceRow, modifiers: tuple[Modifier, ...], terms: Terms) -> Rate:
        prices, row_id = row.prices_femto, row.id
        for modifier in modifiers:
            prices = _modified(replace(row, prices_femto=prices), modifier)
            row_id = f"{row_id}*{modifier.id}"
        with_fees, ids = list(prices), [row_id] * len(METERS)
        for fee in self.fees:
            if fee.seller == row.seller and (not fee.models or row.model in fee.models):
                index = METERS.index(fee.meter)
                with_fees[index], ids[index] = fee.price_femto, fee.id
        above = row.min_prompt_tokens_exclusive
        input_max, output_max = dearest(prices, terms)
        return Rate(
            above_tokens=-1 if above is None else above,
            prices_femto=tuple(with_fees),
            price_rows=tuple(ids),
            input_femto_max=input_max,
            output_femto_max=output_max,
            entries=tuple(zip(METERS, with_fees, ids, strict=True)),
        )


def _in_force(rows: Iterable[PriceRow], at_ns: int) -> list[PriceRow]:
    """Return, per key, the row that started last, unless it has ended."""
    latest: dict[tuple[str, str, str, int, str, str], PriceRow] = {}
    for row in rows:
        other = latest.get(row.key)
        if row.valid_from_ns <= at_ns and (
            other is None
            or (row.valid_from_ns, row.recorded_at_ns)
            >= (other.valid_from_ns, other.recorded_at_ns)
        ):
            latest[row.key] = row
    return [row for row in latest.values() if row.valid_to_ns is None or at_ns < row.valid_to_ns]


def _one_list(rows: list[PriceRow]) -> list[PriceRow]:
    """Keep the configured rows alone when they have an ordinary one, otherwise all."""
    configured = [row for row in rows if row.origin == "configuration"]
    if any(row.band is None and row.min_prompt_tokens_exclusive is None for row in configured):
        return configured
    return rows


def _by_threshold(rows: list[PriceRow], at_ns: int) -> list[PriceRow]:
    """Return one row per threshold, rising.

    A row whose band covers the instant wins over one without, then a configured over a built-in.
    """
    chosen: dict[int, PriceRow] = {}
    for row in sorted(rows, key=_rank):
        if row.band is None or row.band.covers(at_ns):
            chosen[row.min_prompt_tokens_exclusive or 0] = row
    return [chosen[threshold] for threshold in sorted(chosen)]


def _rank(row: PriceRow) -> tuple[bool, bool, int]:
    return (row.band is not None, row.origin == "configuration", row.valid_from_ns)


def _valid_until(known: list[PriceRow], in_force: list[PriceRow], at_ns: int) -> int:
    """Return the first instant after `at_ns` at which another row can be chosen."""
    dates = [edge for row in known for edge in (row.valid_from_ns, row.valid_to_ns or 0)]
    edges = [row.band.next_edge_ns(at_ns) for row in in_force if row.band is not None]
    return min((edge for edge in dates + edges if edge > at_ns), default=END_OF_TIME_NS)


def _modified(row: PriceRow, modifier: Modifier) -> FemtoPrices:
    """Return the token prices times the factor, exactly.

    Raises:
        PriceRowError: A product is finer than a femto-dollar.
    """
    prices: list[int | None] = []
    for meter, price in zip(METERS, row.prices_femto, strict=True):
        if price is None or meter not in TOKEN_METERS:
            prices.append(price)
            continue
        product = Fraction(price) * modifier.factor
        if product.denominator != 1:
            raise PriceRowError(f"{row.id}: {modifier.id} makes {meter} finer than nine decimals")
        prices.append(product.numerator)
    return tuple(prices)
