"""Keys of batches as a steward rules about them: by the batch, its money, and the time."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from headgate.ledger import store_batch_keys, store_batches
from headgate.ledger.allotments import Allotment
from headgate.ledger.settings import Idempotency
from headgate.ledger.store_allotments import keep as keep_allotment
from headgate.ledger.store_repeats import NANOS_PER_HOUR
from headgate.node.batch_repeats import Ruling, keep, made_before
from headgate.records.batch import Batch
from headgate.records.control import ControlReply, Named
from tests.ledger.test_batches import BATCH, WINDOW
from tests.stores import open_test_store

NAMED = Named("key", "asked")
DAY_NS = 24 * NANOS_PER_HOUR


def at(now_ns: int, node: str = "", keys_max: int = 10) -> Ruling:
    """Return what is ruled by at an instant."""
    return Ruling(node, Idempotency(keys_max=keys_max), now_ns)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A store with a batch under a key of alice's."""
    engine = open_test_store(tmp_path)
    with engine.begin() as connection:
        assert keep(connection, BATCH, NAMED, at(0)) is None
    yield engine
    engine.dispose()


def hold(store: Engine) -> None:
    """Carve the money of the batch."""
    money = Allotment(WINDOW, 5, ("team@once",), "", (), "batch:alice")
    with store.begin() as connection:
        keep_allotment(connection, money, 0)


def ruled(store: Engine, by: Ruling, named: Named = NAMED) -> Batch | ControlReply | None:
    """Ask for a key of alice's."""
    with store.begin() as connection:
        return made_before(connection, named, "alice", by)


def code(answer: Batch | ControlReply | None) -> str | None:
    """Return the code of a refusal."""
    assert isinstance(answer, ControlReply)
    return answer.code


def test_a_batch_that_was_never_held_frees_its_key(store: Engine) -> None:
    """A crash came between the two: nothing was sent, and nobody is told of it."""
    assert ruled(store, at(1)) is None

    with store.connect() as connection:
        assert store_batches.find_batch(connection, BATCH.id) is None
        assert store_batch_keys.find_key(connection, "alice", "key") is None


def test_a_batch_that_another_node_is_about_to_hold_is_waited_for(store: Engine) -> None:
    """Whether it will be held nobody knows yet; when it is, it is told of."""
    assert code(ruled(store, at(1, node="n2"))) == "idempotency_running"

    hold(store)

    assert ruled(store, at(1, node="n2")) == BATCH


def test_a_key_is_new_again_when_its_time_is_over_and_its_batch_has_ended(store: Engine) -> None:
    """Not before: a batch may run for as long as its key is remembered."""
    hold(store)
    assert ruled(store, at(DAY_NS)) == BATCH
    with store.begin() as connection:
        store_batches.change_batch(connection, msgspec.structs.replace(BATCH, stage="settled"))
    assert ruled(store, at(DAY_NS - 1)) is not None

    assert ruled(store, at(DAY_NS)) is None


def test_keys_are_forgotten_and_those_of_running_batches_are_not(store: Engine) -> None:
    """What the steward does now and then, whoever comes back."""
    hold(store)
    with store.begin() as connection:
        store_batch_keys.forget_keys(connection, DAY_NS)
    assert ruled(store, at(1)) == BATCH

    with store.begin() as connection:
        store_batches.forget_batch(connection, BATCH.id)
        store_batch_keys.forget_keys(connection, -1)
    assert code(ruled(store, at(1))) == "idempotency_done"

    with store.begin() as connection:
        store_batch_keys.forget_keys(connection, 0)
    assert ruled(store, at(1)) is None


def test_a_key_of_something_else_is_refused(store: Engine) -> None:
    """Whatever became of its batch."""
    hold(store)

    assert code(ruled(store, at(1), Named("key", "other"))) == "idempotency_mismatch"


def test_a_principal_has_so_many_keys(store: Engine) -> None:
    """Others have their own, and a batch without a key needs none."""
    other = msgspec.structs.replace(BATCH, id="batch_2")
    with store.begin() as connection:
        full = keep(connection, other, Named("second", "asked"), at(1, keys_max=1))
        unnamed = keep(connection, other, None, at(1, keys_max=1))
        bobs = msgspec.structs.replace(BATCH, id="batch_3", principal="bob")
        bob = keep(connection, bobs, NAMED, at(1, keys_max=1))

    assert code(full) == "idempotency_full"
    assert unnamed is None
    assert bob is None
