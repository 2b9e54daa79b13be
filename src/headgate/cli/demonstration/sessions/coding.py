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
from headgate.insights.votes import PPM
from headgate.units.money import format_usd

TASKS = 5
CHECKED = 240
"""So many checked answers of each model come first: drift is looked for after 200."""
WITHIN = 200
SKILLS = {CHEAP_MODEL: 80, DEAR_MODEL: 100}
DROPPED = {CHEAP_MODEL: 50}
"""What the cheap model can do after its maker changed it, and told nobody."""
OUTAGE = range(40, 60)
"""The turns in which the first account answers nothing."""
DROP_AT = 50
KNOWN_AT = 60
"""By this turn of the session the answers of others have been checked, and a drop is noticed."""
FIRST = frozenset({"haiku", "opus"})
"""The deployments at the first account."""
Before = Callable[[int], None]


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
    _teach(stage, SKILLS)
    questions = questions_of(stage.seed, CHECKED)
    found: dict[str, Figure] = {}
    for deployment in sorted(FIRST):
        good = stage.check(deployment, questions)
        found[f"{deployment} checked"] = f"{good} good of {CHECKED}"
    await_learned(stage.data_dir)
    return found


def coding(stage: Stage, told: dict[str, Figure]) -> tuple[list[Promise], list[Switch]]:
    """Work through the same tasks with each model alone and under `session`, through an outage.

    Args:
        stage: What runs.
        told: What the node was told of the models.

    Raises:
        DemonstrationError: A session is not in the books.
    """
    fixed = {
        "haiku": run(stage, "cheap", CHEAP, _outage(stage)),
        "opus": run(stage, "dear", DEAR, _outage(stage)),
    }
    session = run(stage, "session", SESSION, _outage(stage))
    holds, figures = _beside(session, fixed)
    during = {turn.deployment for turn in session.worked.turns[OUTAGE.start : OUTAGE.stop]}
    return [
        Promise(
            promise="A session costs no more than the cheapest model that alone solves as much.",
            holds=holds and session.worked.solved == TASKS,
            figures=told | figures,
        ),
        Promise(
            promise="It survives an outage of its provider's first account, and no turn fails.",
            holds=not during & FIRST,
            figures={
                "turns without the first account": f"{OUTAGE.start + 1} to {OUTAGE.stop}",
                "served before by": session.worked.turns[OUTAGE.start - 1].deployment,
                "served meanwhile by": ", ".join(sorted(during)),
            },
        ),
    ], session.switches


def drop(stage: Stage) -> tuple[list[Promise], list[Switch]]:
    """Let the cheap model become worse in the middle of a session; then look who notices.

    Raises:
        DemonstrationError: A session is not in the books.
    """
    fixed = {
        "haiku": run(stage, "cheap-2", CHEAP, lambda turns: _fall(stage, turns)),
        "opus": run(stage, "dear-2", DEAR, lambda turns: _fall(stage, turns)),
    }
    _teach(stage, SKILLS)
    since, good = votes(stage.data_dir), 0

    def before(turns: int) -> None:
        nonlocal good
        _fall(stage, turns)
        if turns == KNOWN_AT:
            good = stage.check("haiku", questions_of(stage.seed + 1, WITHIN))
            await_learned(stage.data_dir)

    during = run(stage, "drop", SESSION, before)
    alarm = find_alarm(stage.data_dir, "haiku", since)
    after = run(stage, "after", SESSION)
    holds, figures = _beside(during, fixed)
    told: dict[str, Figure] = {"good answers after the drop": f"{good} of {WITHIN}"}
    if alarm is not None:
        told["noticed after outcomes"] = alarm.outcomes
        told["success before, by the alarm"] = f"{alarm.usual_ppm / PPM:.3f}"
        told["success since, by the alarm"] = f"{alarm.now_ppm / PPM:.3f}"
    return [
        Promise(
            promise=f"A silent drop of quality is noticed within {WITHIN} outcomes.",
            holds=alarm is not None and alarm.outcomes <= WITHIN,
            figures=told,
        ),
        Promise(
            promise="A session survives that drop: it solves everything, and costs no more either.",
            holds=holds and during.worked.solved == after.worked.solved == TASKS,
            figures={
                "dropped after turn": DROP_AT,
                **figures,
                **after.figures("next session:"),
                "next session begins at": after.worked.turns[0].deployment,
            },
        ),
    ], [*during.switches, *after.switches]


def run(stage: Stage, name: str, alias: str, before: Before | None = None) -> Ran:
    """Work through the tasks in a session, and look it up in the books.

    Raises:
        DemonstrationError: It is not in the books.
    """
    worked = stage.agent(name, alias).work(tasks_of(stage.seed, TASKS), before)
    calls = opened(stage.data_dir, worked.turns)
    return Ran(worked, kept(calls), switches(name, worked.turns, calls))


def _beside(session: Ran, fixed: dict[str, Ran]) -> tuple[bool, dict[str, Figure]]:
    """Hold a session against each model alone; tell whether it is dearer than none as good."""
    figures: dict[str, Figure] = {}
    for name, one in fixed.items():
        figures |= one.figures(f"{name} alone:")
    figures |= session.figures("session:")
    equal = {name: one for name, one in fixed.items() if one.worked.solved >= session.worked.solved}
    best = min(equal, key=lambda name: equal[name].kept.nanos, default="")
    figures["cheapest alone that solves as much"] = best or "none"
    return not best or session.kept.nanos <= equal[best].kept.nanos, figures


def _outage(stage: Stage) -> Before:
    """Return what breaks the first account down, and repairs it."""

    def before(turns: int) -> None:
        if turns == OUTAGE.start:
            break_down(stage.admins["first"], "server_error")
        if turns == OUTAGE.stop:
            repair(stage.admins["first"])
            # Whoever asks for one by its name is served, and then all know that it is well.
            for deployment in sorted(FIRST):
                stage.ask(deployment, "Are you well?")

    return before


def _fall(stage: Stage, turns: int) -> None:
    """Let the cheap model become worse at its turn; until then it is what it was."""
    if turns in (0, DROP_AT):
        _teach(stage, DROPPED if turns else SKILLS)


def _teach(stage: Stage, skills: dict[str, int]) -> None:
    for admin in stage.admins.values():
        set_skills(admin, skills)
