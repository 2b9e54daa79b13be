"""Events are cut out of a stream alike, the short way and the long one."""

from hypothesis import example, given
from hypothesis import strategies as st

from headgate.dialects.sse import data_of, plain_data_of
from headgate.dialects.translation.events import Events

PIECES = (b"data:", b"data: {}", b"event: a", b": c", b"\n", b" ", b"}", b"\xef\xbb\xbf", b"x")
TEXTS = st.lists(st.sampled_from(PIECES), max_size=8).map(b"".join)
ENDS = st.sampled_from((b"\n\n", b"}\n\n", b"\n\n\n", b"\r\n\r\n", b"\n"))


@given(TEXTS)
def test_one_line_of_data_is_read_as_any_event(event: bytes) -> None:
    r"""Without `\r` the short way finds what the pattern finds."""
    assert plain_data_of(event) == data_of(event)


@example([b"\r\n\r\n", b"\xef\xbb\xbfdata: x\n\n"])
@given(st.lists(st.tuples(TEXTS, ENDS).map(b"".join), max_size=4))
def test_whole_events_are_read_as_those_that_come_in_pieces(reads: list[bytes]) -> None:
    """A read that is whole events takes the short way, single bytes never do."""
    at_once, bytewise = Events(), Events()
    whole = [data for read in reads for data in at_once.feed(read)]
    pieces = [data for byte in b"".join(reads) for data in bytewise.feed(bytes([byte]))]

    assert whole + at_once.flush() == pieces + bytewise.flush()
