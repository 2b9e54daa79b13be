"""Contracts at work: whose call it is, and what served it, decides the price."""

from headgate.records.journal import SettleRecord
from headgate.simulator import Simulator
from tests.gateway.calls import BOB, CHAT_PATH, MESSAGES_PATH, ask, call_of, chat, message
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply

CONTRACTS = """
[routes.any]
deployments = ["haiku"]
[contracts.research]
provider = "openai"
valid_from = 2026-01-01
multiplier = "0.5"
nodes = ["team:research"]
[contracts.bob]
provider = "openai"
valid_from = 2026-01-01
models = ["gpt-5.4-mini"]
per_million_tokens = { input = "7", cache_read = "7", output = "70" }
nodes = ["key:bob"]
[contracts.haiku]
provider = "anthropic"
valid_from = 2026-01-01
discount_percent = "10"
nodes = ["deployment:haiku"]
[contracts.alice-at-anthropic]
provider = "anthropic"
valid_from = 2026-01-01
discount_percent = "20"
nodes = ["principal:alice"]
[surcharges.anthropic]
provider = "anthropic"
valid_from = 2026-01-01
percent = "5.5"
"""


def settled(gateway: Gateway, reply: Reply) -> SettleRecord:
    (end,) = gateway.ends(call_of(reply))
    assert isinstance(end, SettleRecord)
    return end


def rows(end: SettleRecord) -> set[str]:
    """Return what the lines name, without the rows of the list."""
    return {line.price_row.rpartition("*")[2] for line in end.lines}


def test_who_calls_and_what_serves_decide_the_contract(start: Start, simulator: Simulator) -> None:
    """A key's price comes before its team's factor, a principal's before a deployment's."""
    gateway = start(more=CONTRACTS)

    of_alice = settled(gateway, ask(gateway, chat()))
    of_bob = settled(gateway, ask(gateway, chat(), key=BOB))
    of_haiku = settled(gateway, ask(gateway, message(), MESSAGES_PATH))
    translated = settled(gateway, ask(gateway, chat(model="any"), CHAT_PATH))

    assert rows(of_alice) == {"contract/research"}
    assert rows(of_bob) == {"contract/bob"}
    assert {line.price_femto for line in of_bob.lines} == {7_000_000_000, 70_000_000_000}
    assert rows(of_haiku) == {"contract/alice-at-anthropic", "surcharge/anthropic"}
    assert rows(translated) == rows(of_haiku)
    for end in (of_alice, of_bob, of_haiku, translated):
        assert end.amount_nanos == sum(line.amount_nanos for line in end.lines) > 0
