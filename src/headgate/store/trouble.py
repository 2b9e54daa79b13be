"""How the loss of a store is told: in one line, without the statement that met it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import (
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NotSupportedError,
    ProgrammingError,
    SQLAlchemyError,
)

from headgate.units.errors import StoreError

_OURS = (DataError, IntegrityError, NotSupportedError, ProgrammingError)
"""What only a statement of ours can have caused: a bug, which is not to be told as a loss."""
FIX = "While that lasts, `headgate doctor` says what is wrong with the store."


def said(error: SQLAlchemyError) -> str:
    """Return the first line of what the database, or its driver, said."""
    lines = str(error.orig if isinstance(error, DBAPIError) else error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__


@contextmanager
def trouble_told() -> Iterator[None]:
    """Raise what is of the database itself, not of what it was asked, as a steward's loss of it.

    Raises:
        StoreError: The database cannot be reached, has gone, or is broken.
    """
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if isinstance(error, _OURS):
            raise
        raise StoreError(
            f"The store is lost: {said(error)}; a new steward tries again.", FIX
        ) from error
