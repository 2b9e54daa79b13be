"""Compares what the journals posted with what the provider charges."""

from collections import Counter
from fractions import Fraction

from tests.torture.checker_report import NANOS, Attempt, Record, Report, charge_lines


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
    named = {name: charge for name, charge in unexplained.items() if charge.get("called")}
    silent = _match_named(report, silent, named)
    _match(report, silent, {k: v for k, v in unexplained.items() if k not in named}, pairs)


def _check_charge(report: Report, name: str, attempt: Attempt, charge: Record) -> None:
    billed = Fraction(charge["amount"]) * NANOS
    end = attempt.end
    assert end is not None
    asked = attempt.hold.get("request_id")
    if charge.get("called") and asked != charge["called"]:
        report.object_to(f"{name} was asked for as {asked} and is billed as {charge['called']}")
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


def _match_named(
    report: Report, silent: list[Attempt], charges: dict[str, Record]
) -> list[Attempt]:
    """Explain charges that say which client's request they are for; each takes one attempt.

    Nobody else's estimate explains them: not one call is lost beside others that were cut off.
    Returns the attempts that are left.
    """
    of_call: dict[str, list[Attempt]] = {}
    for attempt in silent:
        of_call.setdefault(attempt.hold.get("request_id", ""), []).append(attempt)
    for charge in charges.values():
        called, billed = charge["called"], Fraction(charge["amount"]) * NANOS
        attempts = of_call.get(called, [])
        fit = next((each for each in attempts if billed <= each.posted), None)
        if fit is None:
            told = [attempt.posted for attempt in attempts]
            report.object_to(f"{called} is billed {float(billed)}, estimated are {told}")
        else:
            attempts.remove(fit)
    left = {id(attempt) for attempts in of_call.values() for attempt in attempts}
    return [attempt for attempt in silent if id(attempt) in left]


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
