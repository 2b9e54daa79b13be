"""The checks of `headgate doctor` of the machine: disk, open files, versions, the file in force."""

import os
import platform
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from headgate import __version__
from headgate.catalog.prices import PriceBook
from headgate.cli.doctor_checks import result
from headgate.gateway import pipeline
from headgate.insights.contract import CheckView
from headgate.node.paths import run_dir
from headgate.store.database import make_engine
from headgate.store.settings import Journal
from headgate.units.instants import NANOS_PER_SECOND

MIB = 1 << 20
FREE_MIN, FREE_LOW = 128 * MIB, 1024 * MIB
"""A worker allocates journal segments of 16 MiB ahead; with none to be had it takes no calls."""
FSYNC_TRIES = 5
FSYNC_SLOW_US = 50_000
"""The steward waits for the disk before it lends; calls wait with it when money is short."""
FILES_PER_CALL = 2
FILES_OWN = 128
PRICES_OLD_DAYS = 60
DAY_NS = 86_400 * NANOS_PER_SECOND


def check_disk(data_dir: Path) -> Iterator[CheckView]:
    """Tell how much room there is where the data lies, and how long the disk takes to keep it."""
    there = next(path for path in (data_dir, *data_dir.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free
    message = f"{free // MIB} MiB are free in {there}."
    fix = "Make room: without it no hold can be written, and calls are refused."
    if free < FREE_MIN:
        yield result("disk", message, fix, "error")
    elif free < FREE_LOW:
        yield result("disk", message, fix, "warning")
    else:
        yield result("disk", message)
    if data_dir.is_dir() and os.access(data_dir, os.W_OK | os.X_OK):
        yield _check_fsync(data_dir)


def _check_fsync(data_dir: Path) -> CheckView:
    try:
        took_us = statistics.median_low([_fsync_us(data_dir) for _ in range(FSYNC_TRIES)])
    except OSError as error:
        fix = "Look at the disk and its file system."
        return result("fsync", f"{data_dir} cannot be synced: {error.strerror}.", fix, "error")
    took = f"{took_us // 1_000}.{took_us % 1_000:03d}"
    message = f"A write is on disk in {took} ms (median of {FSYNC_TRIES})."
    if took_us > FSYNC_SLOW_US:
        fix = "Put the data directory on a faster disk: --data-dir."
        return result("fsync", message, fix, "warning")
    return result("fsync", message)


def _fsync_us(folder: Path) -> int:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * 4_096)
        began_ns = time.monotonic_ns()
        file.flush()
        os.fsync(file.fileno())
        return (time.monotonic_ns() - began_ns) // 1_000


def check_durability(journal: Journal) -> CheckView:
    """Tell what the holds of calls survive, and what that costs them."""
    if journal.durability == "power":
        message = "power: calls wait until their hold is on the disk, as long as fsync says."
    else:
        message = "process: no call waits for the disk; after a power cut detail may be missing."
    return result("durability", message)


def check_open_files(connections_max: int) -> CheckView:
    """Tell whether as many files may be open as clients may be connected."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= FILES_PER_CALL * connections_max + FILES_OWN:
        return result("open files", "There may be as many as limits.connections_max asks for.")
    calls = max(0, hard - FILES_OWN) // FILES_PER_CALL
    message = f"{hard} may be open, enough for {calls} calls at once, not for {connections_max}."
    fix = f"Raise it (ulimit -Hn, LimitNOFILE=), or write limits.connections_max = {calls}."
    return result("open files", message, fix, "warning")


def check_versions() -> CheckView:
    """Tell what runs here."""
    compiled = not str(pipeline.__file__).endswith(".py")
    plane = "compiled" if compiled else "interpreted"
    with make_engine("sqlite://").connect() as connection:
        sqlite = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
    parts = (
        f"Headgate {__version__}, its data plane {plane}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite}",
    )
    return result("versions", f"{'; '.join(parts)}.")


def check_prices(book: PriceBook, now_ns: int) -> CheckView:
    """Tell how old the newest price of the built-in book is."""
    newest_ns = max(row.recorded_at_ns for row in book.rows if row.origin != "configuration")
    days = max(0, now_ns - newest_ns) // DAY_NS
    message = f"The newest built-in price was recorded {days} days ago."
    if days > PRICES_OLD_DAYS:
        fix = "Take a newer release, or write [[prices]] rows; see headgate prices show."
        return result("price book", message, fix, "warning")
    return result("price book", message)


def check_in_force(config: Path, data_dir: Path) -> Iterator[CheckView]:
    """Tell whether a running node goes by the file as it is now."""
    copies = list(run_dir(data_dir).glob("in-force-*.toml"))
    if copies and config.is_file():
        if any(copy.read_bytes() == config.read_bytes() for copy in copies):
            yield result("in force", "The node goes by the file as it is.")
        else:
            message = f"{config} has changed since the node took it up."
            yield result("in force", message, "Run: headgate reload", "warning")
