"""Rounds of torture: nodes under streams, and something dreadful again and again.

A round has one stage: a node of one worker, of four, or two nodes on a PostgreSQL server. After
each blow the stage comes to rest, and the outsider's checker compares all journals with the bill
of the simulators; the store has to be the replay of its journals.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from tests.node.harness import ROOT
from tests.torture.blows import ANYWHERE, ON_A_SERVER, Blow, Fate, Tally
from tests.torture.checker_report import Report
from tests.torture.clients import Crowd
from tests.torture.clock import CLOCK, jump
from tests.torture.crash_points import ARMED, all_sites
from tests.torture.stages import ONE, Play

CRASHING = f"{ROOT / 'src'}:{ROOT}:{ROOT / 'tests/torture/crashing'}"
"""Where processes find what befalls them, before they find themselves."""


class Round:
    """One stage and what befalls it.

    Args:
        folder: Where everything of it goes.
        tally: What was done and found is added to it.
        chance: Decides everything random.
        play: What it is played on.
        blows: What may befall it; empty for all that can.
    """

    def __init__(
        self,
        folder: Path,
        tally: Tally,
        chance: random.Random,
        play: Play = ONE,
        blows: Sequence[Blow] = (),
    ) -> None:
        self._folder, self._tally, self._chance = folder, tally, chance
        self._play, self._blows = play, blows
        self._clock, self._armed = folder / "clock", folder / "armed"
        self._names = (f"c{number}" for number in itertools.count(1))

    def run(self, blows: int, durability: str, goes_on: Callable[[], bool]) -> None:
        """Deal so many blows, or as long as it goes on, or until a check objects."""
        self._folder.mkdir(parents=True)
        jump(self._clock, 0)
        environment = {"PYTHONPATH": CRASHING, CLOCK: str(self._clock), ARMED: str(self._armed)}
        tally, before, known = self._tally, self._tally.kills, len(self._tally.problems)
        with self._play(self._folder, durability, environment) as stage:
            fate = Fate(stage, self._chance, tally, self._clock, self._armed, all_sites())
            kinds = self._blows or (ANYWHERE if stage.cluster is None else ON_A_SERVER)
            try:
                for _ in range(blows):
                    if not goes_on() or len(tally.problems) > known:
                        break
                    self._deal(self._chance.choice(kinds), fate)
            finally:
                tally.kills_on[stage.name] += tally.kills - before
            jump(self._clock, 0)
            stage.quiet()
            if [node.stop() for node in stage.nodes] != [0] * len(stage.nodes):
                tally.problems.append("a node did not stop in order")
            report = stage.ended()
            tally.states += report.states
            self._note(report)

    def _deal(self, blow: Blow, fate: Fate) -> None:
        """Let a blow fall on a crowd; whoever got the head of an answer is in the journals."""
        crowd = Crowd(fate.stage, self._names)
        try:
            replies = asyncio.run(crowd.under(partial(blow, fate)))
            report = fate.stage.quiet()
        except (AssertionError, TimeoutError) as error:
            raise AssertionError(f"{blow.__name__}: {error}") from error
        held = {name.rpartition(".")[0] for name in report.attempts}
        seen = {each.headers["x-headgate-call"] for each in replies if each.status == 200}
        report.problems += [f"{call} was answered and never held" for call in seen - held]
        self._note(report)

    def _note(self, report: Report) -> None:
        self._tally.checks += 1
        self._tally.problems += report.problems
