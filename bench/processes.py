"""Processes under measurement: pinned to a core, their CPU time and memory read from /proc."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

GATEWAY_CORE = 0
LOAD_CORE = 1
BOTH_CORES = "0,1"
STOP_TIMEOUT_S = 20


def start(
    command: Sequence[str],
    cores: int | str,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a command in a process group of its own, on some cores; its output goes to `log`."""
    with log.open("wb") as output:
        return subprocess.Popen(
            ["taskset", "--cpu-list", str(cores), *command],
            stdout=output,
            stderr=output,
            env=None if environment is None else {**os.environ, **environment},
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end; after `STOP_TIMEOUT_S` end its whole group."""
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def family(pid: int) -> Iterator[int]:
    """Yield a process and its living descendants."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = (task / "children").read_text().split()
        except FileNotFoundError:
            continue  # The thread ended between the listing and the reading.
        for child in children:
            yield from family(int(child))


def cpu_s(pids: Sequence[int]) -> float:
    """Return the CPU seconds, user and system, that processes have used so far.

    Raises:
        OSError: One of them has ended.
    """
    return sum(time.clock_gettime_ns(_clock(pid)) for pid in pids) / 1e9


def _clock(pid: int) -> int:
    # What clock_getcpuclockid(3) returns on Linux. It counts nanoseconds where /proc counts
    # hundredths of a second, of which a slow load fills few.
    return ~pid << 3 | 2


def memory_bytes(pids: Sequence[int]) -> int:
    """Return the memory of processes; pages shared by several count once in all (PSS)."""
    return _rolled_up(pids, "Pss:")


def own_memory_bytes(pids: Sequence[int]) -> int:
    """Return the memory of processes without pages of files: libraries, and segments as mapped."""
    return _rolled_up(pids, "Pss_Anon:")


def _rolled_up(pids: Sequence[int], field: str) -> int:
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(field):
                total += int(line.split()[1]) << 10
    return total
