"""What is made of a run beside other gateways, and how these are set up and asked."""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

from bench import processes, report, rounds, tools
from bench.configuration import MODELS
from bench.gateways import Asked, Gateway, accepts
from bench.peers import install, litellm, portkey, side_by_side, table, tensorzero
from bench.peers.__main__ import PEERS, arguments_of
from bench.peers.side_by_side import Beside, Books, Compared, FirstByte, Readings, Weight
from bench.report import PAGE
from bench.rounds import Cost, Load, Sent

PLAIN = Load("plain", connections=8)


def gateway(asked: Asked) -> Gateway:
    """Return a gateway whose process has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return Gateway("some", 9221, process, asked=asked)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sent(p50: int, p99: int) -> Sent:
    """Return a report of ten streams."""
    return Sent(10, 270, 0, 0, 1.0, 500_000, 600_000, p50, p99)


def test_ratios_are_medians_of_rounds_to_their_own_base() -> None:
    """Headgate is held against nginx, the peer against Headgate, each within its round."""
    readings = [
        (Cost(10, None, 1), Cost(30, 20, 1), Cost(300, None, 5)),
        (Cost(20, None, 1), Cost(40, 30, 1), Cost(800, None, 7)),
        (Cost(40, None, 1), Cost(100, 80, 1), Cost(100, None, 6)),
    ]

    found = side_by_side.compared("Other", PLAIN, readings)

    assert (found.nginx_us, found.headgate_us, found.peer_us) == (20, 40, 300)
    assert (found.headgate_ratio, found.peer_ratio, found.peer_per_s) == (2.5, 10, 6)
    assert (
        "| Other: calls over 8 connections | 20.0 | 40.0 | 300.0 | 2.50 | 10.0 | 6 calls/s |"
        in table.costs([found])
    )


def test_a_peer_that_answers_wrongly_has_no_figure_and_that_is_told() -> None:
    """Nothing is concluded from it, and it stands in the table as such."""
    found = side_by_side.compared("Other", PLAIN, [])

    text = table.costs([found], ["Other, plain: 3 bad answers of 9"])
    assert text.endswith("| see below | | | | | |\n\n- Other, plain: 3 bad answers of 9")
    assert table.verdict([found]) == "Nothing was measured."


def test_it_is_said_whom_headgate_is_not_cheaper_than() -> None:
    """Equal is not cheaper."""
    dearer = Compared("Slow", PLAIN, peer_ratio=1.01, good=True)
    equal = Compared("Quick", PLAIN, peer_ratio=1.0, good=True)

    assert "than every peer" in table.verdict([dearer])
    assert table.verdict([dearer, equal]).endswith("time** than: Quick, plain (1.00).")


def test_it_is_said_when_others_used_the_machine() -> None:
    """A quiet one is not mentioned."""
    assert table.disturbance(0.4) is None
    assert "Others were using the machine" in (table.disturbance(18.0) or "")


def test_it_is_said_in_what_peers_are_better() -> None:
    """Memory and the first byte, each by the name of who is."""
    own, light = Weight("Headgate", 100, 10, 9), Weight("Light", 50, 20, 9)
    slow = FirstByte("Light", 4, (1, 1), (2, 2), (3, 3), (4, 2))
    nginx = Weight("nginx", 1, 1, 9)

    assert table.better("Headgate", [slow], [nginx, own, light]) == (
        "Better than Headgate in something else: less memory at rest: Light;"
        " a sooner first byte (99th percentile): Light."
    )
    assert table.better("Headgate", [], [nginx, own]).startswith("In nothing else")


def test_the_first_byte_is_what_a_gateway_adds_to_the_upstream() -> None:
    """The upstream's own time is taken in the same round, at the same pace, and subtracted."""
    columns = [sent(100, 300), sent(150, 400), sent(400, 1_300), sent(5_100, 9_300)]

    found = side_by_side.first_byte("Other", 4, [columns])

    assert found == FirstByte("Other", 4, (100, 300), (150, 400), (400, 1_300), (5_100, 9_300))
    assert (
        "| Other, 4/s | 0.10, 0.30 | 0.05, 0.10 | 0.30, 1.00 | 5.00, 9.00 |"
        in table.first_bytes([found])
    )


def test_books_are_held_against_what_the_answers_cost() -> None:
    """A call costs 21 and 107 tokens, a stream 21 and 25, at 1 and 2 dollars a million."""
    cost = table.cost_nanos(calls=10, streams=2)

    assert cost == 10 * 235_000 + 2 * 71_000
    found = [
        Books("Right", 10, 2, cost, cost),
        Books("Forgetful", 10, 2, cost, cost - 71_000),
        Books("Careless", 10, 2, cost, None),
    ]
    lines = table.books(found).splitlines()[2:]
    assert lines[0] == "| Right | 10 | 2 | $0.002492000 | $0.002492000 | none |"
    assert lines[1].endswith("| $0.002421000 | $0.000071000 missing |")
    assert lines[2].endswith("| $0.002492000 | keeps none |  |")


def test_books_are_read_when_they_no_longer_move() -> None:
    """Who writes behind the calls is asked until it says the same for a while."""
    said = iter([1, 5, 7, *[9] * 100])

    assert side_by_side.settled(lambda: next(said), quiet_s=0.02, look_s=0.005) == 9
    assert side_by_side.settled(lambda: None) is None


def test_what_answers_say_of_their_cost_is_read_and_judged() -> None:
    """Of a stream it is the last event that counts."""
    events = (
        b'data: {"usage":{"tensorzero_cost":9}}\n\ndata: {"usage":{"tensorzero_cost":7.1e-5}}\n\n'
    )

    assert tensorzero.TensorZero().told_nanos(events) == 71_000
    assert table.told("Other", 235_000, 71_000).endswith(
        "say $0.000235000 for a call and $0.000071000 for a stream, which is right."
    )
    assert "wrong: they cost $0.000235000 and" in table.told("Other", 235_000, 0)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not there")
def test_a_round_puts_every_load_to_all_and_tells_who_does_not_get_through() -> None:
    """The upstream stands for all gateways, and who has ended for a peer that dies."""
    tools.compile_programs()
    port = free_port()
    with subprocess.Popen([str(tools.BUILD / "upstream"), str(port)]) as process:
        while not accepts(port):
            assert process.poll() is None
        nginx, headgate, alive, alone = (
            Gateway(name, port, process, pids=(process.pid,))
            for name in ("nginx", "headgate", "peer", "alone")
        )
        strain = portkey.Portkey.strain
        good = Readings(Beside(portkey.Portkey(), alive, nginx, headgate, alone))
        dead = Readings(Beside(portkey.Portkey(), gateway(Asked()), nginx, headgate, alone))

        for readings in (good, dead):
            readings.add_round(0.1)
        process.terminate()

    assert [each.good for each in good.compared()] == [True, True]
    assert all(each.peer_us > 0 and each.peer_per_s > 0 for each in good.compared())
    assert good.first_byte()[0].running[0] > 0
    assert alive.calls > 0
    assert alive.streams == strain.streams + 1
    assert not good.failures()
    assert [each.good for each in dead.compared()] == [False, False]
    assert (len(dead.failures()), dead.first_byte()) == (3, [])


def test_memory_is_told_by_gateway() -> None:
    """Megabytes at rest, kilobytes a stream."""
    assert "| Other | 358 MB | 17.1 KB | 50 |" in table.weights([Weight("Other", 358.2, 17.06, 50)])


def test_a_peer_is_asked_in_its_own_way() -> None:
    """The load generator is told a path, a model's name and headers; the others have the usual."""
    asked = Asked("/other/chat", "its::", "x-one: 1\r\nx-two: 2")

    command = rounds.load_command(gateway(asked), PLAIN, 2)

    assert command[1:] == ["9221", "8", "2", "0", "its::m", "sk-bench", "plain", *command[8:]]
    assert command[8:] == ["/other/chat", "x-one: 1\r\nx-two: 2", "600"]
    assert rounds.load_command(gateway(Asked()), PLAIN, 2)[5:] == [
        "m",
        "sk-bench",
        "plain",
        "/v1/chat/completions",
        "",
        "600",
    ]


def test_what_was_answered_well_is_counted() -> None:
    """The books are held against it, so bad answers stay out."""
    some = gateway(Asked())

    rounds.count(some, PLAIN, sent(1, 1)._replace(calls=9, bad=2))
    rounds.count(some, Load("s", 1, streamed=True), sent(1, 1))

    assert (some.calls, some.streams) == (7, 10)


def test_processor_time_counts_what_hundredths_of_a_second_would_miss() -> None:
    """A slow load uses a few milliseconds in all."""
    before_s = processes.cpu_s([os.getpid()])
    until_ns = time.process_time_ns() + 2_000_000
    while time.process_time_ns() < until_ns:
        pass

    assert 0.002 <= processes.cpu_s([os.getpid()]) - before_s < 1


@pytest.mark.parametrize("model", MODELS)
def test_peers_serve_every_model_at_the_same_prices(model: str) -> None:
    """Both that price a call are told what Headgate is told."""
    served = tomllib.loads(tensorzero.configuration())["models"][model]["providers"]["upstream"]

    assert served["model_name"] == model
    assert [each["cost_per_million"] for each in served["cost"]] == [1.0, 2.0]
    text = litellm.configuration()
    assert re.search(rf"model: openai/{model}\n.*\n.*\n +input_cost_per_token: 0.000001\n", text)
    assert text.count("output_cost_per_token: 0.000002\n") == len(MODELS)


def test_what_peers_say_is_read() -> None:
    """Spend without the error of binary fractions, and the port that a gateway has chosen."""
    said = {"providers": {"openai": {"spend": 0.000306, "budget_limit": 90_000_000}}}

    assert litellm.spent(json.dumps(said).encode()) == 306_000
    assert tensorzero.port_of("http://127.0.0.1:41234/openai/v1/") == 41_234


def test_versions_are_those_of_the_locks() -> None:
    """What is installed is pinned and hashed, and what is reported is what is pinned."""
    for peer in PEERS:
        assert re.fullmatch(r"\d+\.\d+\.\d+", peer().version)
    entries = re.split(r"^(?=[^\s#])", tensorzero.LOCK.read_text(), flags=re.M)[1:]
    assert all("--hash=sha256:" in entry and "==" in entry for entry in entries)
    packages = json.loads(portkey.LOCK.read_text())["packages"]
    assert all("integrity" in each for name, each in packages.items() if name)
    assert not any("://" in each.get("resolved", "") for each in packages.values())


def test_what_is_installed_is_not_installed_again(tmp_path: Path) -> None:
    """Until its lock changes: what was installed to the end is a copy of the lock beside it."""
    lock, folder = tmp_path / "lock", tmp_path / "place"
    folder.mkdir()
    lock.write_text("one==1")
    assert not install.is_installed(folder, lock)

    install.mark(folder, lock)

    assert install.is_installed(folder, lock)
    lock.write_text("one==2")
    assert not install.is_installed(folder, lock)


def test_all_peers_take_part_unless_some_are_named() -> None:
    """The names are theirs in small letters."""
    assert arguments_of([]).only is None
    assert arguments_of(["--only", "portkey"]).only == ["portkey"]


def test_the_page_has_the_marks(tmp_path: Path) -> None:
    """The section can be recorded into, and what `make bench` records stays."""
    text = PAGE.read_text(encoding="utf-8")
    page = tmp_path / "performance.md"
    page.write_text(text, encoding="utf-8")

    report.record("beside", page, table.BEGIN, table.END)

    assert f"{table.BEGIN}\n\nbeside\n\n{table.END}" in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").split(report.END)[0] == text.split(report.END)[0]
