"""A PostgreSQL primary with a standby that commits with it, and the death of the primary."""

import os
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from headgate.store.postgresql import make_server_engine
from tests import stores
from tests.node.harness import until
from tests.stores import Cluster, new_cluster

NAME = "standby"
FOLLOW = f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'"
IN_STEP = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


@dataclass
class Replicated:
    """Two servers, the second of which has whatever the first says that it has."""

    primary: Cluster
    standby: Cluster

    def url(self) -> str:
        """Return the address of a new database, wherever it can be written."""
        database = self.primary.create_migrated().partition("?")[0]
        hosts = f"host={self.primary.folder},{self.standby.folder}"
        return f"{database}?{hosts}&target_session_attrs=read-write"

    def kill_primary(self) -> None:
        """Kill all of its processes, at once and without a word."""
        for each in self.primary.pids():
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                # It went when its parent did.
                continue

    def promote(self) -> None:
        """Make the standby the one that is written."""
        self.standby.run("pg_ctl", "promote", "-w", "-s", "-D", self.standby.data)


def replicated() -> Replicated:
    """Start both, and wait until they are in step; `stores.stop_all` ends them."""
    primary = new_cluster(settings=())
    standby = Cluster(Path(tempfile.mkdtemp(prefix="hgpg", dir="/tmp")), settings=())
    source = f"host={primary.folder} user=headgate application_name={NAME}"
    standby.run("pg_basebackup", "-d", source, "-D", standby.data, "-R", "-c", "fast", "--no-sync")
    stores.keep_running(standby)
    engine = make_server_engine(primary.url("postgres"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(FOLLOW))
        connection.execute(text("SELECT pg_reload_conf()"))
        until(lambda: connection.scalar(text(IN_STEP)) == 1, "the standby is in step")
    engine.dispose()
    return Replicated(primary, standby)
