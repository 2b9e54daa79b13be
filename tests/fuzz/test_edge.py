"""Requests that are nearly right, cut anywhere: answered legally or closed, and paid once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.units.errors import CODES
from tests.fuzz.mutating import cut, mutated
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, chat, encode, head, message, request
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import ClosedError, Reply, Wire

QUIET_S = 0.05
"""Who says nothing for so long while no call runs waits for the rest of a request."""

STATUSES = {code.code: code.status for code in CODES}
CONTINUE = 100
ASKED = encode(chat())
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n\r\n"
CHUNKED = head(
    headers=[("transfer-encoding", "chunked")]
) + b"\r\n5;a=b\r\n%b\r\n%x\r\n%b\r\n0\r\nx-note: one\r\n\r\n" % (
    ASKED[:5],
    len(ASKED) - 5,
    ASKED[5:],
)
GOOD = (
    request(chat()),
    request(chat(stream=True)),
    request(message(stream=True), MESSAGES_PATH),
    request(message(model="mini"), MESSAGES_PATH),
    request(chat(), headers=[("expect", "100-continue")]),
    request(chat(), CHAT_PATH + "?a=b", version="1.0"),
    request(path="/v1/models", method="GET"),
    CHUNKED,
    HEALTH + request(chat()) + CHUNKED,
)
WORDS = (
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b" ",
    b":",
    b"\t",
    b"\r\n\r\n",
    b"\r\n ",
    b"0\r\n\r\n",
    b"ffffffffffffffff",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"connection: close\r\n",
    b"connection: upgrade\r\nupgrade: websocket\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
    b"expect: 100-continue\r\n",
    b"host: other\r\n",
    b"HTTP/1.0",
    b"POST /v1/messages HTTP/1.1\r\n",
    b'"stream":true,',
    b"\xff\xfe",
    b"[" * 2_000,
    b"x" * 70_000,
)


def answers(gateway: Gateway, pieces: list[bytes]) -> list[Reply]:
    """Send bytes and return every whole reply; fails when the gateway neither answers nor closes.

    Once it is quiet because it waits for more, the client ends its half, and it has to close.
    """
    replies: list[Reply] = []
    with Wire(gateway.port) as wire:
        try:
            for piece in pieces:
                wire.send(piece)
        except (BrokenPipeError, ConnectionResetError):
            return replies  # It closed in front of the rest, which it need not read.
        ended = False
        while True:
            try:
                if not ended and not heard(wire, gateway):
                    ended = True
                    wire.end()
                replies.append(wire.read())
            except ClosedError as error:
                assert ended or not error.received, error
                return replies


def heard(wire: Wire, gateway: Gateway) -> bool:
    """Tell whether something comes; False when nothing does and no call runs."""
    while not wire.is_readable(QUIET_S):
        if gateway.run(lambda: not gateway.pipeline.exchanges):
            return False
    return True


def assert_legal(reply: Reply) -> None:
    """Assert that a reply is one that the documents know, and tells of no bug."""
    if reply.status in (200, CONTINUE):
        return
    assert reply.code in STATUSES, reply
    assert reply.status == STATUSES[reply.code], reply
    assert reply.code != "internal_error", reply


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # what is kept is wanted
@given(data=st.data())
def test_what_is_nearly_a_request_is_answered_or_closed(
    gateway: Gateway, data: st.DataObject
) -> None:
    """No bytes make it hang, answer what is no HTTP, or lose count of money."""
    raw = data.draw(mutated(GOOD, WORDS)) + data.draw(st.sampled_from((b"", LAST)))

    for reply in answers(gateway, data.draw(cut(raw))):
        assert_legal(reply)

    assert not gateway.problems
    with Wire(gateway.port) as wire:
        assert wire.send(HEALTH).read().status == 200
