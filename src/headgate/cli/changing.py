"""Changing for commands: through the steward, or in the store itself when none runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from headgate.cli.output import EXIT_NO, fail
from headgate.node.client import ask
from headgate.node.messages import Failed, Message
from headgate.store.migrate import open_store
from headgate.units.errors import StewardUnavailableError, StoreError


def change(data_dir: Path, message: Message, alone: Callable[[Connection], str | None]) -> None:
    """Have the steward do something, or do it in the store when no steward runs.

    Args:
        data_dir: Where store and socket are; made when it is not there.
        message: What the steward is asked.
        alone: Does the same in the store; returns why it could not, None when it is done.

    Raises:
        StoreError: No steward runs and the store cannot be changed.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        answer = ask(data_dir, message)
        reason = answer.reason if isinstance(answer, Failed) else None
    except StewardUnavailableError:
        with _writing(data_dir) as connection:
            reason = alone(connection)
    if reason is not None:
        fail(reason, "Nothing was changed.", EXIT_NO)


@contextmanager
def _writing(data_dir: Path) -> Iterator[Connection]:
    engine = open_store(data_dir)
    try:
        with engine.begin() as connection:
            yield connection
    except DatabaseError as error:
        raise StoreError(f"The store in {data_dir} cannot be changed: {error.orig}.") from error
    finally:
        engine.dispose()
