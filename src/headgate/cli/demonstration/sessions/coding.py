"""A coding agent's hundred turns: beside each model alone, in an outage, past a silent drop."""

from collections.abc import Callable
from typing import NamedTuple

from headgate.cli.demonstration.sessions.agent import Worked
from headgate.cli.demonstration.sessions.books import (
    Kept,
    await_learned,
    find_alarm,
    kept,
    opened,
    switches,
    votes,
)
from headgate.cli.demonstration.sessions.organisation import (
    CHEAP,
    CHEAP_MODEL,
    DEAR,
    DEAR_MODEL,
    SESSION,
)
from headgate.cli.demonstration.sessions.result import Figure, Promise, Switch
from headgate.cli.demonstration.sessions.stage import Stage
from headgate.cli.demonstration.sessions.steering import break_down, repair, set_skills
from headgate.cli.demonstration.sessions.tasks import questions_of, tasks_of
from headgate.units.money import format_usd

TASKS = 10
CHECKED = 240
"""So many checked answers of each model come first: drift is looked for after 200."""
WITHIN = 200
SKILLS = {CHEAP_MODEL: 80, DEAR_MODEL: 100}
DROPPED = {CHEAP_MODEL: 50}
"""What the cheap model can do after its maker changed it, and told nobody."""
OUTAGE = range(40, 60)
"""The turns in which the first account answers nothing."""
DROP_AT = 50


class Ran(NamedTuple):
    """A session that was worked through, with what the books have of it."""

    worked: Worked
    kept: Kept
    switches: list[Switch]

    def figures(self, name: str) -> dict[str, Figure]:
        """Return what it came to."""
        return {
            f"{name} turns": len(self.worked.turns),
            f"{name} solved": f"{self.worked.solved} of {self.worked.tasks}",
            f"{name} usd": format_usd(self.kept.nanos),
        }


def learn(stage: Stage) -> dict[str, Figure]:
    """Have both models do checked tasks, so that the node knows how good each is.

    Raises:
        DemonstrationError: The node does not learn.
    """
    for admin in stage.admins.values():
        set_skills(admin, SKILLS)
    questions = questions_of(stage.seed, CHECKED)
    found: dict[str, Figure] = {}
    for deployment in ("haiku", "sonnet"):
        good = stage.check(deployment, questions)
        found[f"{deployment} checked"] = f"{good} good of {CHECKED}"
    await_learned(stage.data_dir)
    return found


def coding(stage: Stage, told: dict[str, Figure]) -> tuple[list[Promise], list[Switch]]:
    """Work through the same tasks with each model alone, and under `session` with an outage.

    Args:
        stage: What runs.
        told: What the node was told of the models.

    Raises:
        DemonstrationError: A session is not in the books.
    """
    cheap, dear = run(stage, "cheap", CHEAP), run(stage, "dear", DEAR)
    session = run(stage, "session", SESSION, _outage(stage))
    fixed = {"haiku": cheap, "sonnet": dear}
    figures = told | cheap.figures("haiku alone:") | dear.figures("sonnet alone:")
    figures |= session.figures("session:")
    equal = {name: one for name, one in fixed.items() if one.worked.solved >= session.worked.solved}
    best = min(equal, key=lambda name: equal[name].kept.nanos, default="")
    figures["cheapest alone that solves as much"] = best or "none"
    holds = not best or session.kept.nanos <= equal[best].kept.nanos
    during = {turn.deployment for turn in session.worked.turns[OUTAGE.start : OUTAGE.stop]}
    survived = not during & {"haiku", "sonnet"}
    first = session.worked.turns[OUTAGE.start - 1].deployment
    return [
        Promise(
            promise="A session costs no more than the cheapest model that alone solves as much.",
            holds=holds and session.worked.solved == TASKS,
            figures=figures,
        ),
        Promise(
            promise="It survives an outage of its provider's first account, and no turn fails.",
            holds=survived,
            figures={
                "turns without the first account": f"{OUTAGE.start + 1} to {OUTAGE.stop}",
                "served before by": first,
                "served meanwhile by": ", ".join(sorted(during)),
            },
        ),
    ], session.switches


def run(stage: Stage, name: str, alias: str, before: Callable[[int], None] | None = None) -> Ran:
    """Work through the tasks in a session, and look it up in the books.

    Raises:
        DemonstrationError: It is not in the books.
    """
    worked = stage.agent(name, alias).work(tasks_of(stage.seed, TASKS), before)
    calls = opened(stage.data_dir, worked.turns)
    return Ran(worked, kept(calls), switches(name, worked.turns, calls))


def _outage(stage: Stage) -> Callable[[int], None]:
    """Return what breaks the first account down, and repairs it."""

    def before(turns: int) -> None:
        if turns == OUTAGE.start:
            break_down(stage.admins["first"], "server_error")
        if turns == OUTAGE.stop:
            repair(stage.admins["first"])

    return before


def drop(stage: Stage) -> tuple[list[Promise], list[Switch]]:
    """Let the cheap model become worse in the middle of a session; then look who notices.

    Raises:
        DemonstrationError: A session is not in the books.
    """

    def before(turns: int) -> None:
        if turns == DROP_AT:
            for admin in stage.admins.values():
                set_skills(admin, DROPPED)

    during = run(stage, "drop", SESSION, before)
    since = votes(stage.data_dir)
    good = stage.check("haiku", questions_of(stage.seed + 1, WITHIN))
    await_learned(stage.data_dir)
    alarm = find_alarm(stage.data_dir, "haiku", since)
    after = run(stage, "after", SESSION)
    told: dict[str, Figure] = {"good answers after the drop": f"{good} of {WITHIN}"}
    if alarm is not None:
        told["noticed after outcomes"] = alarm.outcomes
        told["success before, by the alarm"] = alarm.usual_ppm / 1_000_000
        told["success since, by the alarm"] = alarm.now_ppm / 1_000_000
    return [
        Promise(
            promise=f"A silent drop of quality is noticed within {WITHIN} outcomes.",
            holds=alarm is not None and alarm.outcomes <= WITHIN,
            figures=told,
        ),
        Promise(
            promise="A session survives that drop: it solves what it would have solved.",
            holds=during.worked.solved == after.worked.solved == TASKS,
            figures={
                "dropped after turn": DROP_AT,
                **during.figures("during:"),
                **after.figures("afterwards:"),
                "afterwards begins at": after.worked.turns[0].deployment,
            },
        ),
    ], [*during.switches, *after.switches]
