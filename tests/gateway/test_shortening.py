"""Budgets that shorten: thinking goes down with the limit, and stays below it."""

import json

import pytest

from headgate.dialects.anthropic_edit import THINKING_TOKENS_MIN
from headgate.simulator import Simulator
from tests.gateway.calls import MESSAGES_PATH, ask, call_of, message
from tests.gateway.conftest import Start

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
