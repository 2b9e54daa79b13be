"""Checks a data directory's journals, and an upstream's bill, without any of Headgate's code.

    python -m tests.torture.checker DATA BILL.jsonl --limit team-research@once=2.50

It reads the format that `docs/reference/journal.md` documents, with the standard library alone.
BILL.jsonl has one line of JSON per request the provider charges: `request_id`, `amount` in
dollars (decimal text or "numerator/denominator"), if known `reply_id` and `lines`, and `called`,
what the client called the request (`request_id` of its hold). PAIRS.jsonl
tells what clients saw: `attempt`'s `call` beside the provider's `request_id`. The exit status is
0 when all holds, 1 when something does not, 2 when the journals cannot be read.
"""

import argparse
import json
import sys
from fractions import Fraction
from pathlib import Path

from tests.torture.checker_bill import check_bill
from tests.torture.checker_report import NANOS, Attempt, Record, Report, Sums, charge_lines
from tests.torture.journal_files import FormatError, read_all

CALLERS_MAX = 4096
PROBLEMS_SHOWN = 50


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
