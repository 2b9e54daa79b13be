"""What the supervisor keeps of its processes, and what does not end it."""

import logging
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.gateway.listener.kept import KeptCertificate
from headgate.node.child import Child
from headgate.node.hashing import VARIABLE
from headgate.node.outcome import last
from headgate.node.paths import in_force_path, outcome_path, read_pid, retiring_path, write_pid
from headgate.node.reloading import Crew, reload
from headgate.node.supervisor import STOP_TIMEOUT_S, _Signals, serve
from headgate.units.errors import StoreError
from tests.node.harness import write_config

PID = 4711


@dataclass
class Process:
    """A process that ends between two looks."""

    looks: list[int | None] = field(default_factory=lambda: [None, 0, 0])
    pid: int = PID

    def poll(self) -> int | None:
        """Return whether it has ended, once more."""
        return self.looks.pop(0)


def crew_of(folder: Path, snapshot: Snapshot) -> Crew:
    """Return a crew of nobody."""
    crew = Crew(
        config=folder / "headgate.toml",
        data_dir=folder,
        snapshot=snapshot,
        copy=folder / "in-force-0.toml",
        gateway_fds=(),
        gateway_url="",
        console_url="",
        console_port=0,
        kept=KeptCertificate(None),
    )
    crew.steward.due_s = float("inf")  # and nobody is started
    return crew


def config_in(folder: Path, listen: str = "127.0.0.1:0") -> Path:
    """Return the file of a configuration that calls nobody."""
    file = folder / "headgate.toml"
    nobody = "http://127.0.0.1:9"
    write_config(file, openai_url=nobody, anthropic_url=nobody, gemini_url=nobody)
    file.write_text(file.read_text().replace("127.0.0.1:0", listen, 1))
    return file


def test_a_worker_that_ends_while_it_is_looked_at_leaves_no_file(tmp_path: Path) -> None:
    """It is forgotten when it is seen to be gone, and its file with it."""
    crew = crew_of(tmp_path, cast(Snapshot, None))  # nothing here asks for it
    crew.retiring = [Child("worker-0", (), process=Process())]  # type: ignore[arg-type]  # stands for one
    told = retiring_path(tmp_path, PID)
    told.touch()

    crew.keep()
    assert told.exists()
    crew.keep()
    assert not told.exists()
    assert crew.retiring == []


def test_a_process_that_cannot_be_started_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A system that has no room for one more now is no end of those that run."""
    child = Child("worker-0", ("/no/such/program",))

    with caplog.at_level(logging.WARNING):
        child.keep(1, lambda _child: True)
        child.keep(1, lambda _child: True)
    assert not child.lives
    (said,) = caplog.messages
    assert said.startswith("worker-0 cannot be started")

    child.command, child.due_s = (sys.executable, "-c", "pass"), 0.0
    child.keep(1, lambda _child: True)
    assert child.process is not None
    assert child.process.wait(30) == 0


@pytest.mark.parametrize(("served", "pauses_s"), [(False, [0.1, 0.2, 0.4]), (True, [0.05] * 3)])
def test_a_process_that_never_served_is_started_more_and_more_slowly(
    *, served: bool, pauses_s: list[float]
) -> None:
    """However long its start took; one that did serve is started again at once."""
    child, found = Child("worker-0", ("unused",)), []
    for _ in pauses_s:
        child.process = cast("Any", Process([1]))
        child.started_s = time.monotonic() - 30
        child.keep(1, lambda _child: served)
        found.append(child.pause_s)

    assert found == pauses_s


def test_a_copy_that_cannot_be_kept_is_a_problem_of_the_reload(tmp_path: Path) -> None:
    """The node goes on by the configuration before it."""
    crew = crew_of(tmp_path, load(config_in(tmp_path), {}))
    in_force_path(tmp_path, 1).mkdir()

    assert list(reload(crew)) == []

    outcome = last(tmp_path)
    assert outcome is not None
    (problem,) = outcome.problems
    assert problem.problem.startswith("No copy of it can be kept")
    assert crew.copy == tmp_path / "in-force-0.toml"


def test_a_reload_that_fails_is_told_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever asked by a signal reads every problem there, each with its fix."""
    crew = crew_of(tmp_path, load(config_in(tmp_path), {}))
    text = crew.config.read_text()
    crew.config.write_text(text.replace("[keys.", "[kays.") + "[nonsense]\n")

    with caplog.at_level(logging.WARNING):
        assert list(reload(crew)) == []

    outcome = last(tmp_path)
    assert outcome is not None
    assert len(outcome.problems) > 1
    *problems, end = caplog.messages
    assert problems == [str(problem) for problem in outcome.problems]
    assert "the configuration before it stays in force" in end


def test_an_outcome_that_cannot_be_told_is_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """On a full disk neither the copy is kept nor anybody told; calls go on."""
    crew = crew_of(tmp_path, load(config_in(tmp_path), {}))
    in_force_path(tmp_path, 1).mkdir()
    outcome_path(tmp_path).with_suffix(".new").mkdir()

    with caplog.at_level(logging.WARNING):
        assert list(reload(crew)) == []

    assert "nobody can be told" in caplog.text


def test_whoever_reads_an_id_has_all_of_one(tmp_path: Path) -> None:
    """The last one or the new one, never a file that is just being written."""
    write_pid(tmp_path, "steward")
    with (tmp_path / "run" / "steward.pid").open() as opened:
        write_pid(tmp_path, "steward")
        assert opened.read() == f"{os.getpid()}\n"
        assert os.fstat(opened.fileno()).st_nlink == 0


def test_a_node_forgets_at_once_whose_ids_the_last_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be anybody's by now, and whoever finds one may signal it."""
    monkeypatch.setenv(VARIABLE, "7")  # as it is for the processes of a node
    write_pid(tmp_path, "supervisor")
    write_pid(tmp_path, "worker-0")

    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = config_in(tmp_path, f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(StoreError):
            serve(config, tmp_path)

    assert read_pid(tmp_path, "supervisor") is None
    assert read_pid(tmp_path, "worker-0") is None


FILES = 1_200
"""Beyond the 1,024 that `select` knows of."""


@contextmanager
def many_files() -> Iterator[None]:
    """Have so many files open, as somebody who starts us may leave them to us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * FILES if soft == resource.RLIM_INFINITY else max(soft, 2 * FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    opened = [os.open(os.devnull, os.O_RDONLY) for _ in range(FILES)]
    try:
        yield
    finally:
        for each in opened:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_is_told_of_the_end_of_a_child_however_many_files_are_open() -> None:
    """At once, and not when it would have looked by itself."""
    with many_files(), _Signals() as signals:
        begun_s = time.monotonic()
        with subprocess.Popen([sys.executable, "-c", ""]):
            signals.wait(STOP_TIMEOUT_S)
        assert time.monotonic() - begun_s < STOP_TIMEOUT_S / 2
