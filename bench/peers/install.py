"""Installs peers exactly as their locks say, each into a folder that nothing of ours imports."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.peers.peer import FOLDER

TIMEOUT_S = 1_200


class NotInstalledError(Exception):
    """A peer cannot be installed here; the message says why."""


def from_pypi(name: str, lock: Path) -> Path:
    """Install what a lock of pip names; returns its Python.

    Raises:
        NotInstalledError: pip refuses, or has no network.
    """
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not is_installed(folder, lock):
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)])
        mark(folder, lock)
    return python


def from_npm(name: str, locks: Path) -> Path:
    """Install what a lock of npm names, without running a script of it; returns its folder.

    Raises:
        NotInstalledError: node or npm is missing, npm refuses, or has no network.
    """
    if missing := [program for program in ("node", "npm") if shutil.which(program) is None]:
        raise NotInstalledError(f"{name} needs {' and '.join(missing)}")
    folder, lock = FOLDER / name, locks / "package-lock.json"
    if not is_installed(folder, lock):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(locks, folder)
        _run(["npm", "ci", "--ignore-scripts", "--loglevel=error"], folder)
        mark(folder, lock)
    return folder


def pinned(lock: Path, package: str) -> str:
    """Return the version of a package that a lock of pip names."""
    found = re.search(rf"^{re.escape(package)}(?:\[[^\]]*\])?==(\S+)", lock.read_text(), re.M)
    assert found, f"{lock} does not name {package}"
    return found[1]


def locked(lock: Path, package: str) -> str:
    """Return the version of a package that a lock of npm names."""
    version = json.loads(lock.read_text())["packages"][f"node_modules/{package}"]["version"]
    assert isinstance(version, str)
    return version


def is_installed(folder: Path, lock: Path) -> bool:
    """Tell whether a lock is the one that was installed last, to the end."""
    mark = folder / "installed"
    return mark.exists() and mark.read_bytes() == lock.read_bytes()


def mark(folder: Path, lock: Path) -> None:
    """Note that a lock was installed to the end."""
    shutil.copyfile(lock, folder / "installed")


def _run(command: Sequence[str], folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, timeout=TIMEOUT_S
        )
    except subprocess.TimeoutExpired as error:
        raise NotInstalledError(f"{command[0]} took more than {TIMEOUT_S} s") from error
    if done.returncode:
        raise NotInstalledError(f"{command[0]}: {(done.stderr or done.stdout).strip()[-400:]}")
