"""`/v1/runs`: a run is told of with its parent and its budget, told how it goes, and asked after.

    POST /v1/runs         {"run": "r1", "agent": "researcher", "budget_usd": "5.00"}
    POST /v1/runs/r1      {"state": "done"}
    GET  /v1/runs/r1
    GET  /v1/runs         the newest of one's own

What no client can send comes by methods of their own: `GUARD` from a worker that counts, `STOP`
and `AUDIT` from the command line of whoever may read the data directory.
"""

from typing import Annotated, TypedDict

import msgspec
from msgspec import Meta, Struct

from headgate.budgets.runs import Run, State, find_run, read_runs, tree_of
from headgate.insights.contract_runs import RunView
from headgate.insights.runs import run_views
from headgate.node import running
from headgate.node.control.registry import Desk, Served, refused
from headgate.records.control import ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import RUN_PATTERN
from headgate.units.money import MoneyError, parse_usd

LISTED_MAX = 100
Name = Annotated[str, Meta(pattern=f"^{RUN_PATTERN}$")]


class Told(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A run as it is told of; `budget_usd` is dollars as text."""

    run: Name
    parent: Name | None = None
    agent: Annotated[str, Meta(max_length=64)] = ""
    budget_usd: Annotated[str, Meta(max_length=32)] | None = None


class Became(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of a run."""

    state: State


class Stopped(Struct, frozen=True, kw_only=True):
    """What a guard or a person says of a run: `frozen`, `thawed`, `cancelled` or `approved`."""

    action: str
    reason: str = ""


class Listed(TypedDict):
    """The newest runs."""

    runs: list[RunView]


class Shown(TypedDict):
    """A run, and those below it."""

    run: RunView
    below: list[RunView]


_BUDGET = (
    *(errors.BUDGET_EXCEEDED, errors.BUDGET_CONTENDED),
    *(errors.FROZEN, errors.RUN_RUNAWAY, errors.RUN_CONFLICT),
)
SERVED = (
    Served("GET", None, "List the newest runs.", None, Listed),
    Served("POST", None, "Tell of a run.", Told, RunView, (errors.RUN_UNKNOWN, *_BUDGET)),
    Served("GET", "run", "Show a run and those below it.", None, Shown, (errors.RUN_UNKNOWN,)),
    Served(
        "POST",
        "run",
        "Tell what became of a run.",
        Became,
        RunView,
        (errors.RUN_UNKNOWN, errors.RUN_CONFLICT),
    ),
)


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Answer what is asked about runs; a client sees those of its own principal."""
    try:
        if request.method == "GET":
            return _read(request, desk)
        if request.method in ("GUARD", "STOP"):
            return _stop(request, desk)
        if request.name:
            became = msgspec.json.decode(request.body, type=Became)
            done = running.change(desk, request.principal, request.name, became.state)
        else:
            done = _open(request, msgspec.json.decode(request.body, type=Told), desk)
    except msgspec.ValidationError as error:
        return refused(errors.BODY_INVALID, f"{error}.")
    except msgspec.DecodeError as error:
        return refused(errors.BODY_MALFORMED, f"The body is not valid JSON: {error}.")
    except MoneyError as error:
        return refused(errors.BODY_INVALID, f"budget_usd: {error}.")
    return _told(done, desk)


def _open(request: ControlRequest, told: Told, desk: Desk) -> Run | Refusal:
    budget = None if told.budget_usd is None else parse_usd(told.budget_usd)
    wanted = running.Wanted(
        principal=request.principal,
        key=request.key,
        run=told.run,
        parent=told.parent,
        agent=told.agent,
        budget_nanos=budget,
    )
    return running.open_run(desk, wanted)


def _stop(request: ControlRequest, desk: Desk) -> ControlReply:
    said = msgspec.json.decode(request.body, type=Stopped)
    stop = running.Stop(request.principal, request.name, said.action, said.reason, request.key)
    return _told(running.stop(desk, stop), desk)


def _read(request: ControlRequest, desk: Desk) -> ControlReply:
    desk.fold()
    with desk.reading.connect() as connection:
        if not request.name:
            views = run_views(connection, read_runs(connection, request.principal, LISTED_MAX))
            return ControlReply(200, msgspec.json.encode({"runs": views}).decode())
        found = find_run(connection, request.principal, request.name)
        if found is None:
            return refused(*running.unknown(request.name)[:2])
        views = run_views(connection, tree_of(connection, found))
    return ControlReply(200, msgspec.json.encode({"run": views[0], "below": views[1:]}).decode())


def _told(done: Run | Refusal, desk: Desk) -> ControlReply:
    if isinstance(done, Refusal):
        return refused(done.code, done.message)
    with desk.engine.connect() as connection:
        view: RunView = run_views(connection, [done])[0]
    return ControlReply(200, msgspec.json.encode(view).decode())
