"""What the node sends by itself: all of it, in order, again until it is taken, never anew."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from headgate.exports.events.registry import formats
from headgate.exports.following import keep_place
from headgate.exports.reading import Known
from headgate.exports.sending import EventSender, OtelSender, Sender
from headgate.exports.settings import Otel, Target
from headgate.insights.webhooks import GIVEN_UP_NS, signature
from headgate.node.exporting import Follower
from headgate.node.telling import UnheardError, post
from headgate.store.journal_reader import Cursor
from headgate.units.instants import NANOS_PER_SECOND
from tests.console.books import Books
from tests.insights.listener import Listener

USAGE = {"input_uncached": 1_000, "output_text": 100}


@pytest.fixture
def listener() -> Iterator[Listener]:
    """A server that listens."""
    one = Listener()
    yield one
    one.close()


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Books that all tests write in: each follows from where it begins."""
    books = Books(tmp_path_factory.mktemp("sending"))
    yield books
    books.close()


def now_ns() -> int:
    """Return the instant it is: nobody is sent what is days old."""
    return time.time_ns() - NANOS_PER_SECOND


def sender(listener: Listener, format_: str = "cloudevents", **of: Any) -> EventSender:
    """Return what sends events to the server; each test's has a name of its own."""
    id_ = f"billing-{listener.server.server_port}"
    return EventSender(Target(id_, listener.url, format_, **of), "acme")


def send(books: Books, to: Sender) -> None:
    """Send what there is; a new follower begins here."""
    follower = Follower(books.engine, books.reading, books.data_dir / "journal", to)
    while asyncio.run(follower.go_on(post)):
        pass


def called(books: Books, team: str = "research") -> str:
    """Make a call; returns its attempt."""
    hold = books.hold(now_ns(), principal="carol", team=team)
    books.settle(hold, USAGE)
    books.fold()
    return hold.attempt


def ids(listener: Listener) -> list[str]:
    """Return the ids of all events taken."""
    return [each["id"] for _, body in listener.taken for each in json.loads(body)]


def test_a_new_follower_begins_now(books: Books, listener: Listener) -> None:
    """It is sent what ends from then on, once, and nothing of before."""
    called(books)
    send(books, sender(listener))
    attempts = [called(books), called(books)]
    send(books, sender(listener))
    send(books, sender(listener))

    assert ids(listener) == attempts


def test_what_is_not_taken_comes_again_with_the_same_ids(books: Books, listener: Listener) -> None:
    """The place is kept after it was taken; another follower has its own."""
    send(books, sender(listener))
    attempt = called(books)
    listener.refusals = [503]
    with pytest.raises(UnheardError):
        send(books, sender(listener))
    assert ids(listener) == []

    send(books, sender(listener))
    assert ids(listener) == [attempt]


def test_events_are_signed_as_webhooks_are(books: Books, listener: Listener) -> None:
    """Where there is a secret; a token is shown where there is one."""
    to = sender(listener, secret="a-shared-secret", token="sk-billing")
    send(books, to)
    called(books)
    send(books, to)
    ((headers, body),) = listener.taken
    sent = {name.lower(): value for name, value in headers.items()}
    name, at_s = sent["webhook-id"], int(sent["webhook-timestamp"])

    assert signature("a-shared-secret", name, at_s, body).items() <= sent.items()
    assert sent["authorization"] == "Bearer sk-billing"
    assert sent["content-type"] == "application/cloudevents-batch+json"


def test_what_cost_and_used_nothing_is_no_event(books: Books, listener: Listener) -> None:
    """A failure, a void attempt and a refusal are none; an estimate is one."""
    to = sender(listener)
    send(books, to)
    books.fail(books.hold(now_ns()), "rate_limited")
    books.void(books.hold(now_ns()), "connect_failed")
    books.refuse(now_ns())
    books.fold()
    estimate = books.hold(now_ns() - 2 * NANOS_PER_SECOND)
    books.estimate(estimate, "client_gone")
    books.fold()
    send(books, to)

    assert ids(listener) == [estimate.attempt]


def test_what_nobody_took_for_three_days_is_passed_over(books: Books, listener: Listener) -> None:
    """So that one receiver that is gone for good does not hold what comes after."""
    to = sender(listener)
    send(books, to)
    books.settle(books.hold(now_ns() - 2 * GIVEN_UP_NS), USAGE)
    attempt = called(books)
    send(books, to)

    assert ids(listener) == [attempt]


@pytest.mark.parametrize("name", formats())
def test_ids_of_events_are_unique_and_last(name: str, books: Books, listener: Listener) -> None:
    """Whatever the format calls them: sent twice they are the same, and no two are alike."""
    hold = books.hold(now_ns())
    books.settle(hold, {"input_uncached": 10, "cache_read": 20, "output_text": 30})
    books.fold()
    to = sender(listener, name)
    for _ in range(2):
        with books.engine.begin() as connection:
            # As if it had begun before, and what it took had not been kept.
            keep_place(connection, to.follower, books.journal, Cursor())
        send(books, to)
    bodies = [body for _, body in listener.taken]

    assert bodies[: len(bodies) // 2] == bodies[len(bodies) // 2 :]
    assert hold.attempt.encode() in b"".join(bodies)


def test_each_format_is_what_its_receiver_takes(books: Books, listener: Listener) -> None:
    """The fields that a receiver counts by, and the exact amount in its own unit."""
    told = {}
    for name in formats():
        to = sender(listener, name, event_name="tokens", customers={"sales": "cus_1"})
        send(books, to)
        attempt = called(books, "sales")
        send(books, to)
        told[name] = (attempt, [body for _, body in listener.taken])
        listener.taken.clear()

    attempt, (body,) = told["cloudevents"]
    (event,) = json.loads(body)
    assert (event["specversion"], event["source"], event["id"]) == (
        "1.0",
        "urn:headgate:acme",
        attempt,
    )
    assert event["data"]["amount_usd"] == "0.002250000"
    attempt, (body,) = told["openmeter"]
    first, second = json.loads(body)
    assert (first["type"], first["subject"]) == ("tokens", "cus_1")
    assert (second["id"], second["data"]["quantity"]) == (f"{attempt}/output_text", 100)
    attempt, (body,) = told["lago"]
    first, second = json.loads(body)["events"]
    assert (first["code"], first["external_subscription_id"]) == ("tokens", "cus_1")
    assert first["transaction_id"] == f"{attempt}/input_uncached"
    assert first["precise_total_amount_cents"] == "0.125"
    attempt, (body,) = told["stripe"]
    fields = {key: value for key, (value,) in parse_qs(body.decode()).items()}
    assert fields["event_name"] == "tokens"
    assert fields["identifier"] == attempt
    assert fields["payload[stripe_customer_id]"] == "cus_1"
    assert fields["payload[value]"] == "2250000"


def test_spans_and_metrics_go_where_collectors_listen(books: Books, listener: Listener) -> None:
    """To the two paths of OTLP, with the headers of the configuration; metrics once sent add up."""
    otel = Otel(listener.url, (("x-team", "acme"),))
    to = OtelSender(otel, "acme", {"gpt-5-5": Known("openai", None, "openai", "gpt-5.5")}, 1)
    send(books, to)
    called(books)
    send(books, to)
    called(books)
    send(books, to)
    bodies = [json.loads(body) for _, body in listener.taken]
    points = [
        metric["histogram"]["dataPoints"][0]["count"]
        for body in bodies
        if "resourceMetrics" in body
        for metric in body["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]
    ]

    assert [next(iter(body)) for body in bodies] == 2 * ["resourceSpans", "resourceMetrics"]
    assert points == ["1", "1", "2", "2"]
    assert all(headers["x-team"] == "acme" for headers, _ in listener.taken)
