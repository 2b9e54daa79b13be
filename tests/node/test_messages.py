"""What the processes of a node say to each other, where one of them is of another release."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from headgate.node.link import StewardLink
from headgate.node.messages import LENGTH, Granted, Hello, Recall, pack
from headgate.node.unpacking import Unpacker


def framed(payload: bytes) -> bytes:
    """Return JSON as it goes over the socket."""
    return LENGTH.pack(len(payload)) + payload


NEWER = framed(b'{"type":"sing","song":"of the release to come"}')
RECALL = Recall(1, ("organisation@once",))


def test_who_talks_all_the_time_passes_over_what_it_does_not_know() -> None:
    """The messages before and behind it are acted upon, however they were cut."""
    unpacker = Unpacker(lenient=True)
    data = pack(RECALL) + NEWER + pack(RECALL)

    found = [each for at in range(0, len(data), 7) for each in unpacker.feed(data[at : at + 7])]

    assert found == [RECALL, RECALL]


def test_who_waits_for_an_answer_is_told() -> None:
    """A command that is not known would be waited for in vain."""
    with pytest.raises(msgspec.ValidationError):
        Unpacker().feed(NEWER)


@pytest.mark.parametrize("wrong", [b'{"type":"recall","number":1,"windows":7}', b"{}", b"[]", b"{"])
def test_what_is_wrong_is_never_passed_over(wrong: bytes) -> None:
    """A known kind that cannot be read, or no kind at all, is another matter."""
    with pytest.raises(msgspec.MsgspecError):
        Unpacker(lenient=True).feed(framed(wrong))


def test_a_worker_keeps_a_steward_that_says_more(tmp_path: Path) -> None:
    """It is met, and stays connected, whatever the steward says in between."""

    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(NEWER + pack(Granted({})) + NEWER)
        await reader.read(-1)
        writer.close()
        await writer.wait_closed()
        ended.set()

    async def run() -> bool:
        link = StewardLink(tmp_path / "s", Hello("worker-0", "worker-0-1", 1))
        async with await asyncio.start_unix_server(talk, tmp_path / "s"):
            keeping = asyncio.create_task(link.keep_up())
            await asyncio.wait_for(link.met.wait(), 5)
            connected = link.connected
            keeping.cancel()
            link.close()
            await asyncio.wait_for(ended.wait(), 5)
        return connected

    assert asyncio.run(run())
