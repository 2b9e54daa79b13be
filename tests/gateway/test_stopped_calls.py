"""What a bug of ours stops at a stage: one call, which ends once, and no other."""

import pytest

from headgate.gateway.answers import Answer
from headgate.gateway.exchange import Exchange
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.records.journal import SettleRecord, VoidRecord
from tests.gateway.calls import ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    event,
    serve_always,
    whole,
)
from tests.gateway.staging import client_of, connected, exchange_of, the_end
from tests.gateway.wire import Wire


@pytest.mark.parametrize("stage", ["read", "hold", "send", "settle"])
def test_a_bug_stops_one_call_and_no_other(
    start: Start, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Those behind it in its turn are answered; it is answered too, by the sweep, and not held:
    not sent, it has cost nothing, and answered by its provider all that was held."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway, clients=2) as wires:

            def arrive() -> None:
                pipeline = gateway.pipeline
                first, second = pipeline.connections
                for client in (first, second):
                    client.data_received(request(chat()))
                assert first.exchange is not None
                faulty = first.exchange
                break_down(monkeypatch, gateway, faulty, stage)
                if stage == "settle":
                    return
                with pytest.raises((ZeroDivisionError, TypeError)):
                    pipeline.stages.run()

            gateway.run(arrive)
            replies = [wire.read() for wire in wires]
            gateway.until_idle()

    assert sorted(each.status for each in replies) == [200, 500]
    stopped, served = sorted(replies, key=lambda each: -each.status)
    ends = gateway.ends(call_of(stopped))
    of_stage = {"send": [VoidRecord], "settle": [SettleRecord]}
    assert [type(each) for each in ends] == of_stage.get(stage, [])
    if stage == "settle":
        (hold,) = gateway.holds(call_of(stopped))
        end = the_end(gateway, call_of(stopped))
        assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)
        gateway.problems.clear()
    assert the_end(gateway, call_of(served)).state == "measured"


@pytest.mark.parametrize("stage", ["read", "meter"])
def test_a_bug_at_a_reply_ends_its_call_and_its_connection(
    start: Start, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Not only when a time is over: at the next sweep, at its bound, and the provider is no cause.
    Nobody else gets the connection, so it is closed."""
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with connected(gateway) as (wire,):

            def reply() -> UpstreamConnection:
                gateway.bring(client_of(gateway), request(chat()))
                exchange = exchange_of(gateway)
                upstream = exchange.upstream
                assert upstream is not None
                if stage == "read":
                    monkeypatch.setattr(exchange, "spoken", None)
                else:
                    monkeypatch.setattr(gateway.pipeline.endings, "served", None)
                upstream.data_received(whole(completion()))
                with pytest.raises((AttributeError, TypeError)):
                    gateway.pipeline.stages.run()
                return upstream

            upstream = gateway.run(reply)
            call, reply_told = gateway.last_call(), wire.read()
            gateway.until(lambda: upstream.transport is None, "the connection is closed")

    assert (reply_told.status, reply_told.code) == (500, "internal_error")
    end = the_end(gateway, call)
    assert (end.state, end.reason) == ("estimated", "internal_error")


def test_a_bug_of_who_learns_of_settlements_ends_one_call(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is met: the sweep does not tell them again, and goes on."""

    def fail(*_arguments: object) -> None:
        raise ZeroDivisionError

    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        with monkeypatch.context() as patch:
            patch.setattr(gateway.pipeline.world.caching, "settle", fail)
            stopped = ask(gateway, chat())
        served = ask(gateway, chat())
        gateway.problems.clear()

    (hold,) = gateway.holds(call_of(stopped))
    end = the_end(gateway, call_of(stopped))
    assert (stopped.status, stopped.code, served.status) == (500, "internal_error", 200)
    assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_bug_behind_a_reply_ends_its_call(
    start: Start, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    """Settled or not by then, it is posted once, and its client is told: in a stream that has begun
    by an error of its dialect."""

    async def serve(line: Line) -> None:
        await line.request()
        said = STREAM_HEAD + chunk(event()) + b"0\r\n\r\n" if stream else whole(completion())
        await line.send(said)
        await line.closed()

    def fail(*_arguments: object, **_more: object) -> None:
        raise ZeroDivisionError

    with Provider(serve) as provider:
        gateway = start(openai_url=provider.url)
        monkeypatch.setattr(gateway.pipeline.endings.verdicts, "well_at", fail)
        with Wire(gateway.port) as wire:
            reply = wire.send(request(chat(stream=stream))).read()
        gateway.until_idle()
        gateway.problems.clear()

    end = the_end(gateway, gateway.last_call())
    if stream:
        assert (reply.status, end.state, end.reason) == (200, "estimated", "internal_error")
        assert b'"code":"internal_error"' in reply.chunks[-1]
    else:
        assert (reply.status, reply.code) == (500, "internal_error")
        assert end.state == "measured"


def break_down(
    monkeypatch: pytest.MonkeyPatch, gateway: Gateway, faulty: Exchange, stage: str
) -> None:
    """Have a stage fail at one call."""
    pipeline = gateway.pipeline
    if stage == "read":
        monkeypatch.setattr(faulty.request, "parts", [0, 0])
        return
    if stage == "settle":
        post = pipeline.endings.post

        def act_on(answer: Answer) -> None:
            if answer.exchange is faulty:
                raise ZeroDivisionError(stage)
            post(answer)

        monkeypatch.setattr(pipeline.endings, "post", act_on)
        return
    name = {"hold": "hold", "send": "dispatch"}[stage]
    usual = getattr(pipeline, name)

    def act(exchange: Exchange) -> None:
        if exchange is faulty:
            raise ZeroDivisionError(stage)
        usual(exchange)

    monkeypatch.setattr(pipeline, name, act)
