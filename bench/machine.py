"""What the figures were measured on: machine, versions, commit, and how long an fsync takes."""

import os
import platform
import statistics
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from bench import package

ROOT = Path(__file__).resolve().parents[1]
FSYNCS = 200
FSYNC_BYTES = 4_096


class Fsync(NamedTuple):
    """How long writing a page and making it durable takes, in milliseconds."""

    ms_p50: float
    ms_p99: float


def fsync_time(directory: Path, count: int = FSYNCS) -> Fsync:
    """Append a page and fsync it, again and again, where the node under test has its data."""
    path = directory / "fsync"
    took_ms: list[float] = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        for _ in range(count):
            begun_ns = time.perf_counter_ns()
            os.write(descriptor, bytes(FSYNC_BYTES))
            os.fsync(descriptor)
            took_ms.append((time.perf_counter_ns() - begun_ns) / 1e6)
    finally:
        os.close(descriptor)
        path.unlink()
    took_ms.sort()
    return Fsync(statistics.median(took_ms), took_ms[(count - 1) * 99 // 100])


def processor(cpuinfo: str) -> str:
    """Return the processor's name from the text of /proc/cpuinfo."""
    for line in cpuinfo.splitlines():
        name, colon, value = line.partition(":")
        if colon and name.strip() == "model name":
            return value.strip()
    return platform.machine()


def commit() -> str:
    """Return the commit that is checked out, marked when the tree differs from it."""
    named = _output(["git", "rev-parse", "--short=12", "HEAD"])
    changed = _output(["git", "status", "--porcelain", "--untracked-files=no"])
    return f"{named or 'unknown'}{' with changes' if changed else ''}"


def facts(data: Path) -> dict[str, str]:
    """Return what is said of the machine, in the order it is printed."""
    fsync = fsync_time(data)
    cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "processor": f"{processor(cpuinfo)}, {os.cpu_count()} cores",
        "kernel": platform.release(),
        "python": f"{platform.python_version()}, {platform.python_compiler()}",
        "data plane": package.kind(),
        "nginx": _output(["nginx", "-v"]).rpartition("/")[2],
        "durability class": "process",
        "fsync of 4 KB": f"{fsync.ms_p50:.2f} ms (p99 {fsync.ms_p99:.2f} ms)",
        "load average before": f"{os.getloadavg()[0]:.2f}",
    }


def _output(command: list[str]) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    return (done.stdout + done.stderr).strip() if done.returncode == 0 else ""
