"""Migrating the store by Alembic; imported when there is something to migrate."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def migrate(engine: Engine, migrations: Path, revision: str) -> None:
    """Bring the store up to a schema; does nothing when another node was quicker."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["engine"] = engine
    command.upgrade(config, revision)
