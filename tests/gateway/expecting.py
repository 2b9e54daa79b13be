"""What the tests of expected holds share: a configuration, bodies, and what the journal says."""

from typing import Any, NamedTuple

from headgate.records.journal import ExtendRecord, HoldRecord, SettleRecord
from headgate.simulator import Simulator
from tests.gateway.calls import ALICE, chat
from tests.gateway.inprocess import Gateway

LIMIT_NANOS = 10_000_000
LEARNED = 5
RESERVE = 64
LEAST = 128
DEPLOYMENTS = {
    "mini": ("openai", "gpt-5.4-mini"),
    "haiku": ("anthropic", "claude-haiku-4-5"),
    "flash": ("google", "gemini-3.5-flash"),
    "thinker": ("openai", "gpt-5.5"),
}
ROUTES = {"fresh": "mini", "whole": "mini", "longer": "mini", "short": "haiku"}
ROUTES |= {f"{name}-{number}": name for name in DEPLOYMENTS for number in range(4)}
"""An alias for each test: what one teaches, and how fast its replies came, is nobody else's."""
CONFIG = """
[holds]
calls_min = {learned}
reserve_tokens = {reserve}
output_tokens_min = {least}
[providers.openai]
kind = "openai"
base_url = "{simulator.openai_url}"
seller = "openai"
credential = {{ value = "sk-upstream" }}
[providers.anthropic]
kind = "anthropic"
base_url = "{simulator.anthropic_url}"
seller = "anthropic"
credential = {{ value = "sk-ant-upstream" }}
[providers.google]
kind = "gemini"
base_url = "{simulator.gemini_url}"
seller = "google"
credential = {{ value = "google-upstream" }}
{deployments}
[principals.alice]
[keys.alice]
principal = "alice"
secret = {{ value = "{key}" }}
[budgets.all]
node = "organisation"
limit_usd = "1000.00"
holds = "expected"
[budgets.run]
node = "run:*"
period = "once"
limit_usd = "0.01"
holds = "expected"
"""


def configuration(simulator: Simulator) -> str:
    """Return a configuration in which each run has its own budget of a cent."""
    tables = [f'[routes.{alias}]\ndeployments = ["{name}"]' for alias, name in ROUTES.items()]
    for name, (provider, model) in DEPLOYMENTS.items():
        hidden = "true" if name == "thinker" else "false"
        table = f'[deployments.{name}]\nprovider = "{provider}"\nmodel = "{model}"\n'
        tables.append(f"{table}hidden_reasoning = {hidden}")
    return CONFIG.format(
        simulator=simulator,
        learned=LEARNED,
        reserve=RESERVE,
        least=LEAST,
        deployments="\n".join(tables),
        key=ALICE,
    )


def streamed(text: str, /, **fields: Any) -> dict[str, Any]:
    """Return a body for a stream that may be long."""
    return chat(text, **{"stream": True, "max_completion_tokens": 900, **fields})


class Story(NamedTuple):
    """What the journal says of a call with one attempt."""

    hold: HoldRecord
    extensions: list[ExtendRecord]
    end: SettleRecord

    @property
    def held_nanos(self) -> int:
        """What it held in the end."""
        return self.hold.amount_nanos + sum(each.amount_nanos for each in self.extensions)


def last_story(gateway: Gateway) -> Story:
    """Return what the journal says of the last call, once it has ended."""
    gateway.until_idle()
    call = gateway.last_call()
    (hold,) = gateway.holds(call)
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    extended = [each for each in gateway.records() if isinstance(each, ExtendRecord)]
    return Story(hold, [each for each in extended if each.call == call], end)
