"""What the steward keeps of what workers learn, and by what key they hash."""

import asyncio
import logging
from pathlib import Path
from threading import Thread

import pytest

from headgate.experience.rows import CountRow, Experience, LatestRow
from headgate.identity.keys import keep_pepper
from headgate.node.hashing import VARIABLE, share_hashes
from headgate.node.remembering import Remembering, experience_path
from headgate.node.unpacking import Unpacker

NEWS = Experience(
    hashes=7,
    counts=(CountRow(("held", "a", "x", "m"), 1_024, {43: 5}),),
    latest=(LatestRow(("session", "alice", "1"), 3, ("x",)),),
)


def told(data_dir: Path) -> list[object]:
    """Return what a worker is told that meets a new steward."""
    return list(Unpacker().feed(Remembering(data_dir, {}).greeting()))


def test_a_new_steward_tells_what_the_last_one_kept(tmp_path: Path) -> None:
    """All of it, as a whole that is not added to what is known; before anything was, nothing."""
    assert told(tmp_path) == []
    steward = Remembering(tmp_path, {})
    steward.hear("worker-0", NEWS)

    steward.keep()

    assert told(tmp_path) == [Experience(7, True, NEWS.counts, (), NEWS.latest)]


def test_a_damaged_file_is_set_aside_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The next steward knows nothing, and the file can be looked at."""
    steward = Remembering(tmp_path, {})
    steward.hear("worker-0", NEWS)
    steward.keep()
    path = experience_path(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"held", b"\xff\xfe\xfd!"))

    with caplog.at_level(logging.WARNING):
        assert told(tmp_path) == []

    assert not path.exists()
    assert "is set aside" in caplog.text


def test_a_disk_that_takes_nothing_is_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, and the steward goes on."""
    steward = Remembering(tmp_path, {})
    steward.hear("worker-0", NEWS)
    experience_path(tmp_path).with_suffix(".new").mkdir()

    with caplog.at_level(logging.WARNING):
        steward.keep()

    assert "was not written" in caplog.text


def test_the_last_word_waits_for_what_is_still_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever keeps at the same time writes no file that is of both; once is enough."""
    steward = Remembering(tmp_path, {})
    for at in range(4):
        rows = [LatestRow(("warm", str(at), str(row)), 3, (row,)) for row in range(2_000)]
        steward.hear("worker-0", Experience(hashes=7, latest=tuple(rows)))
    keeping = [Thread(target=steward.keep) for _ in range(4)]

    with caplog.at_level(logging.WARNING):
        for each in keeping:
            each.start()
        for each in keeping:
            each.join()

    assert caplog.messages == []
    assert len(told(tmp_path)) == 4


async def _heard(data_dir: Path) -> list[bytes]:
    """Have one of two connected workers tell something; return what each of them is told."""
    writers: dict[str, asyncio.StreamWriter] = {}
    met = asyncio.Event()

    async def welcome(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers[f"worker-{len(writers)}"] = writer
        if len(writers) == 2:
            met.set()

    path = str(data_dir / "socket")
    server = await asyncio.start_unix_server(welcome, path)
    lines = [await asyncio.open_unix_connection(path) for _ in range(2)]
    await met.wait()
    Remembering(data_dir, writers).hear("worker-0", NEWS)
    for each in writers.values():
        each.close()
    heard = [await reader.read() for reader, _ in lines]
    for _, writer in lines:
        writer.close()
    server.close()
    await server.wait_closed()
    return heard


def test_news_go_to_the_others_alone(tmp_path: Path) -> None:
    """Whoever has told something is not told it again: it would count twice."""
    own, other = asyncio.run(_heard(tmp_path))

    assert own == b""
    assert Unpacker().feed(other) == [NEWS]


def test_workers_hash_alike_as_long_as_the_pepper_is_the_same(tmp_path: Path) -> None:
    """Over restarts too; with another pepper otherwise.

    A key that somebody has set stays; `random` is none.
    """
    first: dict[str, str] = {}
    again: dict[str, str] = {}
    other: dict[str, str] = {}
    chosen = {VARIABLE: "7"}
    by_chance = {VARIABLE: "random"}

    share_hashes(first, tmp_path)
    share_hashes(again, tmp_path)
    share_hashes(chosen, tmp_path)
    share_hashes(by_chance, tmp_path)
    keep_pepper(tmp_path, b"another")
    share_hashes(other, tmp_path)

    assert first == again == by_chance != other
    assert 0 <= int(first[VARIABLE]) < 1 << 32
    assert chosen == {VARIABLE: "7"}
