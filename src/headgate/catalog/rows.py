"""Price rows: what one model costs in one tier, when it does, and when that was known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

from headgate.catalog.bands import Band
from headgate.catalog.exchange import USD, read_currency
from headgate.catalog.fields import Fields, PriceRowError, short_instant
from headgate.units.instants import from_datetime
from headgate.units.money import MoneyError, exact_fraction, femto_per_unit
from headgate.units.usage import METERS, UNIT_METERS

Origin = Literal["built-in", "configuration"]
FemtoPrices = tuple[int | None, ...]
"""The price of one unit in femto-dollars per meter, in the order of `METERS`; None: unpriced."""

UNKNOWN_START_NS = from_datetime(datetime(2020, 1, 1, tzinfo=UTC))
"""From when a row counts whose start is not known, only that it was seen later."""

UnitPrices = tuple[tuple[str, int], ...]
"""The prices of `UNIT_METERS` that are sold: the meter, and femto-dollars for one."""

TOKEN_METERS = METERS[:-1]
_FEMTO_PER_USD = 10**15
_IMAGE_TOKENS = ("input_image", "output_image")
_SHORT_NAMES = {"input": "input_uncached", "output": "output_text"}


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one model costs in one tier.

    A row is in force from `valid_from_ns` until `valid_to_ns` or until a later row of the same
    key starts, whichever comes first; see `key`.

    Attributes:
        id: Stable and readable; what charge lines refer to.
        prices_femto: Per meter; None where the row has no price (never zero).
        valid_from_ns: From when the seller charges it; `UNKNOWN_START_NS` when only
            `observed_at_ns` is known.
        valid_to_ns: Until when at most (exclusive), None when no end is known.
        recorded_at_ns: From when it was known; may lie before `valid_from_ns` (announced).
        superseded_at_ns: When it was known to be wrong or cancelled, None while it stands.
        min_prompt_tokens_exclusive: The row prices the whole request when the prompt has more
            tokens than this; None for the ordinary row.
        band: The hours it holds in, None for every hour that no band covers.
        observed_at_ns: When the price was seen, if its start is not known.
        promo: Whether the seller calls it a promotion.
        sources: Ids of the book's sources, or addresses.
        note: What else must be known about it, None when nothing.
        origin: `configuration` rows win over `built-in` ones.
        currency: Of the prices; a rate of exchange makes dollars of them when a call is rated.
        units_femto: Of what calls for images and sound are billed by beside tokens.
    """

    id: str
    seller: str
    model: str
    tier: str
    prices_femto: FemtoPrices
    valid_from_ns: int
    recorded_at_ns: int
    valid_to_ns: int | None = None
    superseded_at_ns: int | None = None
    min_prompt_tokens_exclusive: int | None = None
    band: Band | None = None
    observed_at_ns: int | None = None
    promo: bool = False
    sources: tuple[str, ...] = ()
    note: str | None = None
    origin: Origin = "built-in"
    currency: str = USD
    units_femto: UnitPrices = ()

    @property
    def key(self) -> tuple[str, str, str, int, str, str]:
        """What a later row must share to end this one: all that selects it but time."""
        return (
            self.seller,
            self.model,
            self.tier,
            self.min_prompt_tokens_exclusive or 0,
            self.band.name if self.band else "",
            self.origin,
        )

    @property
    def start_is_known(self) -> bool:
        """False when the price was only seen, at `observed_at_ns`."""
        return self.valid_from_ns != UNKNOWN_START_NS

    def known_at(self, known_at_ns: int | None) -> bool:
        """Tell whether the row stood at an instant of knowledge; None means now."""
        if known_at_ns is None:
            return self.superseded_at_ns is None
        return self.recorded_at_ns <= known_at_ns and (
            self.superseded_at_ns is None or known_at_ns < self.superseded_at_ns
        )


def parse_row(
    table: Mapping[str, object],
    *,
    seller: str,
    bands: Mapping[str, Band],
    origin: Origin = "built-in",
    default_recorded_at_ns: int | None = None,
) -> PriceRow:
    """Return the row of a table of the price book's format (`docs/reference/prices.md`).

    Args:
        table: As read from TOML.
        seller: Whose price it is.
        bands: By the name that `band` refers to.
        origin: Where the table stands.
        default_recorded_at_ns: When it was known, for tables without `recorded_at`.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    model, tier = fields.text("model"), fields.text("tier", "standard")
    start_ns, observed_at, start = _start(fields)
    recorded_at = fields.instant("recorded_at", default_recorded_at_ns)
    if recorded_at is None:
        raise PriceRowError("recorded_at: give the day from which the price was known")
    band_name = fields.text("band", "")
    if band_name and band_name not in bands:
        raise PriceRowError(f"band: there is no band {band_name!r} of {seller}")
    threshold = fields.count("min_prompt_tokens_exclusive")
    row_id = _row_id((seller, model, tier, start), threshold, band_name)
    if fields.flag("corrects"):
        row_id = f"{row_id}/known-{short_instant(recorded_at)}"
    currency = read_currency(fields)
    prices, units = _read_prices(fields, "usd_per" if currency == USD else "per")
    row = PriceRow(
        id=row_id if origin == "built-in" else f"{origin}/{row_id}",
        seller=seller,
        model=model,
        tier=tier,
        prices_femto=prices,
        valid_from_ns=start_ns,
        valid_to_ns=fields.instant("valid_to"),
        recorded_at_ns=recorded_at,
        superseded_at_ns=fields.instant("superseded_at"),
        min_prompt_tokens_exclusive=threshold,
        band=bands[band_name] if band_name else None,
        observed_at_ns=observed_at,
        promo=fields.flag("promo"),
        sources=fields.texts("sources"),
        note=fields.text("note", "") or None,
        origin=origin,
        currency=currency,
        units_femto=units,
    )
    fields.reject_rest()
    if row.valid_to_ns is not None and row.valid_to_ns <= row.valid_from_ns:
        raise PriceRowError("valid_to: it must come after valid_from")
    return row


def _read_prices(fields: Fields, prefix: str) -> tuple[FemtoPrices, UnitPrices]:
    """Return the prices of tokens, and of what is sold beside them."""
    pieces = fields.table(f"{prefix}_unit", {})
    prices = fields.table(f"{prefix}_million", {} if pieces else None)
    texts = {name: price for name, price in prices.items() if name not in _IMAGE_TOKENS}
    needed = not pieces and texts == prices
    return parse_prices(texts, needed=needed), parse_units(prices, pieces)


def _start(fields: Fields) -> tuple[int, int | None, str]:
    """Return when a row starts, when it was seen, and the start as its id tells it."""
    valid_from, observed_at = fields.instant("valid_from"), fields.instant("observed_at")
    if valid_from is not None:
        return valid_from, observed_at, short_instant(valid_from)
    if observed_at is None:
        raise PriceRowError("valid_from: give it, or observed_at when the start is not known")
    return UNKNOWN_START_NS, observed_at, f"seen-{short_instant(observed_at)}"


def _row_id(parts: tuple[str, ...], threshold: int | None, band: str) -> str:
    """Return a readable id that differs wherever the rows of a price book may differ."""
    above = (f"above-{threshold}",) if threshold else ()
    return "/".join((*parts, *above, *((band,) if band else ())))


def parse_prices(table: Mapping[str, object], *, needed: bool = True) -> FemtoPrices:
    """Return the femto prices of a table of dollars per million tokens, by meter.

    `input` and `output` stand for `input_uncached` and `output_text`; both must be there, unless
    they are not `needed` because something else is sold. `output_reasoning` costs what
    `output_text` does unless it has its own price.

    Raises:
        PriceRowError: A meter is unknown or twice there, or a price is not a decimal text; all
            that is wrong in the table is told.
    """
    prices: dict[str, int] = {}
    wrong: list[str] = []
    for name, value in table.items():
        meter = _SHORT_NAMES.get(name, name)
        if meter not in TOKEN_METERS or meter in prices:
            wrong.append(f"{name!r} is not a meter, or it is there twice")
        else:
            prices[meter] = _femto(name, value, wrong)
    has_output = "output_text" in prices or "output_audio" in prices
    if needed and not wrong and not ("input_uncached" in prices and has_output):
        wrong.append("input and output must both have a price")
    _refuse("usd_per_million", wrong)
    if "output_text" in prices:
        prices.setdefault("output_reasoning", prices["output_text"])
    return tuple(prices.get(meter) for meter in METERS)


def parse_units(tokens: Mapping[str, object], pieces: Mapping[str, object]) -> UnitPrices:
    """Return the femto prices of what calls for images and sound are billed by beside tokens.

    Args:
        tokens: Dollars per million, of which those of image tokens count here.
        pieces: Dollars for one image, second or character.

    Raises:
        PriceRowError: A meter is unknown, or a price is not a decimal text; all that is wrong in
            one of the tables is told.
    """
    wrong: list[str] = []
    prices = [(name, _femto(name, tokens[name], wrong)) for name in _IMAGE_TOKENS if name in tokens]
    _refuse("usd_per_million", wrong)
    for name, value in pieces.items():
        exact = exact_fraction(value) if isinstance(value, str) else None
        femto = None if exact is None else exact * _FEMTO_PER_USD
        if name not in UNIT_METERS or name in _IMAGE_TOKENS:
            wrong.append(f"{name!r} is not sold by the piece")
        elif femto is None or femto < 0 or femto.denominator != 1:
            wrong.append(f'write the price of {name} as text, such as "0.04"')
        else:
            prices.append((name, femto.numerator))
    _refuse("usd_per_unit", wrong)
    return tuple(prices)


def _refuse(table: str, wrong: list[str]) -> None:
    if wrong:
        raise PriceRowError(f"{table}: {'; '.join(wrong)}")


def _femto(name: str, value: object, wrong: list[str]) -> int:
    """Return a price; 0 where it is none, which is noted."""
    if not isinstance(value, str):
        wrong.append(f'write the price of {name} as text, such as "2.50"')
        return 0
    try:
        return femto_per_unit(Decimal(value))
    except (ArithmeticError, MoneyError):
        wrong.append(f"{value!r} is no usable price of {name}")
        return 0
