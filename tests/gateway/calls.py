"""Configurations, bodies and requests for the tests of the data plane."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

ALICE = "hg_alice_0123456789abcdef0123456789abcdef"
BOB = "hg_bob_0123456789abcdef0123456789abcdef"
"""Bob may use `mini` only."""

CHAT_PATH = "/v1/chat/completions"
MESSAGES_PATH = "/v1/messages"

DEPLOYMENTS = {
    "mini": ("openai", "gpt-5.4-mini"),
    "big": ("openai", "gpt-5.4"),
    "haiku": ("anthropic", "claude-haiku-4-5"),
    "sonnet": ("anthropic", "claude-sonnet-5"),
}

CONFIG = """
[organisation]
id = "acme"
[limits]
{limits}
[providers.openai]
kind = "openai_compatible"
base_url = "{openai_url}"
seller = "openai"
credential = {{ value = "sk-upstream" }}
output_limit_field = "max_completion_tokens"
{openai}
[providers.anthropic]
kind = "anthropic"
base_url = "{anthropic_url}"
seller = "anthropic"
credential = {{ value = "sk-ant-upstream" }}
{anthropic}
[teams.research]
[principals.alice]
team = "research"
[principals.bob]
team = "research"
[keys.alice]
principal = "alice"
secret = {{ value = "{alice}" }}
[keys.bob]
principal = "bob"
secret = {{ value = "{bob}" }}
models = ["mini"]
[budgets.acme-month]
node = "organisation"
period = "month"
limit_usd = "1000.00"
{more}
"""


def config(
    openai_url: str,
    anthropic_url: str,
    *,
    limits: str = "",
    openai: str = "",
    anthropic: str = "",
    deployment: str = "",
    more: str = "",
) -> str:
    """Return a configuration with two providers, four deployments, two keys and a budget.

    Args:
        openai_url: Base URL of the provider `openai`.
        anthropic_url: Base URL of the provider `anthropic`.
        limits: Lines of `[limits]`.
        openai: More lines of that provider.
        anthropic: More lines of that provider.
        deployment: More lines of every deployment.
        more: More tables.
    """
    tables = "\n".join(
        f'[deployments.{name}]\nprovider = "{provider}"\nmodel = "{model}"\n{deployment}'
        for name, (provider, model) in DEPLOYMENTS.items()
    )
    return CONFIG.format(
        openai_url=openai_url,
        anthropic_url=anthropic_url,
        limits=limits,
        openai=openai,
        anthropic=anthropic,
        alice=ALICE,
        bob=BOB,
        more=f"{tables}\n{more}",
    )


def chat(text: str = "hello", /, **fields: Any) -> dict[str, Any]:
    """Return a body of Chat Completions."""
    messages = [{"role": "user", "content": text}]
    return {"model": "mini", "max_completion_tokens": 100, "messages": messages, **fields}


def message(text: str = "hello", /, **fields: Any) -> dict[str, Any]:
    """Return a body of Messages."""
    messages = [{"role": "user", "content": text}]
    return {"model": "haiku", "max_tokens": 100, "messages": messages, **fields}


def encode(body: bytes | Mapping[str, Any]) -> bytes:
    """Return a body as bytes."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def head(
    path: str = CHAT_PATH,
    *,
    method: str = "POST",
    key: str | None = ALICE,
    headers: Sequence[tuple[str, str]] = (),
    version: str = "1.1",
) -> bytes:
    """Return the head of a request, without its framing and its last empty line."""
    lines = [f"{method} {path} HTTP/{version}", "host: gateway", "content-type: application/json"]
    if key is not None:
        lines.append(f"authorization: Bearer {key}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


def request(
    body: bytes | Mapping[str, Any] = b"",
    path: str = CHAT_PATH,
    *,
    method: str = "POST",
    key: str | None = ALICE,
    headers: Sequence[tuple[str, str]] = (),
    version: str = "1.1",
) -> bytes:
    """Return a whole request."""
    raw = encode(body)
    start = head(path, method=method, key=key, headers=headers, version=version)
    return start + b"content-length: %d\r\n\r\n%b" % (len(raw), raw)


def ask(
    gateway: Gateway,
    body: bytes | Mapping[str, Any] = b"",
    path: str = CHAT_PATH,
    *,
    method: str = "POST",
    key: str | None = ALICE,
    headers: Sequence[tuple[str, str]] = (),
) -> Reply:
    """Send one request on a connection of its own and return the reply."""
    with Wire(gateway.port) as wire:
        wire.send(request(body, path, method=method, key=key, headers=headers))
        return wire.read(bodiless=method == "HEAD")


def call_of(reply: Reply) -> str:
    """Return the id of the call a reply belongs to."""
    call = reply.header("x-headgate-call")
    assert call is not None
    return call
