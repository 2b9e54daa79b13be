"""Finding who answers which resource, and what they answer with."""

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

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
        unanswered: Returns what of a window may lie idle at workers that were asked for it, and
            have not answered.
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
    unanswered: Callable[[str], int]


Answer = Callable[[ControlRequest, Desk], ControlReply]


class Served(NamedTuple):
    """One thing that a resource does, as the OpenAPI document tells it.

    Attributes:
        method: `GET` or `POST`.
        name: What stands for the name in its path, None when there is none.
        summary: What it does, one sentence.
        body: What is read of the body, None for none.
        answer: What a good answer is, with `status`.
        codes: What it can be refused with beside what every resource can.
    """

    method: str
    name: str | None
    summary: str
    body: type | None
    answer: Any
    codes: tuple[Code, ...] = ()
    status: int = 200


def served() -> dict[str, tuple[Served, ...]]:
    """Return what resources do for clients, by resource: the `SERVED` of those that have one."""
    found: dict[str, tuple[Served, ...]] = {}
    for info in pkgutil.iter_modules([str(Path(__file__).parent)]):
        module = importlib.import_module(f"headgate.node.control.{info.name}")
        if hasattr(module, "SERVED"):
            found[info.name] = module.SERVED
    return found


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
