"""`headgate simulate`: the simulated providers as a program."""

import json
import signal
import subprocess
import sys
import urllib.request

SIMULATE = [sys.executable, "-m", "headgate.cli.main", "simulate"]
TIMEOUT_S = 30


def test_it_prints_its_addresses_and_ends_on_ctrl_c(environment: dict[str, str]) -> None:
    """The addresses come as one line once they answer; Ctrl-C leaves no traceback."""
    process = subprocess.Popen(
        [
            *SIMULATE,
            "--openai-port",
            "0",
            "--anthropic-port",
            "0",
            "--gemini-port",
            "0",
            "--azure-port",
            "0",
            "--json",
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    addresses = json.loads(process.stdout.readline())
    with urllib.request.urlopen(f"{addresses['admin']}/bill", timeout=TIMEOUT_S) as reply:
        assert json.load(reply)["count"] == 0
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=TIMEOUT_S)

    assert process.returncode == 0
    assert complaints == ""


def test_its_help_is_the_simulators_own(environment: dict[str, str]) -> None:
    """Options are those of the program itself, so that none is described twice."""
    done = subprocess.run(
        [*SIMULATE, "--help"], env=environment, capture_output=True, text=True, timeout=TIMEOUT_S
    )

    assert done.returncode == 0
    for option in ("--openai-port", "--seed", "--ttft-ms", "--tls-cert", "--bill-log"):
        assert option in done.stdout
