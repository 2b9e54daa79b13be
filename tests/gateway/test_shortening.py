"""Budgets that shorten: thinking goes down with the limit, and stays below it."""

import json

import pytest

from headgate.dialects.anthropic_edit import THINKING_TOKENS_MIN
from headgate.ledger.line import Outcome
from headgate.simulator import Simulator
from tests.gateway.calls import MESSAGES_PATH, ask, call_of, message, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import EPOCH
from tests.gateway.wire import Wire

TIGHT = '[budgets.alice]\nnode = "principal:alice"\nperiod = "once"\non_tight = "shorten"\n'


def test_a_shortened_call_thinks_less(start: Start, simulator: Simulator) -> None:
    """Half the money: half the output, half the thinking, and the hold covers what is sent."""
    gateway = start(more=TIGHT + 'limit_usd = "0.10"')
    thinking = {"type": "enabled", "budget_tokens": 16_000}
    reply = ask(gateway, message(max_tokens=32_000, thinking=thinking), MESSAGES_PATH)

    assert reply.status == 200, reply
    sent = json.loads(simulator.received.last().body)
    limit, budget = sent["max_tokens"], sent["thinking"]["budget_tokens"]
    assert THINKING_TOKENS_MIN < budget < limit < 32_000
    assert budget == 16_000 * limit // 32_000
    (held,) = gateway.holds(call_of(reply))
    assert held.output_tokens_max == limit
    assert held.amount_nanos <= 100_000_000


@pytest.mark.parametrize(
    ("usd", "thinks", "status"),
    [("0.0080", True, 200), ("0.0070", True, 402), ("0.0070", False, 200)],
)
def test_thinking_is_not_shortened_away(start: Start, usd: str, thinks: bool, status: int) -> None:
    """Where the least thinking budget does not fit any more the call is refused."""
    gateway = start(more=f'{TIGHT}limit_usd = "{usd}"')
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 4_000}} if thinks else {}

    reply = ask(gateway, message(max_tokens=8_000, **thinking), MESSAGES_PATH)

    assert reply.status == status, reply


@pytest.mark.parametrize("on_tight", ["shorten", "refuse"])
def test_money_that_came_back_before_the_refusal_is_held(
    start: Start, simulator: Simulator, on_tight: str
) -> None:
    """A call ended while the steward decided: by now there is enough, so nobody is refused."""
    lines = TIGHT.replace("shorten", on_tight) + 'limit_usd = "0.10"'
    gateway = start(more=lines)
    purse = gateway.pipeline.world.purse
    simulator.gate.close()
    with Wire(gateway.port) as first, Wire(gateway.port) as second:
        first.send(request(message(max_tokens=4_000), MESSAGES_PATH))
        assert simulator.gate.wait(1, 5)
        gateway.steward.silent = True
        second.send(request(message(max_tokens=3_000), MESSAGES_PATH))
        gateway.until(lambda: bool(purse._asked), "the second one waits for money")
        simulator.gate.release()
        assert first.read().status == 200

        (need,) = gateway.run(lambda: list(purse._asked))
        refused = Outcome(EPOCH, need, "alice@once", 0, False)
        gateway.steward.silent = False
        gateway.run(lambda: purse.lent({}, [refused], heard=True))
        assert second.read().status == 200
