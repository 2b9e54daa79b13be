"""The desk's pages: what a form may ask, and that a page is what the command prints."""

import asyncio
import os
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.console.reports import KINDS, Kind, job_of, kind_of
from headgate.console.workbench import Job, ReportError, Workbench
from headgate.economics.load import load_inputs
from headgate.economics.shocks.shock import shocks_of
from headgate.units.instants import NANOS_PER_SECOND
from tests.console.books import NOW_NS, Books

DAY_NS = 86_400 * NANOS_PER_SECOND
COMMAND = (sys.executable, "-m", "headgate.cli.main")


@settings(max_examples=30)
@given(st.sampled_from(KINDS), st.data())
def test_no_value_is_ever_an_option(kind: Kind, data: st.DataObject) -> None:
    """Whatever a form is filled with, each word of the command names an option the form has."""
    names = [field.name for field in kind.fields]
    keys = st.sampled_from([*names, "config", "html"])

    try:
        job = job_of(kind, data.draw(st.dictionaries(keys, st.text(max_size=30))))
    except ReportError:
        return

    own = {choice for field in kind.fields for choice in field.choices}
    for word in job.options:
        name, equals, _value = word.partition("=")
        assert word in own or (equals and name.removeprefix("--") in names)
    assert set(job.inputs) <= set(names)


def test_a_form_without_a_question_says_what_is_missing() -> None:
    """What-if asks for something that would have been different."""
    kind = kind_of("whatif")
    assert kind is not None

    with pytest.raises(ReportError, match="Models instead, Routed by, Plans instead, Prices of"):
        job_of(kind, {"source": "--imported"})

    asked = {"policy": "cheapest", "plan": "ann=claude-pro, bob=claude-pro", "beyond": "refused"}
    assert job_of(kind, asked).options == (
        "--policy=cheapest",
        "--plan=ann=claude-pro",
        "--plan=bob=claude-pro",
        "--beyond=refused",
    )
    with pytest.raises(ReportError, match="Routed by: choose"):
        job_of(kind, {"policy": "/etc/passwd"})


def test_every_shock_can_be_replayed_once_it_is_chosen() -> None:
    """A visit alone starts no gateway; what is chosen is one of the command's shocks."""
    kind = kind_of("stress-replay")
    assert kind is not None
    shocks = next(field for field in kind.fields if field.name == "shock").choices

    job = job_of(kind, {"source": "--imported", "shock": "outage", "among": "gpt-5.5"})

    assert job.command == "stress replay"
    assert job.options == ("--imported", "--shock=outage", "--among=gpt-5.5", "--calls=60")
    assert set(shocks) == {"", *shocks_of(load_inputs("stress"))}
    with pytest.raises(ReportError, match="Shock"):
        job_of(kind, {})


@pytest.mark.slow
def test_a_page_replays_what_was_imported(books: Books, tmp_path: Path) -> None:
    """The console's own process runs the command, which runs gateways of its own."""
    rows = "".join(f"{n},2026-11-01T00:{n:02}:00Z,gpt-5.5,900,90\n" for n in range(24))
    (tmp_path / "u.csv").write_text(f"id,at,model,input,output\n{rows}")
    imported = [*COMMAND, "import", str(tmp_path / "u.csv"), "--data-dir", str(tmp_path)]
    subprocess.run(imported, capture_output=True, check=True, timeout=60)
    client = books.client(workbench=Workbench(tmp_path / "headgate.toml", tmp_path))

    page = client.get("/desk?report=stress-replay&source=--imported&shock=outage")

    assert "outage loses most calls (100.0 %)" in page.text
    assert "<code>headgate stress replay</code>" in page.text


def test_a_page_shows_what_the_command_prints(books: Books, tmp_path: Path) -> None:
    """The export of a page is the command's JSON to the byte, and its answer is on the page."""
    client = books.client(workbench=Workbench(tmp_path / "headgate.toml", tmp_path))
    printed = subprocess.run(
        [*COMMAND, "vendor", "--json"], capture_output=True, check=True, timeout=60
    )

    exported = client.get("/desk.json?report=vendor")
    page = client.get("/desk?report=vendor")

    assert exported.content == printed.stdout
    assert exported.json()["answer"][0] in unescape(page.text)
    assert "<svg" in page.text
    assert 'placeholder="10.9"' in page.text


def test_impossible_inputs_are_told_with_their_range(books: Books, tmp_path: Path) -> None:
    """An input outside its range makes no report; the page says which values are possible."""
    client = books.client(workbench=Workbench(tmp_path / "headgate.toml", tmp_path))

    page = client.get("/desk?report=vendor&compute_ratio=11")

    assert page.status_code == 200
    assert "Write a value of 0 to 10." in page.text
    assert client.get("/desk?report=nonsense").status_code == 404


def test_a_report_is_computed_once_while_nothing_changes(tmp_path: Path) -> None:
    """The second reader gets the first one's report; more imported usage makes a new one."""
    runs = tmp_path / "runs"
    counting = f"open({str(runs)!r}, 'a').write('x'); print('[]')"
    bench = Workbench(tmp_path / "none.toml", tmp_path, (sys.executable, "-c", counting))
    job = Job("plans", (), {}, reads_configuration=False, reads_data=True)

    async def ask() -> list[bytes]:
        same = await asyncio.gather(bench.make(job, NOW_NS), bench.make(job, NOW_NS))
        (tmp_path / "usage.db").write_bytes(b"more")
        return [*same, await bench.make(job, NOW_NS), await bench.make(job, NOW_NS + DAY_NS)]

    assert asyncio.run(ask()) == [b"[]\n"] * 4
    assert runs.read_text() == "xxx"


def test_who_stops_waiting_ends_the_command(tmp_path: Path) -> None:
    """A node that stops does not wait for a report; no process is left behind, and no file."""
    started, ended = tmp_path / "started", tmp_path / "ended"
    os.mkfifo(started)
    os.mkfifo(ended)
    waiting = (
        f"import os, signal, tempfile; os.open({str(ended)!r}, os.O_RDWR);"
        f"open({str(started)!r}, 'w').write(tempfile.mkdtemp()); signal.pause()"
    )
    bench = Workbench(tmp_path / "none.toml", tmp_path, (sys.executable, "-c", waiting))
    job = Job("plans", (), {}, reads_configuration=False, reads_data=True)

    async def ask() -> Path:
        asked = asyncio.create_task(bench.make(job, NOW_NS))
        folder = Path(await asyncio.to_thread(started.read_text))
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return folder

    folder = asyncio.run(ask())

    assert folder.parent.name.startswith("headgate-desk-")
    assert not folder.parent.exists()

    # Whoever writes to a pipe that nobody reads any more is told so.
    with pytest.raises(OSError, match="No such device or address"):
        os.open(ended, os.O_WRONLY | os.O_NONBLOCK)


def test_a_long_report_is_in_nobody_s_way(tmp_path: Path) -> None:
    """While a replay runs, other reports are made."""
    started = tmp_path / "started"
    os.mkfifo(started)
    replaying = (
        "import signal, sys\nif sys.argv[1] == 'plans': print('[]'); sys.exit()\n"
        f"open({str(started)!r}, 'w').close(); signal.pause()"
    )
    bench = Workbench(tmp_path / "none.toml", tmp_path, (sys.executable, "-c", replaying))
    job = Job("plans", (), {}, reads_configuration=False, reads_data=True)

    async def ask() -> bytes:
        long = job._replace(command="stress replay", seconds_max=240)
        replay = asyncio.create_task(bench.make(long, NOW_NS))
        await asyncio.to_thread(started.read_text)
        report = await bench.make(job, NOW_NS)
        assert not replay.done()
        replay.cancel()
        await asyncio.wait([replay])
        return report

    assert asyncio.run(ask()) == b"[]\n"


def test_pages_of_other_sites_start_nothing_long(books: Books, tmp_path: Path) -> None:
    """An image or a link elsewhere starts no gateway; what is quick it may ask for."""
    runs = tmp_path / "runs"
    counting = f"open({str(runs)!r}, 'a').write('x'); print('[]')"
    bench = Workbench(tmp_path / "none.toml", tmp_path, (sys.executable, "-c", counting))
    client = books.client(workbench=bench)
    replay = "report=stress-replay&source=--imported&shock=outage"

    for site in ("cross-site", "same-site"):
        for path in ("/desk", "/desk.json"):
            asked = client.get(f"{path}?{replay}", headers={"sec-fetch-site": site})
            assert asked.status_code == 403
    assert not runs.exists()
    for headers in ({"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}, {}):
        assert client.get(f"/desk.json?{replay}", headers=headers).content == b"[]\n"
    quick = client.get("/desk.json?report=claims", headers={"sec-fetch-site": "cross-site"})
    assert quick.status_code == 200


def test_a_refusal_is_told_and_not_kept(tmp_path: Path) -> None:
    """What a command complains of is told each time anew, never as a report."""
    failing = "import sys; sys.exit('No usage.')"
    bench = Workbench(tmp_path / "none.toml", tmp_path, (sys.executable, "-c", failing))
    job = Job("plans", (), {}, reads_configuration=False, reads_data=True)

    for _ in range(2):
        with pytest.raises(ReportError, match=r"^No usage\.$"):
            asyncio.run(bench.make(job, NOW_NS))
