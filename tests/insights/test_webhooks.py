"""Webhooks: told of every entry, in order, signed, again until it is taken."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from headgate.insights.settings import Webhook
from headgate.insights.webhooks import GIVEN_UP_NS
from headgate.node.telling import UnheardError, post, tell
from headgate.store import audit
from headgate.store.audit import Event
from tests.insights.listener import Listener
from tests.stores import open_test_store

NOW_NS = 10**18
SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that listens."""
    one = Listener()
    yield one
    one.close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An empty store."""
    engine = open_test_store(tmp_path)
    yield engine
    engine.dispose()


def happen(engine: Engine, *actions: str, at_ns: int = NOW_NS) -> None:
    """Write entries into the chain."""
    with engine.begin() as connection:
        for action in actions:
            audit.append(connection, Event("user:ann", action, "team:lab", {"n": 1}), at_ns)


def tell_now(engine: Engine, hook: Webhook) -> None:
    """Tell a webhook what it has not been told."""
    asyncio.run(tell(engine, hook, post, lambda: NOW_NS))


def types(listener: Listener) -> list[str]:
    """Return the types of the messages taken."""
    return [json.loads(body)["type"] for _, body in listener.taken]


@pytest.fixture
def hook(listener: Listener, engine: Engine) -> Webhook:
    """A webhook that was told everything so far."""
    hook = Webhook("ops", listener.url, SECRET, ("node.", "budget.burning"))
    happen(engine, "node.frozen")
    tell_now(engine, hook)
    return hook


def test_a_new_webhook_is_told_of_what_happens_from_then_on(
    engine: Engine, listener: Listener, hook: Webhook
) -> None:
    """Not of what happened before it, only of what it wants, in order."""
    happen(engine, "node.thawed", "key.created", "budget.burning", "budget.calm", "node.frozen")
    tell_now(engine, hook)
    tell_now(engine, hook)

    assert types(listener) == ["node.thawed", "budget.burning", "node.frozen"]


def test_a_message_can_be_checked_by_the_standards_rule(
    engine: Engine, listener: Listener, hook: Webhook
) -> None:
    """The signature is that of id, timestamp and body under the decoded secret."""
    happen(engine, "node.frozen")
    tell_now(engine, hook)

    ((headers, body),) = listener.taken
    given = {name.lower(): value for name, value in headers.items()}
    signed = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"0123456789abcdef", signed, hashlib.sha256).digest()
    assert given["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    document: Any = json.loads(body)
    assert document["data"]["subject"] == "team:lab"
    assert document["data"]["detail"] == {"n": 1}


@pytest.mark.parametrize("status", [500, 302, 404])
def test_what_is_not_taken_is_sent_again_and_holds_its_place(
    engine: Engine, listener: Listener, hook: Webhook, status: int
) -> None:
    """The same message with the same id, before those that follow; redirects are not followed."""
    happen(engine, "node.frozen", "node.thawed")
    listener.refusals = [status]
    with pytest.raises(UnheardError):
        tell_now(engine, hook)
    tell_now(engine, hook)

    assert types(listener) == ["node.frozen", "node.thawed"]
    assert listener.asked[0] == listener.asked[1] != listener.asked[2]


def test_nobody_listens(engine: Engine, listener: Listener, hook: Webhook) -> None:
    """A connection that is refused is no crash, and nothing is lost."""
    happen(engine, "node.frozen")
    deaf = hook._replace(url="http://127.0.0.1:1/")
    with pytest.raises(UnheardError):
        tell_now(engine, deaf)
    tell_now(engine, hook)

    assert types(listener) == ["node.frozen"]


def test_what_nobody_took_for_days_is_left_behind(
    engine: Engine, listener: Listener, hook: Webhook
) -> None:
    """A receiver that comes back is not flooded with what is stale, but told how far things are."""
    happen(engine, *["node.frozen"] * 5, at_ns=NOW_NS - GIVEN_UP_NS - 1)
    happen(engine, "node.thawed")
    tell_now(engine, hook)

    assert types(listener) == ["node.thawed"]
