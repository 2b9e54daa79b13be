"""Routes that keep replies, and calls to them, for the tests of the response cache."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from headgate.simulator import Simulator
from tests.gateway.calls import ALICE, ask, chat, config
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply

CACHE = "x-headgate-cache"
KEEPING = """
[data_classes.secret]
[requirements.forgets]
data_classes = ["secret"]
retention_days_max = 0
[response_cache]
reply_bytes_max = 20000
wait_max_ms = 60000
[routes.kept]
deployments = ["mini"]
response_cache = "always"
[routes.kept-haiku]
deployments = ["haiku"]
response_cache = "always"
[policies.steps]
kind = "cascade"
verifier = "schema"
loss = "1"
[routes.steps]
deployments = ["mini", "big"]
policy = "steps"
response_cache = "always"
[routes.asked]
deployments = ["mini"]
response_cache = "asked"
[keys.alice-too]
principal = "alice"
secret = { value = "hg_alice_too_456789abcdef0123456789abcdef" }
"""
CAROLS = """
[principals.carol]
team = "research"
[keys.carol]
principal = "carol"
secret = { value = "hg_carol_0123456789abcdef0123456789abcdef" }
"""
CAROL = "hg_carol_0123456789abcdef0123456789abcdef"
TOO = "hg_alice_too_456789abcdef0123456789abcdef"
ZERO_RETENTION = "retention_days = 0"


def keeping(simulator: Simulator, folder: Path) -> Iterator[Gateway]:
    """Yield a gateway with routes that keep replies."""
    urls = simulator.openai_url, simulator.anthropic_url
    text = config(*urls, deployment=ZERO_RETENTION, more=KEEPING + CAROLS)
    with Gateway(folder, text) as gateway:
        yield gateway


def emptied(running: Gateway) -> Iterator[Gateway]:
    """Yield a gateway with nothing kept; afterwards everything is settled and everybody well."""
    responses = running.pipeline.responses
    assert responses is not None
    running.run(lambda: responses.purge(responses._purged_ns + 1))
    yield running
    running.assert_settled()
    running.heal()


def send(
    gateway: Gateway,
    body: dict[str, Any] | bytes,
    path: str = "/v1/chat/completions",
    *,
    key: str = ALICE,
    said: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Reply:
    """Send a call, which must be served; `said` is its `x-headgate-cache`."""
    more = () if said is None else ((CACHE, said),)
    reply = ask(gateway, body, path, key=key, headers=(*headers, *more))
    assert reply.status == 200, reply
    return reply


def told(reply: Reply) -> str | None:
    """Return what a reply says of the cache."""
    return reply.header(CACHE)


def kept(text: str = "hello", /, **fields: Any) -> dict[str, Any]:
    """Return a body of a route that keeps replies."""
    return chat(text, **{"model": "kept", **fields})
