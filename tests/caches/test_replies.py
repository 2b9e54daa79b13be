"""Kept replies: within their time and their size, whatever comes in which order."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.caches.replies import ENTRY_BYTES, Replies, Reply

ROOM = 3 * ENTRY_BYTES


def reply(size: int = 0, until_ns: int = 10) -> Reply:
    """Return a reply with a body of a size."""
    return Reply("call", "mini", b"text/plain", b"", bytes(size), 5, until_ns)


@given(st.lists(st.tuples(st.binary(max_size=1), st.integers(0, 2 * ROOM)), max_size=8))
def test_the_size_is_the_sum_and_within_its_bound(kept: list[tuple[bytes, int]]) -> None:
    """However many replies come under however many keys."""
    replies = Replies(ROOM)
    for key, size in kept:
        replies.keep(key, reply(size))

        found = [replies.find(bytes(each), 0) for each in {key for key, _ in kept}]
        assert replies.size == sum(each.size for each in found if each is not None) <= ROOM
        assert len(replies) == sum(each is not None for each in found)


def test_a_reply_is_given_until_its_time_is_over() -> None:
    """At that instant it is too old, and takes no room any more."""
    replies = Replies(ROOM)
    replies.keep(b"key", reply(until_ns=10))

    assert replies.find(b"key", 9) is not None
    assert replies.find(b"key", 10) is None
    assert replies.size == 0


def test_what_was_used_longest_ago_makes_room() -> None:
    """Being given again is a use."""
    replies = Replies(ROOM)
    for key in (b"1", b"2", b"3"):
        replies.keep(key, reply())
    replies.find(b"1", 0)

    replies.keep(b"4", reply())

    assert [key for key in (b"1", b"2", b"3", b"4") if replies.find(key, 0)] == [b"1", b"3", b"4"]
