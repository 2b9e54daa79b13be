"""Headgate's own CSV of what a seller charged; `docs/reference/import.md` describes it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.economics.usage_logs.fields import FieldError, instant_of, nanos_of
from headgate.economics.usage_logs.pages import identity_of
from headgate.economics.usage_logs.record import Bill, Findings, Telling
from headgate.economics.usage_logs.tables import columns_of, rows_of
from headgate.units.instants import NANOS_PER_SECOND

KIND = "generic_bill"
TITLE = "CSV of charges"
LINES = False
PATTERN = "*.csv"
SELLER = None

NEEDED = frozenset({"at", "seller", "amount_usd"})
OPTIONAL = frozenset({"until", "model", "item"})
DAY_NS = 86_400 * NANOS_PER_SECOND


def recognises(name: str, head: bytes) -> bool:
    """Tell it by its columns: the needed ones, and no others than it may have."""
    columns = columns_of(head)
    return name.endswith(".csv") and NEEDED <= columns <= NEEDED | OPTIONAL


def folders(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """Return nothing: these files are made on purpose."""
    del environment, home
    return ()


def read(blocks: Iterable[bytes], name: str) -> Findings:
    """Read a whole file."""
    del name
    findings = Findings()
    for row in rows_of(b"".join(blocks), findings.tally):
        try:
            bill = _bill(row)
        except FieldError as error:
            findings.tally.note_foreign(",".join(row.values()).encode(), str(error))
            continue
        findings.bills.append(bill)
        findings.covered.append((bill.start_ns, bill.end_ns))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: no usage is told."""
    del tellings, parents
    return set()


def _bill(row: Mapping[str, str]) -> Bill:
    start_ns = instant_of(row.get("at"))
    until = row.get("until")
    end_ns = instant_of(until) if until else start_ns + DAY_NS
    if end_ns <= start_ns:
        raise FieldError("a charge ends before it begins")
    seller, model, item = (row.get(name) or "" for name in ("seller", "model", "item"))
    if not seller:
        raise FieldError("a charge needs its seller")
    if not row.get("amount_usd"):
        raise FieldError("a charge needs its amount_usd")
    name = f"{item}#{identity_of(model, item)[:8]}"
    return Bill(seller, start_ns, end_ns, name, model, nanos_of(row["amount_usd"]))
