"""What changes or joins a row's prices: factors of regions and speeds, fees of counted units."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from headgate.catalog.fields import Fields, PriceRowError
from headgate.catalog.spans import EVER, Span, read_span
from headgate.records.charge import ChargeLine
from headgate.units.money import exact_fraction, line_nanos

_FEMTO_PER_USD = 10**15

WEB_SEARCH = "web_search"
COUNTED_UNITS = (
    WEB_SEARCH,
    "file_search",
    "grounded_query",
    "container_session",
    "container_second",
    "session_second",
    "page",
    "image",
    "audio_second",
    "character",
    "request",
    "storage_token_hour",
)
"""What is sold by the piece. The gateway meters `web_search` and, of calls for images and sound,
`image`, `audio_second` and `character`, of moderations `request`; the book prices the others, too.
"""


@dataclass(frozen=True, slots=True)
class Modifier:
    """A factor on every token price of some models when the call is served in some way.

    Attributes:
        id: Appended to the row id in charge lines, after `*`.
        models: The models it applies to.
        regions: Values of `Terms.region` it applies in; empty: in every one.
        factor: Exact; what the price is multiplied by.
        tiers: Values of `Terms.tier` it applies in; empty: in every one. A tier without rows of its
            own, which a modifier names, has the prices of the standard tier times the factor.
        span: When it is charged.
    """

    id: str
    seller: str
    models: frozenset[str]
    regions: frozenset[str]
    factor: Fraction
    sources: tuple[str, ...] = ()
    tiers: frozenset[str] = frozenset()
    span: Span = EVER


@dataclass(frozen=True, slots=True)
class Fee:
    """The price of a counted unit that is not a token, such as a web search.

    Attributes:
        meter: One of `COUNTED_UNITS`.
        models: The models it applies to, empty for every model of the seller.
        span: When it is charged; of several in force the last that began counts.
    """

    id: str
    seller: str
    meter: str
    price_femto: int
    models: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()
    span: Span = EVER

    def is_on(self, seller: str, model: str) -> bool:
        """Tell whether it is charged for a model."""
        return self.seller == seller and (not self.models or model in self.models)


def read_modifier(table: Mapping[str, object], seller: str) -> Modifier:
    """Return the modifier of a `[[modifier]]` table.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    when = Fields(fields.table("when"))
    regions, tiers = frozenset(when.texts("region")), frozenset(when.texts("tier"))
    when.reject_rest()
    factor = exact_fraction(fields.text("factor"))
    if factor is None or factor < 0 or not (regions or tiers):
        raise PriceRowError('when, factor: name a region or a tier, and a factor such as "1.1"')
    modifier = Modifier(
        id=fields.text("id"),
        seller=seller,
        models=frozenset(fields.texts("models")),
        regions=regions,
        factor=factor,
        sources=fields.texts("sources"),
        tiers=tiers,
        span=read_span(fields, must_start=False),
    )
    fields.reject_rest()
    return modifier


def read_fee(table: Mapping[str, object], seller: str) -> Fee:
    """Return the fee of a `[[fee]]` table.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    meter = fields.text("meter")
    if meter not in COUNTED_UNITS:
        raise PriceRowError(f"meter: {meter!r} is none of {', '.join(COUNTED_UNITS)}")
    usd = exact_fraction(fields.text("usd_per_unit"))
    price = None if usd is None else usd * _FEMTO_PER_USD
    if price is None or price < 0 or price.denominator != 1:
        raise PriceRowError('usd_per_unit: write dollars as text, to fifteen decimals: "0.03"')
    fee = Fee(
        id=f"{seller}/{fields.text('id')}",
        seller=seller,
        meter=meter,
        price_femto=price.numerator,
        models=frozenset(fields.texts("models")),
        sources=fields.texts("sources"),
        span=read_span(fields, must_start=False),
    )
    fields.reject_rest()
    return fee


def fees_in_force(
    fees: Iterable[Fee], seller: str, model: str, at_ns: int, known_at_ns: int | None
) -> dict[str, Fee]:
    """Return the fee of each counted unit of a model at an instant."""
    holding = [
        fee for fee in fees if fee.is_on(seller, model) and fee.span.holds(at_ns, known_at_ns)
    ]
    return {fee.meter: fee for fee in sorted(holding, key=lambda each: each.span[:2])}


def unit_lines(fees: Mapping[str, Fee], units: Mapping[str, int]) -> tuple[ChargeLine, ...]:
    """Return a charge line per counted unit, each rounded half up to a nano-dollar.

    Args:
        fees: By unit, as `fees_in_force` returns them.
        units: How many of each; none of `web_search`, which a rate card charges.

    Raises:
        KeyError: A unit has no fee: it is unpriced, never free.
    """
    lines: list[ChargeLine] = []
    for unit, count in units.items():
        fee = fees[unit]
        amount_nanos = line_nanos(count, fee.price_femto)
        lines.append(ChargeLine(unit, count, fee.price_femto, amount_nanos, fee.id))
    return tuple(lines)
