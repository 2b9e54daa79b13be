"""Frozen or revoked while a call runs: the client is told at once, and the books hold."""

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from headgate.gateway.cuts import cut
from headgate.gateway.pipeline import Pipeline
from headgate.identity.keys import digest
from headgate.records.journal import SettleRecord, VoidRecord
from headgate.simulator import Pace, Simulator
from tests.gateway.calls import ALICE, CHAT_PATH, MESSAGES_PATH, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Wire

NODES = [
    "organisation",
    "team:research",
    "principal:alice",
    "provider:openai",
    "deployment:mini",
    "model:mini",
    "model:gpt-5.4-mini",
]


def freeze(gateway: Gateway, node: str) -> int:
    """Freeze a node as the steward's word does; return how many calls were cut."""

    def apply(pipeline: Pipeline) -> int:
        pipeline.frozen = frozenset({node})
        return cut(pipeline)

    return gateway.run(lambda: apply(gateway.pipeline))


def in_phase(gateway: Gateway, phase: str) -> None:
    """Wait until the only call is in a phase."""
    gateway.until(
        lambda: [each.phase for each in gateway.pipeline.exchanges] == [phase], f"it is in {phase}"
    )


def ends(gateway: Gateway) -> list[SettleRecord | VoidRecord]:
    """Return how all attempts ended, once none is in flight."""
    gateway.until_idle()
    return [each for each in gateway.records() if isinstance(each, SettleRecord | VoidRecord)]


def last_error(path: str, wire: Wire) -> dict[str, Any]:
    """Read a stream whose head was read to its end; return the error it ends with."""
    tail = b""
    while piece := wire.read_chunk():
        tail += piece
    tail = tail.rstrip()
    data = tail.rpartition(b"data: ")[2]
    if path == CHAT_PATH:
        # OpenAI's clients read an `error` member in a chunk; nothing says that the stream is whole.
        assert b"[DONE]" not in tail
    else:
        assert b"event: error" in tail
    document: dict[str, Any] = json.loads(data)["error"]
    return document


@pytest.mark.parametrize(("path", "body"), [(CHAT_PATH, chat), (MESSAGES_PATH, message)])
def test_a_stream_is_cut_with_its_dialects_own_error_and_posted_at_its_bound(
    start: Start, simulator: Simulator, path: str, body: Callable[..., dict[str, Any]]
) -> None:
    """The client reads a legal error event and the end; the provider is hung up on."""
    gateway = start()
    simulator.pace = Pace(ttft_ms=0, delay_ms=200, jitter_share=0)
    billed = simulator.bill.count
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=True), path))
        wire.read_head()
        in_phase(gateway, "body")
        assert freeze(gateway, "team:research") == 1
        error = last_error(path, wire)

    (end,) = ends(gateway)
    assert "team:research is frozen" in error["message"]
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("estimated", "frozen")
    gateway.until(lambda: simulator.bill.count > billed, "the provider has noticed")
    assert not simulator.bill.entries[-1].completed
    assert simulator.bill.entries[-1].amount * 10**9 <= end.amount_nanos


@pytest.mark.parametrize("node", NODES)
def test_every_node_above_a_call_cuts_it(start: Start, simulator: Simulator, node: str) -> None:
    """Whoever is frozen, what it would go on to spend is stopped; others' calls go on."""
    gateway = start()
    simulator.gate.close()
    with Wire(gateway.port) as other, Wire(gateway.port) as wire:
        wire.send(request(chat(stream=True)))
        assert simulator.gate.wait(1, 5)
        assert freeze(gateway, "deployment:big") == 0
        assert freeze(gateway, node) == 1
        reply = wire.read()
        other.send(request(chat(stream=True)))
        refused = other.read()
    simulator.gate.release()

    assert (reply.status, refused.status) == (403, 403)
    assert node in reply.message


def test_a_whole_reply_is_read_to_its_end_for_the_books(start: Start, simulator: Simulator) -> None:
    """What was asked for is billed anyway: posted as measured; the client is told no at once."""
    gateway = start()
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(chat()))
        assert simulator.gate.wait(1, 5)
        assert freeze(gateway, "organisation") == 1
        assert wire.read().status == 403
    simulator.gate.release()

    (end,) = ends(gateway)
    assert isinstance(end, SettleRecord)
    assert (end.state, end.reason) == ("measured", None)


def test_what_waits_for_a_place_is_refused(start: Start, simulator: Simulator) -> None:
    """Nothing was held; the place in the queue is free."""
    gateway = start(deployment="concurrency_max = 1")
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as second:
        first.send(request(chat()))
        assert simulator.gate.wait(1, 5)
        second.send(request(chat()))
        gateway.until(
            lambda: sorted(each.phase for each in gateway.pipeline.exchanges) == ["queue", "reply"],
            "one waits",
        )
        assert freeze(gateway, "principal:alice") == 2
        assert (first.read().status, second.read().status) == (403, 403)
    simulator.gate.release()

    gateway.until_idle()
    assert [each.code for each in gateway.refusals()] == ["frozen"]


def test_what_waits_for_money_is_refused(start: Start) -> None:
    """Nothing was held, and what the steward lends later is there for others."""
    gateway = start()
    gateway.steward.silent = True
    with Wire(gateway.port) as wire:
        wire.send(request(chat()))
        in_phase(gateway, "money")
        assert freeze(gateway, "organisation") == 1
        assert wire.read().status == 403

    gateway.until_idle()
    assert gateway.run(lambda: not gateway.pipeline.world.purse._blocked)


def test_what_waits_for_a_connection_is_void(start: Start) -> None:
    """No byte was sent. (The provider never answers the TLS handshake.)"""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        gateway = start(openai_url=f"https://127.0.0.1:{silent.getsockname()[1]}/v1")
        with Wire(gateway.port) as wire:
            wire.send(request(chat()))
            in_phase(gateway, "connect")
            assert freeze(gateway, "organisation") == 1
            assert wire.read().status == 403
        (end,) = ends(gateway)

    assert isinstance(end, VoidRecord)
    assert end.reason == "frozen"


def test_a_revoked_keys_stream_is_cut(start: Start, simulator: Simulator) -> None:
    """A key that is valid no more spends no more, on streams either."""
    gateway = start()
    simulator.pace = Pace(ttft_ms=0, delay_ms=200, jitter_share=0)

    def revoke() -> int:
        gateway.pipeline.world.directory.remove_digest(digest(b"pepper", ALICE.encode()))
        return cut(gateway.pipeline)

    with Wire(gateway.port) as wire:
        wire.send(request(chat(stream=True)))
        wire.read_head()
        in_phase(gateway, "body")
        assert gateway.run(revoke) == 1
        error = last_error(CHAT_PATH, wire)

    (end,) = ends(gateway)
    assert "revoked" in error["message"]
    assert isinstance(end, SettleRecord)
    assert end.reason == "key_invalid"
