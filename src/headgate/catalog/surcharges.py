"""Surcharges: percent on top of what a call costs, such as a reseller's or a top-up's fee."""

from collections.abc import Mapping
from dataclasses import dataclass

from headgate.catalog.fields import Fields, PriceRowError
from headgate.catalog.spans import Span, read_span
from headgate.units.money import FEMTO_PER_NANO, exact_fraction

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A share of the sum of a charge's other lines; it has a line of its own.

    Attributes:
        id: The name in the configuration; charge lines call it `surcharge/<id>`.
        femto_per_nano: The share, in femto-dollars per nano-dollar: 55,000 is 5.5 percent.
        models: The models it is on, empty for every model of the seller.
    """

    id: str
    seller: str
    femto_per_nano: int
    span: Span
    models: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()

    @property
    def row_id(self) -> str:
        """What charge lines call it."""
        return f"surcharge/{self.id}"


def read_surcharge(table: Mapping[str, object], name: str, seller: str) -> Surcharge:
    """Return the surcharge of a `[surcharges.ID]` table of a configuration.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    percent = exact_fraction(fields.text("percent"))
    share = None if percent is None else percent * FEMTO_PER_NANO / _HUNDRED
    if share is None or share.denominator != 1 or not 0 < share <= FEMTO_PER_NANO:
        raise PriceRowError('percent: write above 0, at most 100, to four decimals: "5.5"')
    surcharge = Surcharge(
        id=name,
        seller=seller,
        femto_per_nano=share.numerator,
        span=read_span(fields),
        models=frozenset(fields.texts("models")),
        sources=fields.texts("sources"),
    )
    fields.reject_rest()
    return surcharge
