"""Request ids and pages of other origins: what replies say beside what was asked."""

from collections.abc import Iterator

import pytest

from headgate.simulator import Simulator
from tests.gateway.calls import MESSAGES_PATH, call_of, chat, config, head, message, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply, Wire

PAGE = "https://app.example"
CORS = f'[cors]\norigins = ["{PAGE}", "http://127.0.0.1:3000"]'
ASK = [("origin", PAGE), ("access-control-request-method", "POST")]
NAMES = ("access-control-request-headers", "authorization, content-type")


@pytest.fixture(scope="module")
def open_gateway(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway that a page may call."""
    text = config(running_simulator.openai_url, running_simulator.anthropic_url, more=CORS)
    with Gateway(tmp_path_factory.mktemp("browsers"), text) as gateway:
        yield gateway
        gateway.assert_settled()


def sent(gateway: Gateway, raw: bytes) -> Reply:
    """Send a request on a connection of its own."""
    with Wire(gateway.port) as wire:
        return wire.send(raw).read()


def browser(*, origin: str = PAGE, **fields: object) -> bytes:
    """Return a call that a page makes."""
    return request(chat(**fields), headers=[("origin", origin)])


def test_a_page_is_told_beforehand_that_it_may_call(open_gateway: Gateway) -> None:
    """Without a key, with the headers it asked for, for a while, and the connection goes on."""
    ask = head(key=None, method="OPTIONS", headers=[*ASK, NAMES]) + b"\r\n"
    with Wire(open_gateway.port) as wire:
        reply = wire.send(ask).read()
        assert wire.send(browser()).read().status == 200

    assert (reply.status, reply.header("access-control-allow-origin")) == (204, PAGE)
    assert reply.header("access-control-allow-headers") == NAMES[1]
    assert reply.header("access-control-allow-methods") == "GET, POST, DELETE"
    assert reply.header("vary") == "origin"
    assert reply.header("access-control-allow-credentials") is None


@pytest.mark.parametrize(
    "raw",
    [
        browser(),
        browser(stream=True),
        browser(model="unknown"),
        request(chat(), key="hg_wrong", headers=[("origin", PAGE)]),
        request(message(), MESSAGES_PATH, headers=[("origin", PAGE)]),
        head("/v1/models", method="GET", headers=[("origin", PAGE)]) + b"\r\n",
        head("/nowhere", method="GET", headers=[("origin", PAGE)]) + b"\r\n",
    ],
    ids=["whole", "streamed", "refused", "a stranger's", "Messages", "models", "no path"],
)
def test_every_reply_may_be_read_by_the_page(open_gateway: Gateway, raw: bytes) -> None:
    """Also a second one, whose head was met before."""
    for _ in range(2):
        reply = sent(open_gateway, raw)

        assert reply.header("access-control-allow-origin") == PAGE
        assert reply.header("access-control-expose-headers") == "*"
        assert reply.header("access-control-allow-credentials") is None


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", PAGE + ".evil.example", "http://app.example", "*"]
)
def test_other_pages_are_told_nothing(open_gateway: Gateway, origin: str) -> None:
    """Their calls are served, as any client's, and their browser keeps the reply from them."""
    ask = [("origin", origin), ASK[1]]

    assert sent(open_gateway, browser(origin=origin)).header("access-control-allow-origin") is None
    reply = sent(open_gateway, head(method="OPTIONS", headers=ask) + b"\r\n")
    assert (reply.status, reply.header("access-control-allow-origin")) == (405, None)


def test_without_cors_nothing_is_said(gateway: Gateway) -> None:
    """It is off until a page is named."""
    assert sent(gateway, browser()).header("access-control-allow-origin") is None
    asked = head(method="OPTIONS", headers=[*ASK, NAMES]) + b"\r\n"
    assert sent(gateway, asked).code == "method_not_allowed"


def test_what_a_browser_would_send_is_not_repeated_when_it_is_no_list_of_names(
    open_gateway: Gateway,
) -> None:
    """So that nothing can be put into our reply."""
    for names in ("a b", "x" * 3_000, "a;b", '"'):
        asked = [*ASK, ("access-control-request-headers", names)]
        reply = sent(open_gateway, head(method="OPTIONS", headers=asked) + b"\r\n")
        assert (reply.status, reply.header("access-control-allow-headers")) == (204, None)


# Request ids


def named(name: str, body: dict[str, object], path: str = "/v1/chat/completions") -> bytes:
    """Return a call with a request id."""
    return request(body, path, headers=[("x-request-id", name)])


@pytest.mark.parametrize(
    "raw",
    [
        named("req/1:a+b=c.d-e_f", chat()),
        named("req/1:a+b=c.d-e_f", chat(stream=True)),
        named("req/1:a+b=c.d-e_f", chat(model="unknown")),
        named("req/1:a+b=c.d-e_f", message(), MESSAGES_PATH),
        named("req/1:a+b=c.d-e_f", chat(), "/nowhere"),
    ],
    ids=["whole", "streamed", "refused", "Messages", "no path"],
)
def test_a_client_s_request_id_comes_back(gateway: Gateway, raw: bytes) -> None:
    """Once: a provider's own is not sent beside it."""
    reply = sent(gateway, raw)

    assert reply.header("x-request-id") == "req/1:a+b=c.d-e_f"


@pytest.mark.parametrize("name", ["", "a b", "a" * 129, "ä", 'a"b', "<script>"])
def test_what_is_no_request_id_is_passed_over(gateway: Gateway, name: str) -> None:
    """It comes back nowhere; the provider's own is told, as without one."""
    reply = sent(gateway, named(name, chat()))

    assert reply.status == 200
    assert str(reply.header("x-request-id")).startswith("req_")


def test_two_calls_with_two_request_ids_are_not_confused(gateway: Gateway) -> None:
    """On one connection, heads that differ in nothing else; the books have them, too."""
    with Wire(gateway.port) as wire:
        for name in ("r1", "r2", "r1"):
            reply = wire.send(named(name, chat())).read()
            assert reply.header("x-request-id") == name
            (hold,) = gateway.holds(call_of(reply))
            assert hold.request_id == name
