"""What the benchmark needs beside the project: nginx, a C compiler, and its two C programs."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"
PACKAGES = {"nginx": "nginx", "gcc": "gcc", "taskset": "util-linux"}
PROGRAMS = ("upstream", "load")
INSTALL_TIMEOUT_S = 300


class MissingToolError(Exception):
    """A program is not there and cannot be installed; the message says what to do."""


def missing(find: Callable[[str], str | None] = shutil.which) -> dict[str, str]:
    """Return the programs that are not there, each with the Debian package that has it."""
    return {name: package for name, package in PACKAGES.items() if find(name) is None}


def require(absent: Mapping[str, str], *, may_install: bool) -> None:
    """Install what is absent with apt.

    Args:
        absent: Package by program, as `missing` returns it.
        may_install: Whether this process is root on a machine with apt.

    Raises:
        MissingToolError: It may not, or it did not work.
    """
    if not absent:
        return
    packages = sorted(set(absent.values()))
    advice = f"{', '.join(sorted(absent))} missing: apt-get install {' '.join(packages)}"
    if not may_install:
        raise MissingToolError(advice)
    _apt("update", "-q")
    if _apt("install", "-y", "-q", "--no-install-recommends", *packages):
        raise MissingToolError(advice)


def _apt(*words: str) -> int:
    """Run apt-get quietly; returns its exit status."""
    command = ["apt-get", *words]
    done = subprocess.run(
        command, check=False, stdout=subprocess.DEVNULL, timeout=INSTALL_TIMEOUT_S
    )
    return done.returncode


def may_install() -> bool:
    """Tell whether packages can be installed from here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def compile_programs(build: Path = BUILD) -> None:
    """Compile the upstream and the load generator, where the source is newer.

    Raises:
        MissingToolError: The compiler refuses.
    """
    build.mkdir(exist_ok=True)
    for name in PROGRAMS:
        source, program = HERE / f"{name}.c", build / name
        if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
            continue
        command = ["gcc", "-O2", "-o", str(program), str(source)]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise MissingToolError(f"gcc cannot compile {source.name}: {done.stderr.strip()}")
