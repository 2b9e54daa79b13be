"""Learning from votes while the steward runs: kept, told to workers; drift is told to people.

What is learned follows from the votes alone, in their order, so the file only saves reading them
all again: one of another version, or damaged, is set aside and everything is learned anew, while
routers go by what they knew before. Every node that shares a store learns the same for itself.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from headgate.insights import quality
from headgate.insights.votes import votes_after
from headgate.node import kept
from headgate.node.messages import Learned, pack
from headgate.node.rules import Rules
from headgate.routing.learning.learner import Drift, Learner
from headgate.routing.learning.outcomes import NOTHING, Outcomes
from headgate.routing.learning.settings import Learning
from headgate.routing.learning.state import (
    learner_text,
    outcomes_text,
    read_learner,
)
from headgate.routing.learning.tally import Tally
from headgate.store import audit
from headgate.store.audit import Event
from headgate.units.sealed import StateError

LEARN_S = 2
VOTES_AT_ONCE = 1_000
TELL_NS = 3_600_000_000_000
"""Votes fade without new ones: what they come to is reckoned and told again after so long."""

SET_ASIDE = "learning.set_aside"


class _Step(NamedTuple):
    """How many votes were heard, and what is known now."""

    heard: int
    outcomes: Outcomes


class Here(Protocol):
    """The steward, as learning needs it."""

    engine: Engine
    reading: Engine
    rules: Rules

    def tell_workers(self, data: bytes) -> None:
        """Send a packed message to every worker."""


def learning_of(here: Here, data_dir: Path) -> "LearningJob":
    """Return what learns for a steward, by the configuration in force."""
    engines = (here.engine, here.reading)
    return LearningJob(engines, data_dir, lambda: here.rules.snapshot.learning, here.tell_workers)


def learned_path(data_dir: Path) -> Path:
    """Return the file of what was learned."""
    return data_dir / "learned.json"


class LearningJob:
    """Learns from what is in the store.

    Args:
        engines: The store, for writing, and the one beside it for reading.
        data_dir: Where the file is.
        settings: Returns how votes are believed, by the configuration in force.
        tell: Sends a packed message to every worker.
    """

    def __init__(
        self,
        engines: tuple[Engine, Engine],
        data_dir: Path,
        settings: Callable[[], Learning],
        tell: Callable[[bytes], None],
    ) -> None:
        self._engine, self._reading = engines
        self._path = learned_path(data_dir)
        self._settings = settings
        self._tell = tell
        self._learner: Learner | None = None
        self._known = self._told = NOTHING
        self._known_ns = 0

    def greeting(self) -> bytes:
        """Return what a worker that has just connected is told; nothing while nothing is known."""
        return b"" if self._told is NOTHING else pack(Learned(outcomes_text(self._told)))

    async def learn_always(self) -> None:
        """Learn, for ever.

        Raises:
            SQLAlchemyError: The store could not be written or read.
        """
        while True:
            heard, outcomes = await asyncio.to_thread(self.step, time.time_ns())
            if outcomes is not self._told and outcomes.models:
                self._told = outcomes
                self._tell(self.greeting())
            await asyncio.sleep(0 if heard == VOTES_AT_ONCE else LEARN_S)

    def step(self, now_ns: int) -> _Step:
        """Learn from the next votes; a write that fails is done again with them."""
        settings = self._settings()
        learner = self._learner
        if learner is None or not learner.fits(settings):
            learner = self._learner = self._begin(settings, now_ns)
        with self._reading.connect() as connection:
            votes = votes_after(connection, learner.seq, VOTES_AT_ONCE)
        found = [
            (drift, each.vote.seq)
            for each in votes
            if (drift := learner.hear(each.vote, each.replaced, settings, each.others)) is not None
        ]
        if votes:
            self._warn(found, learner, now_ns)
            kept.write(self._path, learner_text(learner))
        if votes or now_ns - self._known_ns > TELL_NS:
            self._known, self._known_ns = learner.outcomes(now_ns, settings), now_ns
        return _Step(len(votes), self._known)

    def _warn(self, found: list[tuple[Drift, int]], learner: Learner, now_ns: int) -> None:
        settled = {key for key, each in learner.detectors.items() if each.is_settled}
        with self._engine.begin() as connection:
            quality.settle(connection, settled, now_ns)
            for drift, seq in found:
                quality.raise_alarm(connection, drift, seq, now_ns)

    def _begin(self, settings: Learning, now_ns: int) -> Learner:
        """Return what was learned before, as far as it can be used; else begin anew."""
        fresh = Learner(Tally(settings.half_life_ns, now_ns), settings.order)
        text = kept.read(self._path)
        if text is None:
            return fresh
        try:
            known = read_learner(text)
        except StateError as error:
            self._set_aside(error, now_ns)
            return fresh
        return known if known.fits(settings) else fresh

    def _set_aside(self, error: StateError, now_ns: int) -> None:
        aside = kept.set_aside(self._path, error, now_ns)
        event = Event("steward", SET_ASIDE, aside.name, {"why": str(error)})
        with self._engine.begin() as connection:
            audit.append(connection, event, now_ns)
