"""A worker whose journal has no room left: it refuses new calls and ends those that run."""

import asyncio
import errno
import os
import secrets
import time
from pathlib import Path

from headgate.app import Steward, data_plane
from headgate.config.load import load
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.pipeline import Pipeline
from headgate.ledger.line import Grant
from headgate.records.demand import Demand
from headgate.simulator import INSTANT, Options, Simulator
from headgate.store.disk import Disk
from headgate.store.journal_writer import JournalWriter
from tests.node.harness import once, secret_of, write_config
from tests.node.wire import CHAT, Call, Reply, chat, send, send_all
from tests.torture.journal_files import journal_records

SEGMENT_BYTES = 64 << 10
HELD_TOGETHER = 8


class FullDisk(Disk):
    """A disk that has room for one segment, until it is full no more."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def take_room(self, descriptor: int, size: int) -> None:
        """Take the room, when there is some."""
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().take_room(descriptor, size)
        self.full = True


class NoControl:
    """Answers nothing: there is no steward here."""

    def send(self, request: object, answered: object) -> bool:
        """Say that nobody can be asked now."""
        return False


async def worker(
    tmp_path: Path, simulator: Simulator, journal: JournalWriter, disk: "FullDisk"
) -> list[Reply]:
    """Serve calls in this process until the journal is full, and one when there is room again.

    The calls alternate between models that are there and one that is not, so that refusals and
    decisions are written too.
    """
    config = tmp_path / "headgate.toml"
    write_config(
        config,
        openai_url=simulator.openai_url,
        anthropic_url=simulator.anthropic_url,
        gemini_url=simulator.gemini_url,
        budgets=[once("organisation", "100")],
    )
    steward = Steward(ask=lambda _needs: False, control=NoControl(), ready=lambda: True)
    world = data_plane(
        load(config, os.environ),
        pepper=secrets.token_bytes(32),
        journal=journal,
        steward=steward,
        call_soon=asyncio.get_running_loop().call_soon,
        now_ns=time.time_ns,
    )
    world.purse.reconnected({"organisation@once": Grant(100 * 10**9, 0)})
    pipeline = Pipeline(world)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: ClientConnection(pipeline), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    url = f"http://{host}:{port}"

    def call(number: int) -> Call:
        model = ("mini", "gpt-5-5", "nonsense")[number % 3]
        return Call(
            CHAT, secret_of("alice"), chat("Hello " * number, model=model, tokens=100 + number)
        )

    replies = await send_all(url, [call(number) for number in range(HELD_TOGETHER)])
    for number in range(1_000):
        replies.append(await send(url, call(number)))
        journal.prepare()
    # Rankings are made anew from time to time, also while nothing can be held.
    for hour in range(1_000):
        at_ns = time.time_ns() + hour * 3_600 * 10**9
        world.router.rank(
            Demand("mini", stream=False, output_tokens_max=100),
            dialect="openai_chat",
            body_bytes=100,
            now_ns=at_ns,
        )
    disk.full = False
    journal.prepare()
    replies.append(await send(url, call(0)))
    server.close()
    for pool in world.pools:
        pool.close()
    assert not pipeline.exchanges
    return replies


def test_a_full_journal_refuses_new_calls_and_ends_the_running_ones(tmp_path: Path) -> None:
    """On a full disk calls are refused with `ledger_unavailable`; every hold still gets its end.

    As soon as there is room, calls are taken again.
    """
    directory = tmp_path / "journal"
    disk = FullDisk()
    journal = JournalWriter(
        directory, worker="w", epoch="e", at_ns=1, segment_bytes=SEGMENT_BYTES, disk=disk
    )

    async def run() -> list[Reply]:
        async with Simulator(seed=7, options=Options(pace=INSTANT)) as simulator:
            return await worker(tmp_path, simulator, journal, disk)

    replies = asyncio.run(run())
    assert journal.holds_open == 0
    assert [reply.status for reply in replies[-2:]] == [503, 200]
    assert "The disk is full" in replies[-2].document["error"]["message"]
    journal.close(2)
    by_status = {status: [r for r in replies if r.status == status] for status in (200, 404, 503)}
    assert sum(len(found) for found in by_status.values()) == len(replies)
    assert {reply.code for reply in by_status[503]} == {"ledger_unavailable"}
    kinds = [record["k"] for record in journal_records(directory)]
    assert kinds.count("hold") == kinds.count("settle") == len(by_status[200]) > 20
    assert kinds[-1] == "sealed"
