"""The demonstration from end to end: what it comes to, and how it ends."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import typer

from headgate.cli.demo import parse_duration
from headgate.cli.demonstration.commands import program
from headgate.cli.demonstration.ports import free_port, is_free

DEMO = [sys.executable, "-m", "headgate.cli.main", "demo"]
FREE_PORTS = ["--port", "0", "--console-port", "0"]
END_TIMEOUT_S = 60
INTERRUPTED = 130
PACE_USD_PER_S_MAX = 5_000 / 86_400
"""At a faster one the organisation's budget would not last for a day."""


def result_of(seconds: int, environment: dict[str, str]) -> dict[str, Any]:
    """Run the demonstration for so long and return what it printed."""
    done = subprocess.run(
        [*DEMO, "--for", f"{seconds}s", "--json", *FREE_PORTS],
        env=environment,
        capture_output=True,
        text=True,
        timeout=seconds + END_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def check(result: dict[str, Any]) -> None:
    """Check what has to hold however long it ran."""
    assert result["spend_usd"] == result["upstream_billed_usd"]
    assert 0 < float(result["spend_usd"]) < PACE_USD_PER_S_MAX * result["seconds"]
    assert result["held_usd_after"] == "0.000000000"
    assert result["journal_replayed_equal"] is True
    assert result["budgets_over_limit"] == 0
    assert result["refused"] > 0
    assert result["cache_share"] > 0.3
    assert float(result["estimated_billed_usd"]) <= float(result["estimated_usd"])


def test_six_seconds_come_out_even(environment: dict[str, str]) -> None:
    """Books and bill agree to the last digit, nothing stays held, somebody was refused."""
    result = result_of(6, environment)

    check(result)
    assert result["calls"] >= 40
    assert result["probe_pairs"] >= 20
    assert result["added_ttft_ms_p50"] < 20


@pytest.mark.slow
def test_twenty_seconds_come_out_even(environment: dict[str, str]) -> None:
    """The same for longer, with calls that broke off and were estimated."""
    result = result_of(20, environment)

    check(result)
    assert result["calls"] >= 200
    assert result["estimated_calls"] > 0
    assert result["probe_pairs"] >= 60


@contextmanager
def running(
    options: list[str], environment: dict[str, str], introduction: list[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Start a demonstration, note what it says of itself, and yield it once there is traffic."""
    said = [] if introduction is None else introduction
    process = subprocess.Popen(
        [*DEMO, *FREE_PORTS, *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        while "refused" not in (line := process.stdout.readline()):
            said.append(line)
            assert process.poll() is None, "it ended before there was traffic"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def test_the_printed_lines_work_and_ctrl_c_ends_it_with_a_summary(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Pasted into a shell, they name the node; the commands that read its books then answer.

    The first Ctrl-C stops the traffic, checks the books, and keeps a folder that was named.
    """
    data_dir = tmp_path / "with a space"
    introduction: list[str] = []
    with running(["--data-dir", str(data_dir)], environment, introduction) as process:
        place = next(i for i, line in enumerate(introduction) if "HEADGATE_CONFIG" in line)
        settings, budgets = introduction[place].strip(), introduction[place + 1].strip()
        for command in ("budgets", "calls", "check-books"):
            line = f"{settings}\n{budgets.removesuffix('budgets')}{command}"
            done = subprocess.run(
                ["sh", "-c", line], env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=END_TIMEOUT_S)

    assert process.returncode == 0
    assert "equal to the providers' bill" in printed
    assert "the journals, replayed, agree" in printed
    assert (data_dir / "headgate.db").exists()


def test_commands_are_started_as_the_demonstration_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its path from here when it lies here, by its name alone when the shell finds it."""
    found = tmp_path / "bin" / "headgate"
    found.parent.mkdir()
    found.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")

    assert program("bin/headgate") == "bin/headgate"
    assert program(str(found)) == "bin/headgate"
    monkeypatch.setenv("PATH", str(found.parent))
    assert program(str(found)) == "headgate"


def test_a_second_signal_ends_it_at_once(environment: dict[str, str]) -> None:
    """Who cannot wait need not; the books are left unchecked, and that is said."""
    with running([], environment) as process:
        # Two kinds, as two signals of one kind may arrive as one.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=END_TIMEOUT_S)

    assert process.returncode == INTERRUPTED
    assert "the books were not checked" in printed


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="waits for a process as Linux can")
def test_nothing_outlives_a_demonstration_that_is_killed(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The node sees the end of its input, and ends."""
    with running(["--data-dir", str(tmp_path)], environment) as process:
        supervisor = int((tmp_path / "run" / "supervisor.pid").read_text())
        watched = os.pidfd_open(supervisor)
        process.kill()
        ended, _, _ = select.select([watched], [], [], END_TIMEOUT_S)
        os.close(watched)

    assert ended


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(environment: dict[str, str]) -> None:
    """It says which port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*DEMO, "--port", str(port)], env=environment, capture_output=True, text=True
        )

    assert done.returncode == 2
    assert f"Port {port} is taken" in done.stderr


def test_a_port_is_taken_while_somebody_listens() -> None:
    """Even when that somebody shares the port, as workers do."""
    port = free_port()
    assert is_free(port)
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen()
        assert not is_free(port)


@pytest.mark.parametrize(("text", "seconds"), [("20s", 20), ("20", 20), ("2m", 120), ("1h", 3600)])
def test_a_length_of_time_is_read(text: str, seconds: int) -> None:
    """Seconds, minutes or hours."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1s", "1.5s", "20 s", "9999999", "1d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    """It ends the command with the exit code of a wrong command line."""
    with pytest.raises(typer.Exit) as refused:
        parse_duration(text)

    assert refused.value.exit_code == 2
