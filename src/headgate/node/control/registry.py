"""Finding who answers which resource, and what they answer with."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from headgate.config.snapshot import Snapshot
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_repeats import Repeats
from headgate.node.approving import Approving
from headgate.records.control import ControlReply, ControlRequest
from headgate.units.errors import Code


class Desk(NamedTuple):
    """What there is to answer with.

    Attributes:
        engine: The store, for writing; `reading`: beside it, for what only looks.
        keeper: The ledger's hands, for budgets of runs.
        fold: Folds what the journals have by now.
        changed: Tells every worker what holds now.
        repeats: The idempotency keys of calls.
        approving: Decides about requests for approval.
        lacking: Takes the windows of which too little was left: what lies idle of them at workers
            is recalled, and the request is answered anew.
    """

    snapshot: Snapshot
    engine: Engine
    reading: Engine
    keeper: Keeper
    fold: Callable[[], None]
    changed: Callable[[], None]
    repeats: Repeats
    now_ns: Callable[[], int]
    approving: Approving
    lacking: list[str]


Answer = Callable[[ControlRequest, Desk], ControlReply]


def answers() -> dict[str, Answer]:
    """Return who answers, by resource: the files of this folder that have an `answer`."""
    found: dict[str, Answer] = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = importlib.import_module(f"headgate.node.control.{info.name}")
        if hasattr(module, "answer"):
            found[info.name] = module.answer
    return found


def refused(code: Code, message: str) -> ControlReply:
    """Return a refusal."""
    return ControlReply(code.status, message, code.code)
