"""A route that hedges, with a slow provider in front, for the tests of hedging."""

from typing import Any

from headgate.gateway.exchange import Exchange
from headgate.records.journal import HoldRecord, SettleRecord, VoidRecord
from headgate.simulator import Simulator
from tests.gateway.calls import chat
from tests.gateway.inprocess import Gateway
from tests.gateway.test_failover import other

AFTER_MS = 250
HEDGED = """
[routes.hedged]
deployments = [{deployments}]
policy = "ordered"
hedge_after_ms = {after_ms}
"""
NEVER_MS = 600_000


def hedged(
    url: str, *, then: str = "big", provider: str = "", more: str = "", after_ms: int = AFTER_MS
) -> str:
    """Return the tables of a provider and of a route that asks it first.

    Args:
        url: The provider's.
        then: Who is asked beside it, and after that, by commas.
        provider: More lines of the provider.
        more: More tables.
        after_ms: After how long; `NEVER_MS` for when the test says so.
    """
    names = ", ".join(f'"{name}"' for name in ("slow", *then.split(",")))
    return other("slow", url, provider) + HEDGED.format(deployments=names, after_ms=after_ms) + more


def body(*, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """Return a body for the route."""
    return chat(**{"model": "hedged", "stream": stream, **fields})


def running(gateway: Gateway) -> list[Exchange]:
    """Return the attempts that run, the first one first; to be called in the gateway's thread."""
    return sorted(gateway.pipeline.exchanges, key=lambda each: each.attempt)


def until(gateway: Gateway, *phases: str) -> None:
    """Wait until so many attempts run, in these phases."""
    gateway.until(
        lambda: [each.phase for each in running(gateway)] == list(phases), f"they are in {phases}"
    )


def hedge(gateway: Gateway) -> bool:
    """Hedge the only call that runs, now; tell whether an attempt was made beside it."""
    return gateway.run(lambda: _hedge(gateway))


def hedge_soon(gateway: Gateway) -> None:
    """Hedge the only call that runs, as soon as there is money for it."""
    gateway.until(lambda: _hedge(gateway), "it is hedged")


def _hedge(gateway: Gateway) -> bool:
    hedging = gateway.pipeline.hedging
    assert hedging is not None
    (exchange,) = gateway.pipeline.exchanges
    return hedging.hedge(exchange)


def earn(gateway: Gateway, calls: int) -> None:
    """Have so many calls come that could be hedged."""

    def come() -> None:
        hedging = gateway.pipeline.hedging
        assert hedging is not None
        (exchange,) = gateway.pipeline.exchanges
        for _ in range(calls):
            hedging.earn(exchange)

    gateway.run(come)


def ends(gateway: Gateway) -> dict[str, SettleRecord | VoidRecord]:
    """Return how the attempts of the only call ended, by number, in the order in which they did."""
    gateway.until_idle()
    found = [each for each in gateway.records() if isinstance(each, SettleRecord | VoidRecord)]
    assert len({each.call for each in found}) == 1
    return {each.attempt.rpartition(".")[2]: each for each in found}


def holds(gateway: Gateway) -> list[HoldRecord]:
    """Return all holds."""
    return [each for each in gateway.records() if isinstance(each, HoldRecord)]


def settled(gateway: Gateway, number: str) -> SettleRecord:
    """Return how an attempt of the only call was settled."""
    end = ends(gateway)[number]
    assert isinstance(end, SettleRecord), end
    return end


def billed(simulator: Simulator, end: SettleRecord) -> bool:
    """Tell whether an attempt is posted at what the provider bills, to half a nano per line."""
    nanos = simulator.bill.entries[-1].amount * 10**9
    return abs(end.amount_nanos - nanos) <= len(end.lines)
