"""How the last reload of a node went: told by the supervisor, read by who asked for it."""

from pathlib import Path

import msgspec
from msgspec import Struct

from headgate.node.paths import outcome_path
from headgate.store.private import private
from headgate.units.errors import Problem


class Outcome(Struct, frozen=True):
    """How a reload went.

    Attributes:
        at_ns: When it ended; no two have the same.
        problems: What was in the way; with none, the configuration is in force.
        retiring: How many workers still finish calls of earlier configurations.
    """

    at_ns: int
    problems: tuple[Problem, ...]
    retiring: int


def tell(data_dir: Path, outcome: Outcome) -> None:
    """Leave an outcome where it is looked for, whole or not at all."""
    path = outcome_path(data_dir)
    new = path.with_suffix(".new")
    with open(new, "wb", opener=private) as file:
        file.write(msgspec.json.encode(outcome))
    new.replace(path)


def last(data_dir: Path) -> Outcome | None:
    """Return how the last reload of a node went, None before the first since its start."""
    try:
        return msgspec.json.decode(outcome_path(data_dir).read_bytes(), type=Outcome)
    except FileNotFoundError:
        return None
