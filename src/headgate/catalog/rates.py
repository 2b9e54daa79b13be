"""Rate cards: the prices of one model on fixed terms at one time, ready for the hot path."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from headgate.records.charge import SURCHARGE, Charge, ChargeLine
from headgate.records.demand import Terms
from headgate.units.money import FEMTO_PER_NANO, line_nanos
from headgate.units.usage import INPUT_METERS, METERS, OUTPUT_METERS, Usage

OUTPUT_TOKENS_LIMIT: Final = 1_000_000_000
"""What `output_tokens_within` returns when output costs nothing; no more is ever returned."""

NO_UNITS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType({})

SECONDS_USUAL: Final = 60
CHARACTERS_PER_TOKEN: Final = 4
"""What calls for sound and speech are compared by, whose real size is not known then."""

_ROUNDING_NANOS: Final = len(INPUT_METERS) + len(OUTPUT_METERS)
"""A nano per token meter: lines are rounded one by one, so each may come out half a nano up."""


class UnpricedMeterError(LookupError):
    """Usage stands on a meter the row has no price for.

    Attributes:
        meter: The meter.
        price_row: Id of the row.
    """

    def __init__(self, meter: str, price_row: str) -> None:
        self.meter = meter
        self.price_row = price_row
        super().__init__(f"{price_row} has no price for {meter}")


class Rate(NamedTuple):
    """One row of a card, with its modifiers and fees worked in.

    Attributes:
        above_tokens: It prices the whole request when the prompt has more tokens; -1: always.
        prices_femto: By meter; None is unpriced.
        price_rows: By meter, the id a charge line carries.
        input_femto_max: The dearest price a prompt token can have on these terms.
        output_femto_max: The dearest price an output token can have.
        entries: Per meter its name, price and row: what `rate` goes through.
        units: What is sold by the piece or as tokens of images: price and row, by meter.
    """

    above_tokens: int
    prices_femto: tuple[int | None, ...]
    price_rows: tuple[str, ...]
    input_femto_max: int
    output_femto_max: int
    entries: tuple[tuple[str, int | None, str], ...]
    units: Mapping[str, tuple[int, str]] = NO_UNITS


@dataclass(frozen=True, slots=True)
class RateCard:
    """What a model costs on fixed terms, from some instant until `valid_until_ns`.

    Attributes:
        seller: Who sells it.
        model: The model whose rows are used (the alias resolved).
        terms: The terms the prices are for.
        valid_until_ns: The card may be kept for instants before this one: no row or band
            changes earlier.
        rates: By rising threshold; the first has none.
        surcharges: Row id and share, in femto-dollars per nano-dollar, of what comes on top.
    """

    seller: str
    model: str
    terms: Terms
    valid_until_ns: int
    rates: tuple[Rate, ...]
    surcharges: tuple[tuple[str, int], ...]

    def rate(self, usage: Usage) -> Charge:
        """Return what `usage` costs, a line per meter, each rounded half up to a nano-dollar.

        Raises:
            UnpricedMeterError: A meter that is not zero has no price.
        """
        rates = self.rates
        rate = rates[0] if len(rates) == 1 else self._rate_for(usage.prompt_tokens)
        lines: list[ChargeLine] = []
        total = 0
        entries = rate.entries
        # Both have one entry per meter.
        for number, quantity in enumerate(usage):
            if quantity:
                meter, price, row = entries[number]
                if price is None:
                    raise UnpricedMeterError(meter, row)
                amount = line_nanos(quantity, price)
                total += amount
                lines.append(ChargeLine(meter, quantity, price, amount, row))
        return self._charge(lines, total)

    def rate_with(self, usage: Usage, units: Mapping[str, int]) -> Charge:
        """Return what `usage` and counted units cost together, surcharges last.

        Raises:
            UnpricedMeterError: A meter or unit that is not zero has no price.
        """
        lines = [line for line in self.rate(usage).lines if line.meter != SURCHARGE]
        for meter, quantity in units.items():
            if quantity:
                price, row = self._unit(meter)
                amount = line_nanos(quantity, price)
                lines.append(ChargeLine(meter, quantity, price, amount, row))
        return self._charge(lines, sum(line.amount_nanos for line in lines))

    def sells(self, meter: str) -> bool:
        """Tell whether a counted unit has a price."""
        return meter in self.rates[0].units

    def units_nanos(self, units: Mapping[str, int]) -> int:
        """Return an upper bound of what these counted units cost; those without a price are not
        what the model is billed by.
        """
        known = self.rates[0].units
        nanos = 0
        for meter, quantity in units.items():
            if meter in known:
                nanos += line_nanos(quantity, known[meter][0]) + 1
        return self._with_surcharges(nanos) if self.surcharges else nanos

    def _unit(self, meter: str) -> tuple[int, str]:
        rate = self.rates[0]
        if meter not in rate.units:
            raise UnpricedMeterError(meter, rate.price_rows[0])
        return rate.units[meter]

    def _charge(self, lines: list[ChargeLine], total: int) -> Charge:
        if self.surcharges and total:
            base = total
            for row, share in self.surcharges:
                amount = line_nanos(base, share)
                total += amount
                lines.append(ChargeLine(SURCHARGE, base, share, amount, row))
        return Charge(total, tuple(lines))

    def amount(self, usage: Usage) -> tuple[int, tuple[str, ...]]:
        """Return the sum of what `rate` charges, and the rows of its lines, each once.

        For those who price a million records and want no line of any.

        Raises:
            UnpricedMeterError: A meter that is not zero has no price.
        """
        rates = self.rates
        rate = rates[0] if len(rates) == 1 else self._rate_for(usage.prompt_tokens)
        rows: tuple[str, ...] = ()
        total = 0
        entries = rate.entries
        for number, quantity in enumerate(usage):
            if quantity:
                meter, price, row = entries[number]
                if price is None:
                    raise UnpricedMeterError(meter, row)
                total += line_nanos(quantity, price)
                if row not in rows:
                    rows = (*rows, row)
        if self.surcharges and total:
            rows = (*rows, *(row for row, _ in self.surcharges))
            total = self._with_surcharges(total)
        return total, rows

    def worst_nanos(self, input_tokens_max: int, output_tokens_max: int) -> int:
        """Return an upper bound of what any usage within both limits is charged for tokens.

        Every prompt token is taken at the dearest input meter and every output token at the
        dearest output meter, in the dearest row that so long a prompt can reach. The 24-hour
        cache write counts only when the terms ask for that retention. Fees are not in it: a
        call whose number of tool uses has no bound has no worst case. Surcharges are.
        """
        rates = self.rates
        if len(rates) == 1:
            worst = _dearest_nanos(rates[0], input_tokens_max, output_tokens_max)
        else:
            worst = 0
            for rate in self._reachable(input_tokens_max):
                worst = max(worst, _dearest_nanos(rate, input_tokens_max, output_tokens_max))
        worst += _ROUNDING_NANOS
        return self._with_surcharges(worst) if self.surcharges else worst

    def output_tokens_within(self, amount_nanos: int, input_tokens_max: int) -> int:
        """Return the largest output limit whose `worst_nanos` is at most `amount_nanos`.

        Negative when not even a reply of no tokens fits; never above `OUTPUT_TOKENS_LIMIT`.
        """
        if self.surcharges:
            amount_nanos = self._before_surcharges(amount_nanos)
        room_femto = (amount_nanos - _ROUNDING_NANOS) * FEMTO_PER_NANO
        tokens = OUTPUT_TOKENS_LIMIT
        for rate in self._reachable(input_tokens_max):
            left_femto = room_femto - input_tokens_max * rate.input_femto_max
            if left_femto < 0:
                return -1
            if rate.output_femto_max:
                tokens = min(tokens, left_femto // rate.output_femto_max)
        return tokens

    def expected_nanos(self, input_tokens: int, output_tokens: int) -> int:
        """Return the cost of a call without a warm cache: uncached input and plain output.

        Of a model that makes images or has to do with sound it is about what a call costs that is
        like any other, so that models can be compared: one image, a minute of sound, and as many
        characters as that input has.
        """
        rate = self._rate_for(input_tokens)
        input_femto = rate.prices_femto[_INPUT] or 0
        output_femto = rate.prices_femto[_OUTPUT] or 0
        cost = line_nanos(input_tokens, input_femto) + line_nanos(output_tokens, output_femto)
        if rate.units:
            usual = {
                "output_image": output_tokens,
                "image": 1,
                "audio_second": SECONDS_USUAL,
                "character": CHARACTERS_PER_TOKEN * input_tokens,
                "request": 1,
            }
            for meter, count in usual.items():
                price, row = rate.units.get(meter, (0, ""))
                # A fee of a seller's is not what the model is billed by.
                if row == rate.price_rows[0]:
                    cost += line_nanos(count, price)
        return self._with_surcharges(cost)

    def _with_surcharges(self, amount_nanos: int) -> int:
        total = amount_nanos
        for _row, share in self.surcharges:
            total += line_nanos(amount_nanos, share)
        return total

    def _before_surcharges(self, amount_nanos: int) -> int:
        """Return the largest amount that is at most `amount_nanos` with its surcharges."""
        shares = FEMTO_PER_NANO
        for _row, share in self.surcharges:
            shares += share
        # Each share is rounded by at most half a nano-dollar: it is this or a little more.
        amount = (amount_nanos - len(self.surcharges)) * FEMTO_PER_NANO // shares
        while self._with_surcharges(amount + 1) <= amount_nanos:
            amount += 1
        return amount

    def _rate_for(self, prompt_tokens: int) -> Rate:
        chosen = self.rates[0]
        for rate in self.rates:
            if prompt_tokens > rate.above_tokens:
                chosen = rate
        return chosen

    def _reachable(self, input_tokens_max: int) -> list[Rate]:
        return [rate for rate in self.rates if input_tokens_max > rate.above_tokens]


def _dearest_nanos(rate: Rate, input_tokens: int, output_tokens: int) -> int:
    """Return what tokens cost at the dearest prices of a row, rounded up."""
    # In two parts, as in `line_nanos`.
    per_input, per_output = rate.input_femto_max, rate.output_femto_max
    input_nanos, output_nanos = per_input // FEMTO_PER_NANO, per_output // FEMTO_PER_NANO
    rest_femto = input_tokens * (per_input - input_nanos * FEMTO_PER_NANO)
    rest_femto += output_tokens * (per_output - output_nanos * FEMTO_PER_NANO)
    nanos = input_tokens * input_nanos + output_tokens * output_nanos
    return nanos - (-rest_femto // FEMTO_PER_NANO)


_INPUT: Final = METERS.index("input_uncached")
_OUTPUT: Final = METERS.index("output_text")


def dearest(prices_femto: tuple[int | None, ...], terms: Terms) -> tuple[int, int]:
    """Return the dearest price of a prompt token and of an output token on these terms."""
    priced = {meter: price or 0 for meter, price in zip(METERS, prices_femto, strict=True)}
    inputs = [
        priced[meter]
        for meter in INPUT_METERS
        if meter != "cache_write_24h" or terms.cache_retention == "24h"
    ]
    return max(inputs), max(priced[meter] for meter in OUTPUT_METERS)
