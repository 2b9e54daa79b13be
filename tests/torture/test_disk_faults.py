"""A disk that fails below the store, anywhere: a clean error, or books that are whole."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from headgate.ledger.keeper import Keeper
from headgate.store.disk import Disk
from headgate.store.migrate import open_store
from headgate.store.place import STORE_NAME
from headgate.units.errors import HeadgateError
from tests.torture import crash_life
from tests.torture.aftermath import verify
from tests.torture.crash_life import BELOW, LIMIT, Worker, World
from tests.torture.faulty_vfs import Fault, Kind, Life, faulty_engine

QUICK = 20
"""So many operations of a short life are tried in the quick tier."""
STRIDE = 40
"""The slow tier tries every so many-th operation of a long life; `make torture` tries each."""


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A new store, in memory where there is a place for it."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        (Path(folder) / "template").mkdir()
        open_store(Path(folder) / "template").dispose()
        yield Path(folder) / "template"


def short(data: Path, engine: Engine) -> None:
    """Lend, fold, take over and carve, once each."""
    world, keeper = World(data), Keeper(engine, data / "journal", lambda _window: LIMIT)
    first = Worker(data, keeper, world, "w-1", Disk())
    first.calls(10)
    first.serve(10, leave="sent")
    first.die()
    keeper.take_over("w-1", 7)
    keeper.carve([BELOW], 8)
    second = Worker(data, keeper, world, "w-2", Disk())
    second.calls(10)
    second.close()
    keeper.fold()
    keeper.end_allotments(lambda each: each == BELOW, 9)


def long(data: Path, engine: Engine) -> None:
    """Fold often, so that the log is written into the file now and then; then live through all."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_autocheckpoint=50")
    world, keeper = World(data), Keeper(engine, data / "journal", lambda _window: LIMIT)
    many = Worker(data, keeper, world, "w-0", Disk(), lends=LIMIT // 2)
    for _ in range(40):
        many.calls(20)
    many.close()
    keeper.fold()
    crash_life.live(data, engine)


def endure(template: Path, life: Life, fault: Fault) -> bool:
    """Live on a disk that fails, then recover on one that works; returns whether it failed.

    Raises:
        AssertionError: Something was lost, or somebody was misled.
    """
    data = Path(shutil.copytree(template, template.parent / "life"))
    engine = faulty_engine(data / STORE_NAME, fault)
    try:
        # An error in copying the log into the file is SQLite's to pass over: the log has it all.
        life(data, engine)
    except (HeadgateError, SQLAlchemyError) as error:
        assert fault.failed, error
    finally:
        engine.dispose()
        for worker in list(Worker.living):
            worker.die()
    if fault.dead:
        fault.cut()
        (data / f"{STORE_NAME}-shm").unlink(missing_ok=True)
    verify(data, honest=fault.kind is not Kind.LOST)
    shutil.rmtree(data)
    return fault.failed


def count(template: Path, life: Life, kind: Kind) -> int:
    """Return how many operations a life takes on a disk that works."""
    fault = Fault(kind, at=0)
    endure(template, life, fault)
    return fault.operations


def test_a_store_on_a_disk_that_fails_once(template: Path) -> None:
    """Each kind of fault, at operations all over a short life of the ledger."""
    chance = random.Random()
    kinds = list(Kind)
    operations = {kind: count(template, short, kind) for kind in (Kind.ERROR, Kind.CUT)}
    every = operations[Kind.CUT]
    failed = 0
    for number in range(QUICK):
        kind = kinds[number % len(kinds)]
        last = operations.get(kind, every) - 2
        failed += endure(template, short, Fault(kind, at=chance.randint(1, last)))
    assert failed == QUICK


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.value)
def test_a_store_on_a_disk_that_fails_anywhere(template: Path, kind: Kind) -> None:
    """The same all over a long life, in which the log is written into the file again and again."""
    first = random.randint(1, STRIDE)
    places = range(first, count(template, long, kind) - 1, STRIDE)

    assert all(endure(template, long, Fault(kind, at)) for at in places)
