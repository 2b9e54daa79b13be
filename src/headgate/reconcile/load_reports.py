"""Reads reports of providers from files."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from headgate.economics.usage_logs.formats.registry import format_of, formats
from headgate.economics.usage_logs.load_files import HEAD_BYTES
from headgate.economics.usage_logs.record import Findings
from headgate.reconcile.reports import Reports

REPORT_BYTES_MAX = 64 << 20
FILES_MAX = 2_000
PAGES = "*.json*"
"""Which files hold pages of buckets."""


class ReportError(Exception):
    """A file is no report that can be compared; the message is for a person."""


def read_reports(
    paths: Iterable[Path], *, seller: str | None = None, fetched_ns: int | None = None
) -> dict[str, Reports]:
    """Return what reports tell, by seller.

    Args:
        paths: Files, and folders whose reports are read; later files count where they repeat.
        seller: Whose they are, whatever they say; None: they say it.
        fetched_ns: When they were made; None takes the time of each file.

    Raises:
        ReportError: One cannot be read, or is of no known format.
    """
    found: dict[str, Reports] = {}
    for path in sorted(_files(paths), key=lambda each: (each.stat().st_mtime_ns, each.name)):
        at_ns = path.stat().st_mtime_ns if fetched_ns is None else fetched_ns
        for name, part in _by_seller(*_read(path), seller).items():
            found.setdefault(name, Reports(name)).take(part, at_ns)
    return found


def take_report(data: bytes, name: str, reports: Reports, fetched_ns: int) -> None:
    """Add a report that was fetched.

    Raises:
        ReportError: It is of no known format.
    """
    for part in _by_seller(*_parse(data, name), reports.seller).values():
        reports.take(part, fetched_ns)


def _files(paths: Iterable[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            files += [one for one in sorted(path.iterdir()) if one.suffix in (".json", ".csv")]
        elif path.is_file():
            files.append(path)
        else:
            raise ReportError(f"{path}: no such file or folder")
        if len(files) > FILES_MAX:
            raise ReportError(f"{path}: more than {FILES_MAX} files")
    return files


def _read(path: Path) -> tuple[Findings, str | None]:
    if path.stat().st_size > REPORT_BYTES_MAX:
        raise ReportError(f"{path}: larger than {REPORT_BYTES_MAX >> 20} MB")
    try:
        return _parse(path.read_bytes(), path.name, str(path))
    except OSError as error:
        raise ReportError(f"{path}: {error.strerror}") from error


def _parse(data: bytes, name: str, told: str = "") -> tuple[Findings, str | None]:
    """Return what a report says, and whose it is by its format (None: anyone's)."""
    form = format_of(name, data[:HEAD_BYTES])
    read = _read_quiet(data, name) if form is None else (form.read([data], name), form.SELLER)
    # Logs of clients and proxies are no account of what was charged.
    if read is None or any(one.grade != "A" for one in read[0].usage):
        raise ReportError(
            f"{told or name}: not a provider's own report of usage or costs, nor a CSV with the "
            "columns at, seller, amount_usd"
        )
    return read


def _read_quiet(data: bytes, name: str) -> tuple[Findings, str | None] | None:
    """Return a report of time in which nothing was used: by its results nobody can tell it."""
    if b'"results"' not in data:
        return (Findings(), None) if b'"data"' in data else None
    for form in formats().values():
        if form.PATTERN == PAGES:
            findings = form.read([data], name)
            if findings.covered:
                return findings, form.SELLER
    return None


def _by_seller(findings: Findings, usual: str | None, seller: str | None) -> Mapping[str, Findings]:
    """Split what was read by seller; what a report covers is of whoever it tells about."""
    parts: dict[str, Findings] = {}

    def part(name: str | None) -> Findings:
        known = parts.setdefault(seller or name or "", Findings())
        known.covered, known.counted = findings.covered, findings.counted
        return known

    for found in findings.usage:
        part(found.seller).usage.append(found)
    for bill in findings.bills:
        part(bill.seller).bills.append(bill)
    if not parts and (seller or usual):
        part(usual)
    for known in parts.values():
        known.tally = findings.tally
    return parts
