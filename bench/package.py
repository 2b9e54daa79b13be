"""Which Headgate is measured: the compiled one, or the sources as they are."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COMPILED = ROOT / "build" / "compiled"
SOURCES = ROOT / "src"
COMPILE_TIMEOUT_S = 1_800

_chosen = SOURCES


def compile_it() -> str | None:
    """Compile the data plane and measure that from now on.

    Returns:
        Why it could not be, None when it was; then the sources are measured.
    """
    global _chosen
    command = [str(ROOT / "scripts" / "compile")]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S
    )
    if done.returncode:
        return (done.stderr or done.stdout).strip()[-400:]
    _chosen = COMPILED
    return None


def path() -> Path:
    """Return what PYTHONPATH needs for the Headgate that is measured."""
    return _chosen


def kind() -> str:
    """Return what is said of it in a report."""
    return "compiled (make compile)" if _chosen == COMPILED else "interpreted"
