"""What is kept of a reply: everything but what belongs to the connection it was written to."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.client.http_bytes import LAST_CHUNK, chunk
from headgate.gateway.kept.recorder import kept, unchunked


@given(st.lists(st.binary(min_size=1)))
def test_chunks_are_put_together(pieces: list[bytes]) -> None:
    """Whatever the pieces hold, line ends and zeros as well."""
    framed = b"".join(chunk(piece) for piece in pieces) + LAST_CHUNK

    assert unchunked(framed) == b"".join(pieces)


def test_framing_and_what_held_then_are_left_out() -> None:
    """The rest of the head stays, line for line."""
    head = (
        b"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"content-type: text/event-stream\r\nx-headgate-call: call_1\r\n"
        b"X-RateLimit-Remaining: 3\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
        b"access-control-allow-origin: https://app.example\r\nvary: origin\r\n"
        b"access-control-expose-headers: *\r\n\r\n"
    )

    reply = kept(head + chunk(b"data: 1\n\n") + LAST_CHUNK)

    assert (reply.status, reply.content_type) == (200, "text/event-stream")
    assert reply.lines == "x-headgate-call: call_1\r\n"
    assert reply.body == b"data: 1\n\n"


def test_a_stream_without_chunks_is_kept_as_it_is() -> None:
    """HTTP/1.0 knows no chunks."""
    reply = kept(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n")

    assert reply.body == b"data: 1\n\n"
