"""Idempotency keys: the rule, by any order of events; the keys as the steward keeps them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from headgate.ledger import tables
from headgate.ledger.repeats import Claimed, Ruling, Tried, rule
from headgate.ledger.settings import Idempotency
from headgate.ledger.store_repeats import NANOS_PER_HOUR, Repeats, open_repeats
from headgate.records.repeats import Claim, Kept, Over
from tests.stores import open_test_store

VOID = Tried("void", 0, "refused")
ERROR = Tried("measured", 0, "upstream_error")
BROKEN = Tried("estimated", 7, "connection_lost")
SERVED = Tried("measured", 5, None)
UNPRICED = Tried("unknown", 0, None)
UNMETERED = Tried("estimated", 7, "usage_unreadable")
WHOLE = (SERVED, UNPRICED, UNMETERED)
"""How attempts end that gave the client a whole reply."""

HELD = Tried("held", 0, None)
USUAL = Idempotency()
ENDS = st.sampled_from([VOID, ERROR, BROKEN, *WHOLE])

ASKS = st.lists(st.tuples(st.sampled_from("ab"), st.booleans()), max_size=3)
LIVES = st.tuples(
    ASKS, st.lists(st.tuples(ENDS, ASKS), max_size=3), st.sampled_from(["kept", "over", "die"])
)
"""What happens while a key is somebody's: who asks first, what its call tries and who asks in
between, and how it ends; a worker may die with an attempt in flight."""


Life = tuple[list[tuple[str, bool]], list[tuple[Tried, list[tuple[str, bool]]]], str]


class Key:
    """One key, the call that has it, and the calls before that were executed under it."""

    def __init__(self) -> None:
        self.claimed: Claimed | None = None
        self.attempts: list[Tried] = []
        self.calls = 0

    @property
    def running(self) -> bool:
        """Whether a call is executed."""
        return self.claimed is not None and not self.claimed.over

    def may_cost(self) -> bool:
        """Whether the call that has the key was served, or may have been."""
        return any(each not in (VOID, ERROR) for each in self.attempts)

    def over(self, *, whole: bool, kept: bool) -> None:
        """End the call that runs."""
        assert self.claimed is not None
        self.claimed = self.claimed._replace(over=True, whole=whole, kept=kept)


@given(st.lists(LIVES, max_size=4))
def test_at_most_one_call_is_paid_for_whatever_happens(lives: list[Life]) -> None:
    """A second is executed only if the first came to nothing, or its client accepts to pay twice.

    No order of asking, trying, ending and dying leaves a key that nobody can use or wait for.
    """
    key = Key()
    for asks, tries, how in lives:
        _ask_all(key, asks)
        for end, meanwhile in tries if key.running else []:
            key.attempts.append(HELD)
            _ask_all(key, meanwhile)
            key.attempts[-1] = end
            if end in WHOLE:
                break
        if key.running and how == "die":
            # The steward ends for a dead worker what was in flight; nobody says what was told.
            key.over(whole=False, kept=False)
        elif key.running:
            served = bool(key.attempts) and key.attempts[-1] in WHOLE
            key.over(whole=served, kept=served and how == "kept")
        _ask_all(key, asks)


def _ask_all(key: Key, asks: list[tuple[str, bool]]) -> None:
    for fingerprint, again in asks:
        _ask(key, fingerprint, again=again)


def _ask(key: Key, fingerprint: str, *, again: bool) -> None:
    before = key.claimed
    ruling = rule(before, key.attempts, fingerprint, again=again)
    if ruling is Ruling.GO:
        assert not key.running
        if before is not None and key.may_cost():
            assert again
            assert fingerprint == before.fingerprint
            assert not before.whole
        key.calls += 1
        key.claimed, key.attempts = Claimed(f"call_{key.calls}", fingerprint), []
        return
    assert before is not None
    assert (ruling is Ruling.MISMATCH) == (fingerprint != before.fingerprint)
    assert (ruling is Ruling.REPLAY) == (before.kept and ruling is not Ruling.MISMATCH)
    assert (ruling is Ruling.RUNNING) == (key.running and ruling is not Ruling.MISMATCH)
    if ruling is Ruling.UNKNOWN:
        assert not again
        assert not before.whole
        assert key.may_cost()


def test_a_call_that_was_cut_is_running_until_the_books_say_what_it_came_to() -> None:
    """Its client was refused at once; its attempt is read to its end."""
    cut = Claimed("call_1", "a", over=True)

    assert rule(cut, [HELD], "a", again=True) is Ruling.RUNNING
    assert rule(cut, [SERVED], "a", again=True) is Ruling.DONE


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A store in which the journal `ended` has ended and `open` has not."""
    engine = open_test_store(tmp_path_factory.mktemp("books"))
    with engine.begin() as connection:
        for name, ended in (("ended", True), ("open", False)):
            values = {"name": name, "seq": 1, "offset": 0, "ended": ended}
            connection.execute(insert(tables.journal).values(values))
    yield engine
    engine.dispose()


@pytest.fixture
def repeats(books: Engine, tmp_path: Path) -> Iterator[Repeats]:
    """Keys of a steward that has just started."""
    engine = open_repeats(tmp_path)
    yield Repeats(engine, books, lambda: None)
    engine.dispose()


def claim(key: str, *, owner: str = "alice", call: str = "", journal: str = "open") -> Claim:
    """Return a claim of a call that is named after its key."""
    return Claim(owner, key, "ff", call or f"call_{key}", journal)


def over(key: str, body: bytes | None = None, *, sent: bool = True, call: str = "") -> Over:
    """Return the end of such a call, with its reply."""
    kept = None if body is None else Kept(200, "application/json", "", body)
    return Over("alice", key, call or f"call_{key}", sent, body is not None, kept)


def ruled(repeats: Repeats, key: str, settings: Idempotency = USUAL) -> str:
    """Return what a repeat of a call is told."""
    return repeats.claim(claim(key, call=f"again_{key}"), settings, 9).ruling


def test_the_oldest_replies_make_room(repeats: Repeats) -> None:
    """What is kept is bounded; a call whose reply had to go is not executed again."""
    settings = Idempotency(replies_bytes_max=10)
    for number, key in enumerate("abc"):
        repeats.claim(claim(key), settings, number)
        repeats.over(over(key, b"12345"), settings)

    assert [ruled(repeats, key) for key in "abc"] == ["done", "replay", "replay"]


def test_a_reply_that_is_told_twice_is_kept_once(repeats: Repeats) -> None:
    """A steward may die between writing it and saying so."""
    settings = Idempotency(replies_bytes_max=10)
    repeats.claim(claim("a"), settings, 1)
    for _ in range(3):
        repeats.over(over("a", b"12345"), settings)
    repeats.claim(claim("b"), settings, 2)
    repeats.over(over("b", b"12345"), settings)

    assert [ruled(repeats, key) for key in "ab"] == ["replay", "replay"]


def test_the_end_of_an_earlier_call_does_not_touch_a_later_one(repeats: Repeats) -> None:
    """It may be told late, when the key is somebody else's by now."""
    repeats.claim(claim("a"), USUAL, 1)
    repeats.over(over("a", sent=False), USUAL)
    assert repeats.claim(claim("a", call="later"), USUAL, 2).ruling == "go"
    repeats.over(over("a", b"late"), USUAL)

    assert ruled(repeats, "a") == "running"


def test_keys_are_forgotten_in_time_but_not_under_a_running_call(repeats: Repeats) -> None:
    """Those of dead workers as well."""
    settings = Idempotency(keep_hours=1)
    repeats.claim(claim("served"), settings, 0)
    repeats.over(over("served", b"x"), settings)
    repeats.claim(claim("running"), settings, 0)
    repeats.claim(claim("dead", journal="ended"), settings, 0)

    assert repeats.sweep(settings, NANOS_PER_HOUR - 1) == 0
    assert repeats.sweep(settings, NANOS_PER_HOUR) == 2
    assert ruled(repeats, "running") == "running"
    assert ruled(repeats, "served") == "go"


def test_a_principal_has_so_many_keys_with_all_its_agents(repeats: Repeats) -> None:
    """Whoever hands on rights gets no more keys by it; others are not affected."""
    settings = Idempotency(keys_max=2)
    asked = [("a", "alice"), ("a", "alice/bot"), ("b", "alice/bot"), ("a", "bob")]

    rulings = [repeats.claim(claim(key, owner=who), settings, 1).ruling for key, who in asked]

    assert rulings == ["go", "go", "full", "go"]


def test_a_call_that_the_books_know_nothing_of_is_not_executed_again(repeats: Repeats) -> None:
    """As after somebody has put an old store back; in time the key is forgotten."""
    repeats.claim(claim("a", journal="lost"), USUAL, 1)

    assert ruled(repeats, "a") == "running"
    assert repeats.sweep(USUAL, USUAL.keep_hours * NANOS_PER_HOUR + 1) == 1


def test_a_call_whose_worker_died_before_it_held_anything_leaves_its_key(repeats: Repeats) -> None:
    """The books have no attempt of it."""
    repeats.claim(claim("a", journal="ended"), USUAL, 1)

    assert ruled(repeats, "a") == "go"
