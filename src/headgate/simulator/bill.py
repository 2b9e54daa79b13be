"""What a provider will invoice: one entry per request, in exact fractions."""

import json
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from threading import Condition
from typing import Any, TextIO

from headgate.simulator.models import ProviderName
from headgate.simulator.prices import METERS, find_row, rows_of

ENTRIES_MAX = 100_000
# Every price is a finite decimal, and so is every sum; this is room to write them out exactly.
_DECIMAL_DIGITS = 60
BATCH_SHARE = Fraction(1, 2)
"""What a batched request costs of the list price."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by meter; disjoint, so a plain sum never counts one twice.

    Attributes:
        output: All generated tokens, the hidden ones included.
        reasoning: How many of `output` were spent on thinking.
    """

    input_uncached: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    cache_write_24h: int = 0
    output: int = 0
    reasoning: int = 0
    input_image: int = 0
    output_image: int = 0
    input_audio: int = 0
    output_audio: int = 0
    image: int = 0
    audio_second: int = 0
    character: int = 0
    request: int = 0

    @property
    def cache_write(self) -> int:
        """Tokens written to the cache, whatever their lifetime."""
        return self.cache_write_5m + self.cache_write_1h + self.cache_write_24h

    @property
    def prompt(self) -> int:
        """All prompt tokens."""
        return self.input_uncached + self.cache_read + self.cache_write

    def with_output(self, output: int) -> "Usage":
        """Return this usage for a reply that ended after `output` tokens."""
        return replace(self, output=output, reasoning=min(self.reasoning, output))


@dataclass(frozen=True, slots=True)
class BillLine:
    """One meter of one request; money in dollars."""

    meter: str
    quantity: int
    unit_price: Fraction
    amount: Fraction


@dataclass(frozen=True, slots=True)
class BillEntry:
    """One request that was charged.

    Attributes:
        request_id: As in the provider's request id header.
        reply_id: As in the reply's body.
        model: The served model.
        completed: False when the reply was cut or the client left before its end.
        at_ns: When the entry was made, nanoseconds since the epoch.
        batched: Whether it was a line of a batch, which costs half.
        called: What the prompt called it by, so that it can be told from others; empty for nothing.
    """

    request_id: str
    reply_id: str
    provider: ProviderName
    model: str
    usage: Usage
    completed: bool
    at_ns: int
    batched: bool = False
    called: str = ""

    @property
    def lines(self) -> tuple[BillLine, ...]:
        """The charge lines: meters with a quantity, in the order of `METERS`."""
        prices = find_row(self.model, self.usage.prompt).unit_prices
        share = BATCH_SHARE if self.batched else Fraction(1)
        return tuple(
            BillLine(meter, quantity, share * prices[meter], quantity * share * prices[meter])
            for meter in METERS
            if (quantity := getattr(self.usage, meter))
        )

    @property
    def amount(self) -> Fraction:
        """Dollars for the whole request."""
        return sum((line.amount for line in self.lines), Fraction(0))


class Bill:
    """All charges since the start: exact totals, and the last entries in full.

    Safe to read from other threads.
    """

    def __init__(self, log: Path | None = None) -> None:
        self._changed = Condition()
        self._entries: deque[BillEntry] = deque(maxlen=ENTRIES_MAX)
        # Totals are kept as quantities: adding integers is exact and cheap.
        self._quantities: Counter[tuple[str, int, str, bool]] = Counter()
        self._count = 0
        # Line-buffered, so that a charge is on file before its last byte is sent.
        self._log: TextIO | None = log.open("a", buffering=1, encoding="utf-8") if log else None

    def add(self, entry: BillEntry) -> None:
        """Charge one request."""
        row = find_row(entry.model, entry.usage.prompt)
        if self._log is not None:
            self._log.write(json.dumps(entry_record(entry)) + "\n")
        with self._changed:
            self._count += 1
            self._entries.append(entry)
            for meter in METERS:
                quantity = getattr(entry.usage, meter)
                if quantity:
                    key = (entry.model, row.prompt_tokens_over, meter, entry.batched)
                    self._quantities[key] += quantity
            self._changed.notify_all()

    def wait(self, count: int, timeout_s: float) -> bool:
        """Block the calling thread until `count` requests were charged; False if that is too long.

        In a coroutine use `asyncio.to_thread(bill.wait, ...)`.
        """
        with self._changed:
            return self._changed.wait_for(lambda: self._count >= count, timeout_s)

    @property
    def total(self) -> Fraction:
        """Dollars charged since the start."""
        with self._changed:
            quantities = list(self._quantities.items())
        return sum((number * _unit_price(*key) for key, number in quantities), Fraction(0))

    @property
    def count(self) -> int:
        """Requests charged since the start."""
        return self._count

    @property
    def entries(self) -> tuple[BillEntry, ...]:
        """The last entries, oldest first; at most `ENTRIES_MAX`."""
        with self._changed:
            return tuple(self._entries)

    def close(self) -> None:
        """Close the log file, if there is one."""
        if self._log is not None:
            self._log.close()
            self._log = None


def _unit_price(model: str, prompt_tokens_over: int, meter: str, batched: bool) -> Fraction:
    rows: Iterator[Fraction] = (
        row.unit_prices[meter]
        for row in rows_of(model)
        if row.prompt_tokens_over == prompt_tokens_over
    )
    return next(rows) * (BATCH_SHARE if batched else 1)


def as_decimal(amount: Fraction) -> str:
    """Return `amount` as a plain decimal number, exactly."""
    with localcontext() as context:
        context.prec = _DECIMAL_DIGITS
        return f"{Decimal(amount.numerator) / Decimal(amount.denominator):f}"


def as_ratio(amount: Fraction) -> str:
    """Return `amount` as "numerator/denominator"."""
    return f"{amount.numerator}/{amount.denominator}"


def entry_record(entry: BillEntry) -> dict[str, Any]:
    """Return an entry as it is written to JSON."""
    return {
        "request_id": entry.request_id,
        "reply_id": entry.reply_id,
        "provider": entry.provider,
        "model": entry.model,
        "lines": [
            {
                "meter": line.meter,
                "quantity": line.quantity,
                "unit_price": as_ratio(line.unit_price),
                "amount": as_ratio(line.amount),
            }
            for line in entry.lines
        ],
        "amount": as_ratio(entry.amount),
        "amount_decimal": as_decimal(entry.amount),
        "usage": {
            **{meter: getattr(entry.usage, meter) for meter in METERS},
            "reasoning": entry.usage.reasoning,
        },
        "completed": entry.completed,
        "at_ns": entry.at_ns,
        "called": entry.called,
    }
