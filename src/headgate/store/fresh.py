"""The tables of a new SQLite store, made at once instead of by one migration after another.

`migrations/fresh.sql` is what all migrations come to, as SQLite itself says it; `migrating.py`
writes it.
"""

from pathlib import Path

from sqlalchemy import Engine

SCRIPT = Path(__file__).parent / "migrations" / "fresh.sql"
END = ";\n"
"""Of each statement; there is none within one."""


def make_tables(engine: Engine) -> None:
    """Give a store without tables all of them, and their schema's number; else do nothing."""
    with engine.connect() as connection:
        # The driver begins nothing by itself before what makes tables. All are made, or none.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if not connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one():
            for statement in SCRIPT.read_text().removesuffix(END).split(END):
                connection.exec_driver_sql(statement)
        connection.commit()
