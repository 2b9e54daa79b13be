"""How a process of the node ends for what is outside of it: with a line, not a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from headgate.units.errors import HeadgateError


@contextmanager
def told_plainly(process: str) -> Iterator[None]:
    """End a process with what was wrong and what to do; a bug keeps its traceback.

    Raises:
        SystemExit: Something was raised on purpose.
    """
    try:
        yield
    except HeadgateError as error:
        fix = f" {error.fix}" if error.fix else ""
        raise SystemExit(f"headgate {process}: {error}{fix}") from error
