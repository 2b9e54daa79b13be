"""The providers' bill beside the node's books: call by call, and in sum; the comparing is pure."""

import time
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest

import msgspec
from msgspec import Struct

from headgate.cli.demonstration.child import DemonstrationError
from headgate.insights.calls import AttemptRow
from headgate.units.money import NANOS_PER_USD, format_usd

FETCH_TIMEOUT_S = 10.0
SETTLE_TIMEOUT_S = 10.0
SETTLE_PAUSE_S = 0.05


class Entry(Struct, frozen=True):
    """One request that a provider bills; `amount` is a fraction of dollars as "3/1000"."""

    request_id: str
    reply_id: str
    amount: str

    @property
    def nanos(self) -> Fraction:
        """The amount in nano-dollars, exactly."""
        return Fraction(self.amount) * NANOS_PER_USD


class Bill(Struct, frozen=True):
    """What the simulated providers bill.

    Attributes:
        count: How many requests there are, which may be more than `requests` has.
        open: Replies that are under way and not yet billed.
    """

    count: int
    open: int
    requests: tuple[Entry, ...]


def fetch_bill(admin_url: str) -> Bill:
    """Return the bill, once no reply is under way.

    Raises:
        DemonstrationError: Replies stay under way, or the bill is longer than a simulator keeps.
        OSError: The simulator does not answer.
    """
    deadline_s = time.monotonic() + SETTLE_TIMEOUT_S
    while time.monotonic() < deadline_s:
        url = f"{admin_url}/bill"
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as reply:  # noqa: S310 - loopback
            bill = msgspec.json.decode(reply.read(), type=Bill)
        if not bill.open:
            if bill.count > len(bill.requests):
                kept = len(bill.requests)
                raise DemonstrationError(
                    f"The bill has {bill.count} requests, of which the simulator kept {kept}: "
                    "too many to compare one by one."
                )
            return bill
        time.sleep(SETTLE_PAUSE_S)
    raise DemonstrationError("A simulated provider did not end its replies.")


@dataclass(frozen=True, slots=True)
class Difference:
    """A call that the books and the bill have differently; None: one of them lacks it."""

    upstream_id: str
    posted_nanos: int | None
    billed_nanos: Fraction | None

    def __str__(self) -> str:
        posted = "nothing" if self.posted_nanos is None else format_usd(self.posted_nanos)
        billed = "nothing" if self.billed_nanos is None else exact_usd(self.billed_nanos)
        return f"{self.upstream_id}: posted {posted}, billed {billed}"


@dataclass(slots=True)
class Comparison:
    """Books and bill side by side, in nano-dollars.

    Attributes:
        differences: Measured calls that differ by anything, and estimated ones billed above
            their estimate.
    """

    measured_nanos: int
    measured_billed_nanos: Fraction
    estimated_nanos: int
    estimated_billed_nanos: Fraction
    differences: list[Difference]

    @property
    def equal(self) -> bool:
        """Whether books and bill say the same."""
        return not self.differences and self.measured_nanos == self.measured_billed_nanos


def compare(attempts: Iterable[AttemptRow], entries: Iterable[Entry]) -> Comparison:
    """Match attempts with a bill's entries, by the reply's id or else the request's.

    An attempt whose worker died before it wrote any id down is matched with an entry that no other
    attempt has: the largest estimate with the largest charge, and so on.
    """
    unmatched = {entry.reply_id: entry for entry in entries}
    replies = {entry.request_id: entry.reply_id for entry in unmatched.values()}
    found = Comparison(0, Fraction(0), 0, Fraction(0), [])
    nameless: list[AttemptRow] = []
    for attempt in attempts:
        reply = attempt.upstream_id or replies.get(attempt.upstream_request_id or "", "")
        if attempt.state == "estimated" and not reply:
            nameless.append(attempt)
        else:
            _match(found, attempt, unmatched.pop(reply, None))
    rest = sorted(unmatched.values(), key=lambda entry: entry.nanos, reverse=True)
    nameless.sort(key=lambda attempt: attempt.posted_nanos, reverse=True)
    for attempt, entry in zip_longest(nameless, rest):
        if attempt is None:
            found.measured_billed_nanos += entry.nanos
            found.differences.append(Difference(entry.reply_id, None, entry.nanos))
        else:
            _match(found, attempt, entry)
    return found


def _match(found: Comparison, attempt: AttemptRow, entry: Entry | None) -> None:
    """Add an attempt and what it is billed at; None: it is not on the bill."""
    billed = Fraction(0) if entry is None else entry.nanos
    if attempt.state == "estimated":
        found.estimated_nanos += attempt.posted_nanos
        found.estimated_billed_nanos += billed
        differs = billed > attempt.posted_nanos
    else:
        found.measured_nanos += attempt.posted_nanos
        found.measured_billed_nanos += billed
        differs = billed != attempt.posted_nanos
    if differs:
        name = attempt.attempt if entry is None else entry.reply_id
        told = None if entry is None else billed
        found.differences.append(Difference(name, attempt.posted_nanos, told))


def exact_usd(amount_nanos: Fraction) -> str:
    """Return dollars with nine decimals when they are whole nano-dollars, else as a fraction."""
    if amount_nanos.denominator == 1:
        return format_usd(amount_nanos.numerator)
    return str(amount_nanos / NANOS_PER_USD)
