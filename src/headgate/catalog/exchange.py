"""Dated rates of exchange: prices in other currencies are converted when a call is rated.

The line of a charge carries dollars, and its row id names the rate (`...*EUR/2026-11-01`), so the
amount in the seller's currency follows from the two rows for ever: see `PriceBook.native`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from headgate.catalog.fields import Fields, PriceRowError, short_instant
from headgate.catalog.spans import Span, read_span
from headgate.units.money import exact_fraction

USD = "USD"
"""The currency of the books."""


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """What one unit of a currency is worth from a day on, until a later rate begins.

    Attributes:
        usd: Dollars per unit of `currency`, exact.
    """

    currency: str
    usd: Fraction
    span: Span
    sources: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """What charge lines call it, after `*`."""
        return f"{self.currency}/{short_instant(self.span.valid_from_ns)}"


def read_exchange_rate(table: Mapping[str, object]) -> ExchangeRate:
    """Return the rate of an `[[exchange_rates]]` table.

    Raises:
        PriceRowError: A key is missing, unknown or has an unusable value.
    """
    fields = Fields(table)
    currency = read_currency(fields)
    if currency == USD:
        raise PriceRowError("currency: a dollar is always worth a dollar")
    usd = exact_fraction(fields.text("usd"))
    if usd is None or usd <= 0:
        raise PriceRowError('usd: write what one unit is worth as text, such as "1.0842"')
    rate = ExchangeRate(currency, usd, read_span(fields), fields.texts("sources"))
    fields.reject_rest()
    return rate


def read_currency(fields: Fields) -> str:
    """Return the currency of a table, dollars when it names none.

    Raises:
        PriceRowError: It is not a code of three capital letters (ISO 4217).
    """
    currency = fields.text("currency", USD)
    if len(currency) != len(USD) or not (currency.isascii() and currency.isalpha()):
        raise PriceRowError("currency: write a code of three letters, such as EUR")
    if not currency.isupper():
        raise PriceRowError(f"currency: write {currency.upper()}")
    return currency


def rate_of_exchange(
    rates: Iterable[ExchangeRate], currency: str, at_ns: int, known_at_ns: int | None
) -> ExchangeRate | None:
    """Return the rate in force: the last that began; None when there is none."""
    holding = [
        each for each in rates if each.currency == currency and each.span.holds(at_ns, known_at_ns)
    ]
    return max(holding, key=lambda each: each.span[:2], default=None)
