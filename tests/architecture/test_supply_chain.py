"""What we install is what we chose: pinned, hashed, explained, and without stowaways."""

import re
import site
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture import repository
from tests.architecture.repository import ROOT

LOCKS = ("runtime", "run", "dev", "peer", "fuzz")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[[a-z0-9,._ -]+\])?==([^\s;]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")
ADDRESS = re.compile(r"://|file:|--index|--extra-index|--find-links|--trusted-host|^-[ief]\b", re.M)

# A .pth file can run code at each start of Python, before anything else: each one is known by name
# and by what it may say. https://docs.python.org/3/library/site.html
PTH_ALLOWED = {
    "distutils-precedence.pth": re.compile(
        r"import os; var = 'SETUPTOOLS_USE_DISTUTILS'; .*_distutils_hack'\)\.add_shim\(\);"
    ),
    "_virtualenv.pth": re.compile(r"import _virtualenv"),
    "_editable_impl_headgate.pth": re.compile(r"(?!import\s)[^\n]+src"),
}
SECRET = re.compile(
    r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bAIza[A-Za-z0-9_-]{35}\b|\bxox[abp]-[0-9A-Za-z-]{20,}|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)


def pins(lock: str) -> dict[str, str]:
    """Return the versions a lock pins, by package."""
    found = (PIN.match(line) for line in lock_text(lock).splitlines())
    return {match[1]: match[2] for match in found if match}


def lock_text(lock: str) -> str:
    """Return the text of requirements/<lock>.txt."""
    return (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")


def direct_requirements(*extras: str) -> list[Requirement]:
    """Return what pyproject.toml asks for, with these extras, except the project itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [one for one in map(Requirement, lines) if one.name != "headgate"]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_place(lock: str) -> None:
    """A lock says what to install and by which hash; where from is the installer's own affair."""
    assert not ADDRESS.findall(lock_text(lock))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_hashed(lock: str) -> None:
    """Each entry is one exact version with at least one SHA-256, so nothing else goes in."""
    entries = re.split(r"^(?=[^\s#])", lock_text(lock), flags=re.M)[1:]

    assert entries
    for entry in entries:
        assert PIN.match(entry), entry.splitlines()[0]
        assert HASH.search(entry), entry.splitlines()[0]


def test_what_is_served_is_what_was_tested() -> None:
    """Every version in the smaller locks is the one in the development lock."""
    assert pins("runtime").items() <= pins("run").items() <= pins("dev").items()


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("runtime", ()),
        ("run", ("demo", "install")),
        ("dev", ("demo", "desk", "install", "learn", "service-account", "dev")),
    ],
)
def test_the_locks_answer_pyproject(lock: str, extras: tuple[str, ...]) -> None:
    """Each direct dependency is locked at a version that pyproject.toml accepts."""
    locked = pins(lock)

    for wanted in direct_requirements(*extras):
        name = canonicalize_name(wanted.name)
        assert name in locked, f"{name} is not in {lock}.txt: run make lock"
        assert locked[name] in wanted.specifier, f"{name} {locked[name]}: run make lock"


def test_every_dependency_has_earned_its_place() -> None:
    """Each direct dependency is argued for in decision 0002."""
    decision = (ROOT / "docs/decisions/0002-dependencies.md").read_text(encoding="utf-8").lower()

    wanted = direct_requirements("demo", "desk", "install", "learn", "service-account", "dev")
    missing = [one.name for one in wanted if one.name not in decision]
    assert not missing, missing


def test_nothing_unexpected_runs_when_python_starts() -> None:
    """The environment holds only `.pth` files that we know, and they say what they always say."""
    if sys.prefix == sys.base_prefix:
        pytest.skip("not in an environment of its own: `make setup` makes one")
    folders = [
        folder for folder in site.getsitepackages() if Path(folder).is_relative_to(sys.prefix)
    ]

    assert folders
    for path in (path for folder in folders for path in Path(folder).glob("*.pth")):
        assert path.name in PTH_ALLOWED, f"{path} is not known to us: do not use this environment"
        text = path.read_text(encoding="utf-8").strip()
        assert PTH_ALLOWED[path.name].fullmatch(text), f"{path} says something new: {text[:200]}"


def test_no_secret_lies_in_the_repository() -> None:
    """No file holds what looks like a provider's key or a private key; tests make their own."""
    found = [
        f"{path.relative_to(ROOT)}: {match.group()[:12]}…"
        for path, text in repository.text_files()
        for match in SECRET.finditer(text)
    ]

    assert not found, found
