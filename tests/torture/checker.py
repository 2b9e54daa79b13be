"""Checks a data directory's journals, and an upstream's bill, without any of Headgate's code.

    python -m tests.torture.checker DATA BILL.jsonl --limit team-research@once=2.50

It reads the format that `docs/reference/journal.md` documents, with the standard library alone.
BILL.jsonl has one line of JSON per request the provider charges: `request_id`, `amount` in
dollars (decimal text or "numerator/denominator"), if known `reply_id` and `lines`. PAIRS.jsonl
tells what clients saw: `attempt`'s `call` beside the provider's `request_id`. The exit status is
0 when all holds, 1 when something does not, 2 when the journals cannot be read.
"""

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.torture.journal_files import FormatError, read_all

NANOS = 10**9
CALLERS_MAX = 4096
LINE = ("meter", "quantity", "price_femto", "amount_nanos", "price_row")
PROBLEMS_SHOWN = 50

Record = dict[str, Any]


@dataclass
class Attempt:
    """One hold with its windows, and its end once it was read."""

    hold: Record
    journal: str
    windows: list[str]
    above: list[str]
    end: Record | None = None
    corrected: int = 0

    @property
    def posted(self) -> int:
        """Nano-dollars posted: nothing for a void, which has no amount."""
        return 0 if self.end is None else self.end.get("amount_nanos", 0)


@dataclass
class Sums:
    """Nanos of a window: posted, in open holds, posted above holds, and by upward corrections."""

    posted: int = 0
    held: int = 0
    overage: int = 0
    debits: int = 0


@dataclass
class Report:
    """What was found."""

    problems: list[str] = field(default_factory=list)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    windows: dict[str, Sums] = field(default_factory=dict)
    counted: dict[str, Sums] = field(default_factory=dict)
    callers: dict[tuple[str, int], Record] = field(default_factory=dict)
    adjustments: dict[str, Record] = field(default_factory=dict)
    credits: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    billed: Fraction = Fraction(0)

    def object_to(self, what: str) -> None:
        """Note something that should not be."""
        self.problems.append(what)


def charge_lines(end: Record) -> list[Record]:
    """Return the charge lines of an end, by their fields."""
    return [dict(zip(LINE, line, strict=False)) for line in end.get("lines", [])]


# The journals by themselves


def check_journals(data: Path, limits: dict[str, int], *, running: bool, several: bool) -> Report:
    """Replay all journals; limits are nano-dollars by window key.

    With `running` holds may still be open. With `several` workers at once only the end sums are
    compared with the limits: clocks do not order records of different journals exactly.
    """
    report = Report()
    ends: dict[str, bool] = {}
    records = list(read_all(data))
    for _, record in records:
        if record["k"] == "adjustment":
            # Of two with one id, in whatever journals, the first counts.
            report.adjustments.setdefault(record["id"], record)
    _find_credits(report, records)
    for journal, record in records:
        kind = record["k"]
        report.kinds[kind] += 1
        ends[journal] = kind == "sealed" and record.get("last", False)
        if kind == "caller":
            report.callers[journal, record["number"]] = record
            report.callers.pop((journal, record["number"] - CALLERS_MAX), None)
        elif kind in ("hold", "extend"):
            take = _hold if kind == "hold" else _extend
            take(report, journal, record, {} if several else limits)
        elif kind in ("settle", "void"):
            _end(report, journal, record, {} if several else limits)
    for record in report.adjustments.values():
        _adjust(report, record)
    for window in report.counted:
        _compare(report, window, limits, "at the end")
    if not running:
        for name in (name for name, sealed in ends.items() if not sealed):
            report.object_to(f"journal {name} is not sealed")
        for name in (name for name, each in report.attempts.items() if each.end is None):
            report.object_to(f"{name} is held and has no end")
    return report


def _find_credits(report: Report, records: list[tuple[str, Record]]) -> None:
    """Sum up what corrections are going to free on each window.

    They stand in other journals than the holds that use what they free, so they are only as well
    ordered as clocks: until it is counted, a limit is compared as if each had been there before.
    """
    if not report.adjustments:
        return
    callers: dict[tuple[str, int], Record] = {}
    above: dict[str, list[str]] = {}
    for journal, record in records:
        if record["k"] == "caller":
            callers[journal, record["number"]] = record
        elif record["k"] == "hold":
            caller = callers.get((journal, record["caller"]), {})
            above[record["attempt"]] = caller.get("above", [])
    for record in report.adjustments.values():
        for window in [*record["windows"], *above.get(record.get("attempt", ""), [])]:
            report.credits[window] += max(0, -record["amount_nanos"])


def _adjust(report: Report, record: Record) -> None:
    """Count a correction; its attempt has ended, in some journal."""
    name, amount, windows = record["id"], record["amount_nanos"], record["windows"]
    above: list[str] = []
    if amount == 0:
        report.object_to(f"{name} corrects by nothing")
    if "attempt" in record:
        attempt = report.attempts.get(record["attempt"])
        if attempt is None or attempt.end is None:
            report.object_to(f"{name} corrects {record['attempt']}, which has not ended")
            return
        attempt.corrected += amount
        above = attempt.above
        if windows != attempt.windows:
            report.object_to(f"{name} moves other windows than {record['attempt']} was held on")
        if attempt.posted + attempt.corrected < 0:
            report.object_to(f"{record['attempt']} is corrected below nothing")
    for window in windows:
        report.windows.setdefault(window, Sums()).posted += amount
    for window in [*windows, *above]:
        sums = report.counted.setdefault(window, Sums())
        sums.posted += amount
        sums.debits += max(0, amount)
        report.credits[window] -= max(0, -amount)


def _hold(report: Report, journal: str, record: Record, limits: dict[str, int]) -> None:
    name, amount = record["attempt"], record["amount_nanos"]
    if name in report.attempts:
        report.object_to(f"{name} is held twice")
    if amount < 0:
        report.object_to(f"{name} holds less than nothing")
    caller = report.callers.get((journal, record["caller"]), {})
    if not caller:
        report.object_to(f"{name} is held for a caller that was not named")
    attempt = Attempt(record, journal, caller.get("windows", []), caller.get("above", []))
    report.attempts[name] = attempt
    for window in _move(report, attempt, Sums(0, amount)):
        _compare(report, window, limits, f"when {name} was held", strict=amount > 0)


def _extend(report: Report, journal: str, record: Record, limits: dict[str, int]) -> None:
    name, amount = record["attempt"], record["amount_nanos"]
    attempt = report.attempts.get(name)
    if attempt is None or attempt.end is not None or attempt.journal != journal or amount <= 0:
        report.object_to(f"{name} is extended by {amount}, or not held")
        return
    attempt.hold = {**attempt.hold, "amount_nanos": attempt.hold["amount_nanos"] + amount}
    for window in _move(report, attempt, Sums(0, amount)):
        _compare(report, window, limits, f"when {name} was extended", strict=True)


def _move(report: Report, attempt: Attempt, by: Sums) -> list[str]:
    """Count a change in an attempt's windows, and for limits in those they came from too."""
    all_of = attempt.windows + attempt.above
    tables = (report.windows, attempt.windows), (report.counted, all_of)
    for sums in [table.setdefault(each, Sums()) for table, windows in tables for each in windows]:
        sums.posted += by.posted
        sums.held += by.held
        sums.overage += by.overage
    return all_of


def _end(report: Report, journal: str, record: Record, limits: dict[str, int]) -> None:
    name = record["attempt"]
    attempt = report.attempts.get(name)
    if attempt is None:
        report.object_to(f"{name} ends and was never held")
        return
    if attempt.end is not None:
        report.object_to(f"{name} ends twice")
        return
    if attempt.journal != journal:
        report.object_to(f"{name} is held in {attempt.journal} and ends in {journal}")
    attempt.end = record
    held, posted = attempt.hold["amount_nanos"], attempt.posted
    state = record["state"] if record["k"] == "settle" else "void"
    report.states[state] += 1
    _check_end(report, attempt, state)
    for window in _move(report, attempt, Sums(posted, -held, max(0, posted - held))):
        _compare(report, window, limits, f"when {name} ended")


def _check_end(report: Report, attempt: Attempt, state: str) -> None:
    end, name, held = attempt.end, attempt.hold["attempt"], attempt.hold["amount_nanos"]
    assert end is not None
    lines = charge_lines(end)
    if attempt.posted < 0:
        report.object_to(f"{name} posts less than nothing")
    if state == "measured" and attempt.posted != sum(line["amount_nanos"] for line in lines):
        report.object_to(f"{name} posts {attempt.posted}, which is not the sum of its lines")
    if state == "estimated" and attempt.posted > held:
        report.object_to(f"{name} is estimated at {attempt.posted}, above its hold of {held}")
    if end.get("by", "worker") == "takeover" and state != "estimated":
        report.object_to(f"{name} was in flight when its worker died and is {state}")
    for line in lines:
        exact = Fraction(line["quantity"] * line["price_femto"], 10**6)
        if abs(line["amount_nanos"] - exact) > Fraction(1, 2):
            report.object_to(f"{name}: {line} is not its quantity at its price")


def _compare(
    report: Report, window: str, limits: dict[str, int], when: str, strict: bool = False
) -> None:
    """Compare with the limit; nothing may be held above it, only overage posted beyond it."""
    if window not in limits:
        return
    sums, limit = report.counted[window], limits[window]
    beyond = report.credits[window] + (0 if strict else sums.overage + sums.debits)
    if sums.posted + sums.held > limit + beyond:
        told = f"posted {sums.posted} + held {sums.held} is above {limit}"
        report.object_to(f"{window}: {told} {when}")


# The journals against the bill


def check_bill(report: Report, bill: list[Record], pairs: dict[str, str]) -> None:
    """Compare what was posted with what the provider charges; `pairs` are calls by request id."""
    charges = {entry["request_id"]: entry for entry in bill}
    if len(charges) != len(bill):
        report.object_to("the bill names a request twice")
    report.billed = sum((Fraction(entry["amount"]) for entry in bill), Fraction(0)) * NANOS
    unexplained = dict(charges)
    by_reply = {entry.get("reply_id"): name for name, entry in charges.items()}
    silent = []
    for name, attempt in report.attempts.items():
        end = attempt.end or {}
        request = end.get("upstream_request_id") or by_reply.get(end.get("upstream_id") or "")
        charge = unexplained.pop(request or "", None)
        if charge is not None:
            _check_charge(report, name, attempt, charge)
        elif end.get("state") == "measured" and attempt.posted:
            report.object_to(f"{name} posts {attempt.posted} and is not on the bill")
        elif end.get("state") == "estimated" and request is None:
            silent.append(attempt)
    _match(report, silent, unexplained, pairs)


def _check_charge(report: Report, name: str, attempt: Attempt, charge: Record) -> None:
    billed = Fraction(charge["amount"]) * NANOS
    end = attempt.end
    assert end is not None
    if end.get("state") == "measured":
        rounding = Fraction(len(end.get("lines", [])), 2)
        if abs(attempt.posted - billed) > rounding:
            report.object_to(f"{name} posts {attempt.posted} and is billed {float(billed)}")
        _check_quantities(report, name, end, charge)
    elif end.get("state") == "estimated":
        # Its lines, had it any, would each have been rounded.
        if billed > attempt.posted + 5:
            report.object_to(f"{name} is estimated at {attempt.posted}, billed {float(billed)}")
    else:
        report.object_to(f"{name} is {end.get('state', end.get('k', 'open'))} and is billed")


def _check_quantities(report: Report, name: str, end: Record, charge: Record) -> None:
    if "lines" not in charge:
        return
    metered: Counter[str] = Counter()
    for line in charge_lines(end):
        meter = "output" if line["meter"].startswith("output") else line["meter"]
        metered[meter] += line["quantity"]
    billed = Counter({line["meter"]: line["quantity"] for line in charge["lines"]})
    if metered != billed:
        report.object_to(f"{name} meters {dict(metered)}, billed are {dict(billed)}")


def _match(
    report: Report, silent: list[Attempt], charges: dict[str, Record], pairs: dict[str, str]
) -> None:
    """Explain charges whose request id no journal has: attempts that were in flight at a death.

    The pairs that clients saw are compared; others are matched largest with largest, which finds
    a match whenever there is one.
    """
    by_call = {attempt.hold["attempt"].rpartition(".")[0]: attempt for attempt in silent}
    unpaired = []
    for request, charge in charges.items():
        attempt = by_call.pop(pairs.get(request, ""), None)
        billed = Fraction(charge["amount"]) * NANOS
        if attempt is None:
            unpaired.append(billed)
        elif billed > attempt.posted:
            name = attempt.hold["attempt"]
            report.object_to(f"{name} is estimated at {attempt.posted}, billed {float(billed)}")
    bounds = sorted((attempt.posted for attempt in by_call.values()), reverse=True)
    for at, billed in enumerate(sorted(unpaired, reverse=True)):
        if at >= len(bounds) or billed > bounds[at]:
            report.object_to(f"{float(billed)} nanos were billed upstream, no attempt has them")


# The command


def check(
    data: Path,
    bill: Path | None = None,
    limits: dict[str, int] | None = None,
    *,
    pairs: dict[str, str] | None = None,
    running: bool = False,
    several: bool = False,
) -> Report:
    """Check everything; see `check_journals` and `check_bill`."""
    report = check_journals(data, limits or {}, running=running, several=several)
    if bill is not None:
        check_bill(report, list(map(json.loads, bill.read_text().splitlines())), pairs or {})
    return report


def _limit(text: str) -> tuple[str, int]:
    window, _, dollars = text.rpartition("=")
    nanos = Fraction(dollars) * NANOS
    if not window or nanos.denominator != 1:
        raise ValueError(text)
    return window, nanos.numerator


def main(arguments: list[str] | None = None) -> int:
    """Check, print what was found, and return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="the data directory")
    parser.add_argument("bill", type=Path, nargs="?", help="JSON lines, one per charged request")
    parser.add_argument("--pairs", type=Path, help='JSON lines: {"call": ..., "request_id": ...}')
    parser.add_argument("--limit", type=_limit, action="append", default=[], metavar="WINDOW=USD")
    parser.add_argument("--running", action="store_true", help="holds may still be open")
    parser.add_argument("--several", action="store_true", help="several workers ran at once")
    given = parser.parse_args(arguments)
    seen = given.pairs.read_text().splitlines() if given.pairs else ()
    pairs = {each["request_id"]: each["call"] for each in map(json.loads, seen)}
    try:
        how = {"running": given.running, "several": given.several}
        report = check(given.data, given.bill, dict(given.limit), pairs=pairs, **how)
    except (FormatError, KeyError, OSError, ValueError) as error:
        sys.stdout.write(f"cannot read: {error!r}\n")
        return 2
    sys.stdout.write(render(report))
    return 1 if report.problems else 0


def render(report: Report) -> str:
    """Return the report for a person."""
    lines = ["records   " + ", ".join(f"{n} {kind}" for kind, n in sorted(report.kinds.items()))]
    lines.append("ends      " + ", ".join(f"{n} {s}" for s, n in sorted(report.states.items())))
    for window, sums in sorted(report.windows.items()):
        extra = f", overage {sums.overage}" if sums.overage else ""
        lines.append(f"window    {window}: posted {sums.posted}, held {sums.held}{extra}")
    lines.append(f"billed    {float(report.billed)} nanos")
    lines += [f"PROBLEM   {problem}" for problem in report.problems[:PROBLEMS_SHOWN]]
    lines.append(f"{len(report.problems)} problems" if report.problems else "everything holds")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
