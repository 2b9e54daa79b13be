"""A node sends what happens on it, over the death of its steward too."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.insights.listener import Listener
from tests.node.harness import running_node, until
from tests.node.wire import CHAT, chat, post

CLIENTS = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

pytestmark = pytest.mark.slow


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that takes everything."""
    one = Listener()
    yield one
    one.close()


def bodies(listener: Listener) -> list[Any]:
    """Return what was taken."""
    return [json.loads(body) for _, body in listener.taken]


def events(listener: Listener) -> list[str]:
    """Return the ids of events."""
    return [each["id"] for body in bodies(listener) if isinstance(body, list) for each in body]


def has_events(listener: Listener, count: int) -> bool:
    """Tell whether so many different events were taken."""
    return len(set(events(listener))) == count


def spans(listener: Listener) -> list[Any]:
    """Return the spans."""
    return [
        span
        for body in bodies(listener)
        if "resourceSpans" in body
        for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    ]


def test_all_is_sent_once_over_the_death_of_the_steward(tmp_path: Path, listener: Listener) -> None:
    """Each call is an event and a trace, its client's if that says so and says it rightly; what
    the steward had not sent, the next one does.
    """
    base = listener.url.removesuffix("/hook")
    extra = f"""
[otel]
endpoint = "{base}"
[events.billing]
url = "{listener.url}"
"""
    with running_node(tmp_path, extra=extra) as node:
        for calls, told in enumerate((CLIENTS, "00-nonsense", None), 1):
            headers = {} if told is None else {"traceparent": told}
            hello = chat(f"Hello {calls}")
            assert post(node.gateway_url, CHAT, node.key(), hello, headers=headers).status == 200
            until(partial(has_events, listener, calls), "its event")
            if calls == 2:
                node.kill("steward")
        until(lambda: len({each["spanId"] for each in spans(listener)}) == 6, "all spans")
        node.await_nothing_held()

    traces = {each["traceId"] for each in spans(listener)}
    assert len(traces) == 3
    _, trace, span, _ = CLIENTS.split("-")
    of_client = [each for each in spans(listener) if each["traceId"] == trace]
    assert len({each["spanId"] for each in of_client}) == 2
    assert span in {each["parentSpanId"] for each in of_client}
