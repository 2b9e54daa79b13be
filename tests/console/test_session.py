"""Cookies of the console: which are ours, and how long they are worth something."""

from headgate.console.ended import ENDED_MAX, Ended
from headgate.console.session import (
    KNOWN_COOKIE,
    SESSION_COOKIE,
    SESSION_S,
    Seal,
    is_running,
)

TOKEN = "a-token-of-some-length"
SEAL = Seal(b"a secret", TOKEN)


def test_a_cookie_tells_when_it_was_issued(now_ns: int) -> None:
    """Under another token or secret, another name, or changed by a hair, it tells nothing."""
    cookie = SEAL.cookie(SESSION_COOKIE, now_ns)

    assert SEAL.issued_ns(SESSION_COOKIE, cookie) == now_ns
    assert SEAL.issued_ns(KNOWN_COOKIE, cookie) is None
    assert Seal(b"a secret", "another").issued_ns(SESSION_COOKIE, cookie) is None
    assert Seal(b"another", TOKEN).issued_ns(SESSION_COOKIE, cookie) is None
    for changed in (cookie[:-1] + "x", f"1{cookie}", "", "é.é", f"{now_ns}.é"):
        assert SEAL.issued_ns(SESSION_COOKIE, changed) is None


def test_a_seal_shows_no_secret() -> None:
    """Wherever one is written down, neither the secret nor the token is."""
    assert repr(SEAL) == "Seal()"


def test_a_session_ends(now_ns: int) -> None:
    """After its time it is over, and none has begun in the future."""
    end_ns = now_ns + SESSION_S * 1_000_000_000

    assert is_running(now_ns, end_ns)
    assert not is_running(now_ns, end_ns + 1)
    assert not is_running(now_ns, now_ns - 1)


def test_what_was_ended_stays_ended() -> None:
    """When too many were, the oldest is forgotten with all before it, and none comes alive."""
    ended = Ended()
    for instant in range(1, 2 * ENDED_MAX, 2):
        ended.add(instant)
    assert 0 not in ended
    assert 2 not in ended

    ended.add(2 * ENDED_MAX + 1)
    ended.add(4)

    assert all(instant in ended for instant in range(1, 2 * ENDED_MAX + 2, 2))
    assert 0 in ended
    assert 4 in ended
    assert 6 not in ended
