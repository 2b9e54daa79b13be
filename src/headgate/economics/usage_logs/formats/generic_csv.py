"""Headgate's own CSV, for what no other format reads; `docs/reference/import.md` describes it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.economics.usage_logs.fields import FieldError, count_of, instant_of, require_counts
from headgate.economics.usage_logs.record import Findings, Found, Telling, rank_of
from headgate.economics.usage_logs.tables import columns_of, rows_of
from headgate.units.usage import METERS, Usage

KIND = "generic_csv"
TITLE = "CSV of usage"
LINES = False
PATTERN = "*.csv"
SELLER = None

NEEDED = frozenset({"id", "at", "model"})
OPTIONAL = frozenset({"seller", "tier", "region", "seat", "session", "project", "calls"})
_SHORT = {"input": "input_uncached", "output": "output_text"}


def recognises(name: str, head: bytes) -> bool:
    """Tell it by its columns: the needed ones and at least one meter, and no others."""
    return name.endswith(".csv") and fits(columns_of(head))


def fits(names: set[str]) -> bool:
    """Tell whether a table has the columns of this format and no others."""
    columns = {_SHORT.get(name, name) for name in names}
    known = NEEDED | OPTIONAL | set(METERS)
    return columns >= NEEDED and bool(columns & set(METERS)) and columns <= known


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
            findings.usage.append(found_in(row))
        except FieldError as error:
            findings.tally.note_foreign(str(row.get("id", "")).encode(), str(error))
    return findings


def copies(tellings: Iterable[Telling], parents: Mapping[str, str]) -> set[str]:
    """Return nothing: a row has one id."""
    del tellings, parents
    return set()


def found_in(row: Mapping[str, object]) -> Found:
    """Return the record of a row of cells, whatever table it stands in.

    Raises:
        FieldError: A cell makes no sense, or the id is missing.
    """
    cells = {_SHORT.get(name, name): value for name, value in row.items()}
    identity = _text(cells, "id")
    if not identity:
        raise FieldError("a row needs an id")
    usage = Usage(**{meter: count_of(cells.get(meter), meter) for meter in METERS})
    calls = count_of(cells.get("calls"), "calls") or 1
    require_counts((*usage, calls), calls)
    at_ns = instant_of(cells.get("at"))
    return Found(
        reply=identity,
        part="",
        rank=rank_of(usage),
        at_ns=at_ns,
        started_ns=at_ns,
        model=_text(cells, "model") or "unknown",
        usage=usage,
        seller=_text(cells, "seller") or None,
        tier=_text(cells, "tier") or "standard",
        region=_text(cells, "region") or "global",
        calls=calls,
        seat=_text(cells, "seat") or None,
        session=_text(cells, "session"),
        project=_text(cells, "project"),
    )


def _text(cells: Mapping[str, object], name: str) -> str:
    value = cells.get(name)
    return "" if value is None else str(value)
