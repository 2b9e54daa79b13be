"""The class `power`: the journal is on the disk before the provider sees a byte of the call."""

import os
import threading
from collections.abc import Iterator
from errno import EIO
from pathlib import Path

import pytest

from headgate.records.journal import HoldRecord, SegmentRecord, SettleRecord, VoidRecord
from headgate.simulator import Simulator
from headgate.store.disk import Disk
from tests.gateway.calls import ask, chat, config, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Wire

PATIENCE_S = 10.0


class HeldDisk(Disk):
    """A disk whose syncs wait while it is held, and fail when it is broken.

    Attributes:
        open: Set while syncs go through.
        broken: Whether they fail.
        syncs: How many there were.
        called: Set once a sync was asked for since `hold`.
    """

    def __init__(self) -> None:
        super().__init__("power")
        self.open = threading.Event()
        self.open.set()
        self.broken = False
        self.syncs = 0
        self.called = threading.Event()

    def sync(self, descriptor: int) -> None:
        """Wait until the test lets go, then sync; or fail."""
        self.called.set()
        assert self.open.wait(PATIENCE_S)
        self.syncs += 1
        if self.broken:
            raise OSError(EIO, os.strerror(EIO))
        super().sync(descriptor)

    def hold(self) -> None:
        """Let syncs wait from now on."""
        self.open.clear()
        self.called.clear()


@pytest.fixture
def disk() -> HeldDisk:
    """A disk that works."""
    return HeldDisk()


@pytest.fixture
def durable(simulator: Simulator, disk: HeldDisk, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway of the class `power` on it."""
    text = config(simulator.openai_url, simulator.anthropic_url)
    with Gateway(tmp_path, text, disk) as gateway:
        yield gateway
        disk.open.set()


def quiet(gateway: Gateway) -> None:
    """Wait until everything that was written is on the disk."""
    journal, syncs = gateway.pipeline.world.journal, gateway.pipeline.world.syncs
    assert syncs is not None
    gateway.until(lambda: not (journal.dirty or syncs.busy), "the journal is on the disk")


def test_no_byte_is_sent_before_the_hold_is_on_the_disk(
    durable: Gateway, disk: HeldDisk, simulator: Simulator
) -> None:
    """While the sync of its hold is under way, a call's provider has seen nothing of it."""
    quiet(durable)
    seen = simulator.gate.seen
    disk.hold()
    with Wire(durable.port) as wire:
        wire.send(request(chat()))
        assert disk.called.wait(PATIENCE_S)
        (exchange,) = durable.pipeline.exchanges
        durable.ticks(3)
        assert (exchange.phase, exchange.held, exchange.upstream) == ("sync", True, None)
        assert simulator.gate.seen == seen
        assert [each.attempt for each in durable.records() if isinstance(each, HoldRecord)]
        disk.open.set()
        assert wire.read().status == 200
    assert simulator.gate.seen == seen + 1
    durable.assert_settled()


def test_holds_that_come_meanwhile_share_the_next_sync(
    durable: Gateway, disk: HeldDisk, simulator: Simulator
) -> None:
    """One sync runs at a time; a crowd that waits for it takes one more, not one each."""
    quiet(durable)
    simulator.gate.close()
    disk.hold()
    wires = [Wire(durable.port) for _ in range(20)]
    try:
        wires[0].send(request(chat()))
        assert disk.called.wait(PATIENCE_S)
        for wire in wires[1:]:
            wire.send(request(chat()))
        durable.until(
            lambda: [each.phase for each in durable.pipeline.exchanges] == ["sync"] * 20,
            "all wait for the disk",
        )
        before = disk.syncs
        ticked = threading.Event()
        durable.run(ticked.set)
        assert ticked.is_set(), "the loop goes on while the disk is slow"
        disk.open.set()
        assert simulator.gate.wait(20, PATIENCE_S)
        # The first alone, then all others.
        assert disk.syncs - before == 2
        simulator.gate.release()
        assert {wire.read().status for wire in wires} == {200}
    finally:
        for wire in wires:
            wire.close()
    syncs = durable.pipeline.world.syncs
    assert syncs is not None and syncs.waits == 20
    durable.assert_settled()


def test_a_client_that_leaves_while_the_disk_is_slow_costs_nothing(
    durable: Gateway, disk: HeldDisk, simulator: Simulator
) -> None:
    """Nothing was sent, so the hold is void, and the sync that ends later sends nothing."""
    quiet(durable)
    seen = simulator.gate.seen
    disk.hold()
    with Wire(durable.port) as wire:
        wire.send(request(chat()))
        assert disk.called.wait(PATIENCE_S)
    durable.until_idle()
    disk.open.set()
    quiet(durable)
    (end,) = [each for each in durable.records() if isinstance(each, SettleRecord | VoidRecord)]
    assert isinstance(end, VoidRecord) and end.reason == "client_gone"
    assert simulator.gate.seen == seen
    durable.assert_settled()


def test_a_disk_that_refuses_a_sync_is_not_asked_again(
    durable: Gateway, disk: HeldDisk, simulator: Simulator
) -> None:
    """The call that waited and all that follow are refused by name; nothing is sent or held."""
    assert ask(durable, chat()).status == 200
    quiet(durable)
    seen = simulator.gate.seen
    disk.broken = True
    refused = ask(durable, chat())
    assert (refused.status, refused.json["error"]["code"]) == (503, "journal_failed")
    assert ("retry-after", "2") in refused.headers
    tried = disk.syncs
    disk.broken = False
    assert ask(durable, chat()).json["error"]["code"] == "journal_failed"
    durable.ticks(3)
    assert (disk.syncs, simulator.gate.seen) == (tried, seen)
    ends = [each for each in durable.records() if isinstance(each, SettleRecord | VoidRecord)]
    assert [type(each) for each in ends] == [SettleRecord, VoidRecord]
    durable.assert_settled()


def test_a_call_that_runs_when_the_disk_fails_is_posted_at_what_it_cost(
    durable: Gateway, disk: HeldDisk, simulator: Simulator
) -> None:
    """Its end is written all the same: whoever reads the journal now has it."""
    simulator.gate.close()
    with Wire(durable.port) as wire:
        wire.send(request(chat()))
        assert simulator.gate.wait(1, PATIENCE_S)
        disk.broken = True
        assert ask(durable, chat()).status == 503
        simulator.gate.release()
        assert wire.read().status == 200
    states = [each.state for each in durable.records() if isinstance(each, SettleRecord)]
    assert states == ["measured"]
    durable.assert_settled()


def test_the_journal_says_which_class_it_is_of(durable: Gateway) -> None:
    """Whoever takes over knows by the first record whether a power cut can have taken holds."""
    first = durable.records()[0]
    assert isinstance(first, SegmentRecord) and first.durability == "power"
