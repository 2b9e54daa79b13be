"""What the node's books say of sessions while it runs: cost, cache, and why they moved."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import func, select

from headgate.cli.demonstration.child import DemonstrationError
from headgate.cli.demonstration.figures import cached_tokens, prompt_tokens
from headgate.cli.demonstration.sessions.agent import Turn
from headgate.cli.demonstration.sessions.result import Switch
from headgate.cli.reading import reading
from headgate.insights.calls import OpenedCall, open_call
from headgate.insights.quality import quality_alarm
from headgate.insights.votes import vote
from headgate.node.learning import learned_path
from headgate.records.journal import DecisionRecord
from headgate.routing.explaining import explain
from headgate.routing.learning.state import read_learner
from headgate.routing.policies.registry import policies
from headgate.units.money import format_usd

WAIT_S = 20.0
PAUSE_S = 0.05
OK = 200
Found = TypeVar("Found")


class Kept(NamedTuple):
    """What the books have of a session's turns.

    Attributes:
        nanos: What they cost, all attempts together.
    """

    nanos: int
    prompt_tokens: int
    cached_tokens: int

    @property
    def cached_share(self) -> float:
        """The share of prompt tokens that was read from a cache, 0 to 1."""
        return self.cached_tokens / self.prompt_tokens


class Alarm(NamedTuple):
    """A deployment was found to be worse.

    Attributes:
        outcomes: After how many outcomes since a given one.
        usual_ppm: How often it succeeded before, in millionths; `now_ppm` since.
    """

    outcomes: int
    usual_ppm: int
    now_ppm: int


def opened(data_dir: Path, turns: Sequence[Turn]) -> list[OpenedCall]:
    """Return the turns' calls, once all of them are in the books and over.

    Raises:
        DemonstrationError: They do not come.
        StoreError: The store cannot be read.
    """

    def look() -> list[OpenedCall] | None:
        with reading(data_dir) as connection:
            found = [open_call(connection, turn.call) for turn in turns]
        known = [each for each in found if each is not None and _is_answered(each)]
        return known if len(known) == len(turns) else None

    return wait_for(look, "the calls are not in the books")


def _is_answered(call: OpenedCall) -> bool:
    """Tell whether its last attempt is there: an answered call has one that went well."""
    return not call.is_running and bool(call.attempts) and call.attempts[-1].status == OK


def kept(calls: Sequence[OpenedCall]) -> Kept:
    """Return what calls came to."""
    rows = [row for call in calls for row in call.attempts]
    return Kept(
        sum(row.posted_nanos for row in rows),
        sum(prompt_tokens(row) for row in rows),
        sum(cached_tokens(row) for row in rows),
    )


def decision_of(call: OpenedCall) -> DecisionRecord:
    """Return the decision of a call's last attempt."""
    return call.decisions[call.attempts[-1].decision]


def switches(session: str, turns: Sequence[Turn], calls: Sequence[OpenedCall]) -> list[Switch]:
    """Return where a session moved, and what each decision's record says of it."""
    found = []
    for number in range(1, len(turns)):
        before, here = turns[number - 1].deployment, turns[number].deployment
        if before != here:
            found.append(_switch(session, number + 1, before, calls[number]))
    return found


def _switch(session: str, turn: int, before: str, call: OpenedCall) -> Switch:
    record = decision_of(call)
    gain = record.notes.get("gain_nanos")
    return Switch(
        session=session,
        turn=turn,
        origin=before,
        target=call.attempts[-1].deployment,
        reason=str(record.notes.get("switch", "")),
        failed=[row.deployment for row in call.attempts[:-1]],
        gain_usd=format_usd(gain) if isinstance(gain, int) else None,
        repeats=explain(record, policies()).repeats is True,
    )


def votes(data_dir: Path) -> int:
    """Return the number of the last vote."""
    with reading(data_dir) as connection:
        return connection.scalar(select(func.max(vote.c.seq))) or 0


def await_learned(data_dir: Path) -> None:
    """Wait until the node has learned from every vote.

    Raises:
        DemonstrationError: It does not.
    """
    last = votes(data_dir)

    def look() -> bool | None:
        path = learned_path(data_dir)
        return (path.exists() and read_learner(path.read_text("utf-8")).seq >= last) or None

    wait_for(look, "nothing was learned")


def find_alarm(data_dir: Path, deployment: str, since_vote: int) -> Alarm | None:
    """Return the alarm of a deployment, None when there is none."""
    columns = quality_alarm.c
    query = select(columns.seq, columns.usual_ppm, columns.now_ppm)
    with reading(data_dir) as connection:
        row = connection.execute(query.where(columns.deployment == deployment)).first()
    return None if row is None else Alarm(row.seq - since_vote, row.usual_ppm, row.now_ppm)


def wait_for(look: Callable[[], Found | None], problem: str) -> Found:
    """Look until there is something to see.

    Raises:
        DemonstrationError: There is nothing for too long.
    """
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        found = look()
        if found is not None:
            return found
        time.sleep(PAUSE_S)
    raise DemonstrationError(f"Within {WAIT_S:.0f} s {problem}.")
