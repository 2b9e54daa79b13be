"""Stores for tests: a SQLite file, or a database of a private PostgreSQL cluster.

`HEADGATE_TEST_STORE=postgresql` makes `open_test_store` and `place_store` use the latter, so that
the tests of the store run on both. The cluster is started once per test process, on first use.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine

from headgate.store.migrate import open_server, open_store
from headgate.store.place import database_of, name_database
from headgate.store.postgresql import make_server_engine

ON_POSTGRESQL = os.environ.get("HEADGATE_TEST_STORE") == "postgresql"
MIGRATED = "migrated"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
"""What makes tests quick; the ones of durability leave it out."""


def binaries() -> Path | None:
    """Return where PostgreSQL's programs are; None when it is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    there = shutil.which("initdb")
    return None if there is None else Path(there).parent


def _as_somebody(folder: Path) -> list[str]:
    """Return what runs a program as its owner: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    names = {each.pw_name for each in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


on_a_file = pytest.mark.skipif(ON_POSTGRESQL, reason="is about the files of SQLite")
"""Marks tests that PostgreSQL has nothing of."""


@dataclass
class Cluster:
    """A private PostgreSQL server, which listens on a Unix socket in its own folder."""

    folder: Path
    settings: Sequence[str] = FAST
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs."""
        found = binaries()
        assert found is not None
        subprocess.run(
            [*_as_somebody(self.folder), str(found / program), *arguments],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )

    @property
    def data(self) -> str:
        """Where its files are."""
        return str(self.folder / "data")

    def make(self) -> None:
        """Make its files."""
        options = ("--auth=trust", "--username=headgate", "--encoding=UTF8", "--locale=C")
        self.run("initdb", "-D", self.data, "--no-sync", *options)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        told = (*self.settings, "listen_addresses=", f"unix_socket_directories={self.folder}")
        options = " ".join(f"-c {each}" for each in told)
        log = str(self.folder / "log")
        self.run("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", log, "-o", options)

    def stop(self, how: str = "immediate") -> None:
        """Stop it: `immediate` as a crash does, `fast` in good order."""
        self.run("pg_ctl", "stop", "-w", "-s", "-D", self.data, "-m", how)

    def pids(self) -> list[int]:
        """Return the ids of all of its processes."""
        pid = int(Path(self.data, "postmaster.pid").read_text().split("\n", 1)[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [pid, *map(int, children)]

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://headgate@/{database}?host={self.folder}"

    def create(self, template: str = "template0") -> str:
        """Make a database, a copy of another if need be; returns its address."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        engine = make_server_engine(self.url("postgres"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        engine.dispose()
        return self.url(name)

    def create_migrated(self) -> str:
        """Make a database whose schema is the current one."""
        return self.create(_migrated(self))


def _name_of(url: str) -> str:
    return url.partition("?")[0].rpartition("/")[2]


_migrated_of: dict[Path, str] = {}
_running: list[Cluster] = []


def _migrated(cluster: Cluster) -> str:
    if cluster.folder not in _migrated_of:
        url = cluster.create()
        open_server(url).dispose()
        _migrated_of[cluster.folder] = _name_of(url)
    return _migrated_of[cluster.folder]


def new_cluster(settings: Sequence[str] = FAST) -> Cluster:
    """Start a cluster of its own; `stop_all` ends it. Skips the test where there is none."""
    if binaries() is None:
        pytest.skip("no PostgreSQL is installed")
    # A short path: the address of a socket has a hundred characters.
    cluster = Cluster(Path(tempfile.mkdtemp(prefix="hgpg", dir="/tmp")), settings)
    cluster.make()
    keep_running(cluster)
    return cluster


def keep_running(cluster: Cluster) -> None:
    """Start a cluster whose files are made, until `stop_all`."""
    cluster.start()
    _running.append(cluster)


@cache
def cluster() -> Cluster:
    """Return this test process's cluster."""
    return new_cluster()


def stop_all() -> None:
    """Stop what was started, and remove its files."""
    while _running:
        end(_running[-1])


def end(cluster: Cluster) -> None:
    """Stop one of those that were started, and remove its files."""
    _running.remove(cluster)
    # A test may have killed it.
    with contextlib.suppress(subprocess.CalledProcessError):
        cluster.stop()
    shutil.rmtree(cluster.folder, ignore_errors=True)


def place_store(data_dir: Path) -> None:
    """Let a new data directory have its store where this run of the tests wants it."""
    if ON_POSTGRESQL and database_of(data_dir) is None:
        name_database(data_dir, cluster().create_migrated())


def open_test_store(data_dir: Path) -> Engine:
    """Open the store of a data directory, for writing."""
    place_store(data_dir)
    return open_store(data_dir)


def copy_store(data_dir: Path, copied: Path) -> None:
    """Give a copied data directory a store of its own, with the same in it."""
    url = database_of(data_dir)
    if url is not None:
        (copied / "store.url").unlink()
        name_database(copied, cluster().create(_name_of(url)))


def store_table(url: str | None = None) -> str:
    """Return the configuration's `[store]`: of a database, or of where this run wants stores."""
    if url is None and ON_POSTGRESQL:
        url = cluster().create_migrated()
    return "" if url is None else f'\n[store]\nurl = "{url}"\n'
