"""Migrating the store by Alembic; imported when there is something to migrate.

`python -m headgate.store.migrating > src/headgate/store/migrations/fresh.sql` writes what a new
SQLite store is made by, after a migration was added.
"""

import sys
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine

from headgate.store.database import make_engine
from headgate.store.fresh import END
from headgate.store.migrate import MIGRATIONS

_MADE = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
_NUMBERED = """
SELECT 'INSERT INTO alembic_version (version_num) VALUES (' || quote(version_num) || ')'
FROM alembic_version
"""


def migrate(engine: Engine, revision: str) -> None:
    """Bring the store up to a schema; does nothing when another node was quicker."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)


def fresh() -> str:
    """Return the script that makes what all migrations come to, on SQLite."""
    with TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/migrated.db")
        migrate(engine, "head")
        with engine.connect() as connection:
            made = connection.exec_driver_sql(_MADE).scalars().all()
            numbered = connection.exec_driver_sql(_NUMBERED).scalar_one()
        engine.dispose()
    lines = "".join(each + END for each in (*made, numbered)).splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


if __name__ == "__main__":
    sys.stdout.write(fresh())
