"""What trackers tell of how work ended: kept for whoever the hook is of, and told once."""

from typing import TypedDict

import msgspec
from sqlalchemy import Connection

from headgate.insights.hooked import is_known, note
from headgate.insights.outcomes import Maker, Outcome, makers, tell_made
from headgate.node.control.registry import Desk, refused
from headgate.records.control import ControlReply, ControlRequest, OutcomeKind, Tracked
from headgate.trackers.settings import OutcomeHook
from headgate.units import errors


class OutcomeTold(TypedDict, total=False):
    """An outcome that was kept: of a call, run or session, and whose it is."""

    call: str
    run: str
    session: str
    principal: str
    success: bool


class HookTold(TypedDict, total=False):
    """The answer: what was kept, or why nothing was (with 202)."""

    told: list[OutcomeTold]
    ignored: str


_decode = msgspec.json.Decoder(Tracked).decode


def answer(request: ControlRequest, desk: Desk) -> ControlReply:
    """Keep what a message tells, unless it came before or is of nobody's the hook is for."""
    hook = desk.snapshot.edge.hooks.get(request.name)
    if hook is None:
        return refused(errors.PATH_UNKNOWN, f"There is no [outcome_hooks.{request.name}] any more.")
    tracked = _decode(request.body)
    desk.fold()
    with desk.engine.begin() as connection:
        if is_known(connection, hook.id, tracked.marks):
            return _ignored("It was told before.")
        told = [
            _told(outcome)
            for about in tracked.subjects
            for outcome in _keep(connection, desk, hook, tracked, about)
        ]
        if not told:
            names = ", ".join(f"{kind} {subject!r}" for kind, subject in tracked.subjects)
            return _ignored(f"Nobody of {hook.scope} has made {names}.")
        note(connection, hook.id, tracked.marks, desk.now_ns())
    body: HookTold = {"told": told}
    return ControlReply(200, msgspec.json.encode(body).decode())


def _keep(
    connection: Connection,
    desk: Desk,
    hook: OutcomeHook,
    tracked: Tracked,
    about: tuple[OutcomeKind, str],
) -> list[Outcome]:
    """Keep an outcome for everybody who made what it is about; returns them."""
    kind, subject = about
    found = makers(connection, kind, subject, hook.principal, _teams(desk, hook))
    kept = [_outcome(desk, tracked, about, maker) for maker in found]
    for each in kept:
        tell_made(connection, each)
    return kept


def _outcome(desk: Desk, tracked: Tracked, about: tuple[OutcomeKind, str], maker: Maker) -> Outcome:
    return Outcome(
        principal=maker.principal,
        team=maker.team,
        kind=about[0],
        subject=about[1],
        at_ns=desk.now_ns(),
        success=tracked.success,
        human_seconds=tracked.human_seconds,
        task=tracked.task,
        note=tracked.note,
    )


def _teams(desk: Desk, hook: OutcomeHook) -> list[str]:
    """Return the hook's team and those below it."""
    lineages = desk.snapshot.lineages().items()
    return [team for team, lineage in lineages if hook.team in lineage]


def _told(outcome: Outcome) -> OutcomeTold:
    told: OutcomeTold = {"principal": outcome.principal, "success": outcome.success}
    told[outcome.kind] = outcome.subject
    return told


def _ignored(reason: str) -> ControlReply:
    body: HookTold = {"ignored": reason}
    return ControlReply(202, msgspec.json.encode(body).decode())
