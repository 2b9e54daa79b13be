"""The store's schema: what the migrations make is what the tables say, and no attempt is lost."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect
from sqlalchemy.exc import OperationalError

import headgate.store.fresh
from headgate.insights.calls import AttemptRow
from headgate.insights.search import Wanted, list_calls
from headgate.records.charge import ChargeLine
from headgate.store.database import make_engine
from headgate.store.fresh import SCRIPT, make_tables
from headgate.store.migrate import MIGRATIONS, open_store, revision_of, upgrade
from headgate.store.migrating import fresh
from headgate.store.postgresql import make_server_engine
from headgate.store.schema import METADATA
from headgate.units.errors import StoreError
from tests import stores

PACKAGE = Path(headgate.__file__).parent
ROOT = PACKAGE.parents[1]
OLD_LINES = (
    '[{"meter":"output_text","quantity":3,"price_femto":2000,"amount_nanos":6,"price_row":"row"}]'
)
OLD_ATTEMPTS = [
    ("call_a.1", "call_a", "w0-1", 5, "alice", None, "mini", '["team@once"]', OLD_LINES),
    ("call_a.2", "call_a", "w0-1", 6, "alice", None, "gpt", '["team@once"]', "[]"),
    ("call_b.1", "call_b", "w0-1", 7, "alice", "r1", "mini", '["r1@once","team@once"]', "[]"),
    ("call_c.1", "call_c", "w1-1", 8, "bob", None, "mini", '["team@once"]', "[]"),
]


REVISIONS = sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("0*.py"))
"""Every schema there was: one after the other is how a store is upgraded from each."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store without tables, in a file."""
    made = make_engine(f"sqlite:///{tmp_path / 'headgate.db'}")
    yield made
    made.dispose()


@pytest.fixture
def server() -> Iterator[Engine]:
    """A store without tables, on PostgreSQL."""
    made = make_server_engine(stores.cluster().create())
    yield made
    made.dispose()


@pytest.mark.parametrize("kind", ["engine", "server"])
def test_the_migrations_make_the_tables(kind: str, request: pytest.FixtureRequest) -> None:
    """A column or an index that only the code or only the migrations know is found."""
    for path in PACKAGE.rglob("*.py"):
        if "    METADATA," in path.read_text():
            importlib.import_module(
                ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
            )
    engine: Engine = request.getfixturevalue(kind)
    for revision in REVISIONS:
        upgrade(engine, revision)

    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_a_new_store_has_what_the_migrations_make() -> None:
    """Change it with: python -m headgate.store.migrating > (the path of) `SCRIPT`."""
    assert SCRIPT.read_text() == fresh()


def test_a_new_store_is_made_without_migrating(tmp_path: Path) -> None:
    """Its tables are there at once, in the newest schema, and Alembic is not even imported."""
    code = f"""
import sys
from pathlib import Path
from headgate.store.migrate import open_store, revision_of
print(revision_of(open_store(Path({str(tmp_path)!r}))), "alembic" in sys.modules)
"""
    told = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert told.split() == [REVISIONS[-1], "False"]


def test_a_store_has_all_of_its_tables_or_none(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is stopped while making them leaves a store that is as new as it was."""
    broken = tmp_path / "broken.sql"
    broken.write_text("CREATE TABLE one (id INTEGER);\nCREATE TABLE;\n")
    with monkeypatch.context() as patched, pytest.raises(OperationalError):
        patched.setattr(headgate.store.fresh, "SCRIPT", broken)
        make_tables(engine)
    assert not inspect(engine).get_table_names()

    make_tables(engine)

    assert revision_of(engine) == REVISIONS[-1]


def test_a_store_of_an_older_schema_is_migrated(tmp_path: Path, engine: Engine) -> None:
    """What has tables is left to the migrations, whichever they are."""
    upgrade(engine, REVISIONS[0])
    opened = open_store(tmp_path)

    assert revision_of(opened) == REVISIONS[-1]
    opened.dispose()


@pytest.mark.slow
def test_nodes_that_start_at_once_migrate_once(server: Engine) -> None:
    """One does it, the others wait and find it done."""
    code = "import sys; from headgate.store.migrate import open_server; open_server(sys.argv[1])"
    command = [sys.executable, "-c", code, server.url.render_as_string(hide_password=False)]
    nodes = [subprocess.Popen(command, env={"PYTHONPATH": "src"}, cwd=ROOT) for _ in range(3)]

    assert [node.wait(60) for node in nodes] == [0, 0, 0]

    with server.connect() as connection:
        (revision,) = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one()
    assert revision == REVISIONS[-1]


def test_attempts_that_repeated_their_callers_are_kept(engine: Engine) -> None:
    """Each attempt keeps its caller, its route, its lines and its money."""
    upgrade(engine, "0003")
    with engine.begin() as connection:
        for attempt in OLD_ATTEMPTS:
            connection.exec_driver_sql(_INSERT_OLD, attempt)

    upgrade(engine)

    with engine.connect() as connection:
        rows = [row for row in list_calls(connection, Wanted(), 50) if isinstance(row, AttemptRow)]
        (whole,) = connection.exec_driver_sql("SELECT count(*) FROM caller").one()
    kept = {row.attempt: row for row in rows}
    assert sorted(kept) == [attempt[0] for attempt in OLD_ATTEMPTS]
    assert whole == 3
    for name, call, journal, at_ns, principal, run, deployment, windows, _ in OLD_ATTEMPTS:
        row = kept[name]
        assert (row.call, row.journal, row.at_ns) == (call, journal, at_ns)
        assert (row.principal, row.run, row.deployment) == (principal, run, deployment)
        assert list(row.windows) == windows.strip('[]"').split('","')
        assert (row.team, row.key, row.asked, row.dialect) == ("red", "k", "fast", "openai_chat")
        assert (row.hold_nanos, row.posted_nanos, row.state) == (9, 6, "measured")
    assert kept["call_a.1"].lines == (ChargeLine("output_text", 3, 2000, 6, "row"),)
    assert kept["call_a.1"].usage == {"output_text": 3}


_INSERT_OLD = """
INSERT INTO attempt (attempt, call, journal, at_ns, principal, run, deployment, windows, lines,
  team, key, asked, dialect, stream, decision, input_tokens_max, output_tokens_max, choices,
  hold_nanos, ended_ns, state, posted_nanos, final, status, duration_us, usage, closed_by)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'red', 'k', 'fast', 'openai_chat', 1, 1, 10, 20, 1,
  9, 50, 'measured', 6, 1, 200, 4, '{"output_text":3}', 'worker')
"""


def test_a_new_store_is_its_owners_alone(tmp_path: Path) -> None:
    """That holds for the files beside it too, which have what was written last."""
    store = open_store(tmp_path)

    try:
        open_to = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.glob("headgate.db*")}
    finally:
        store.dispose()

    assert open_to == {"headgate.db": 0, "headgate.db-shm": 0, "headgate.db-wal": 0}


def test_a_store_that_cannot_be_made_is_told_with_what_to_do(tmp_path: Path) -> None:
    """A folder that is not there is an error of the store, not a bug."""
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(tmp_path / "missing")
