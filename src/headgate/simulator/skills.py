"""What simulated models can do: a task that is said to be hard is beyond some of them."""

from collections.abc import Mapping
from threading import Lock

from headgate.simulator.dialect import Generation
from headgate.simulator.markers import Markers
from headgate.simulator.script import Act

SKILL_MAX = 100
"""Of a model of which nothing is said: nothing is too hard for it."""
MODELS_MAX = 1_000


class Skills:
    """How hard a task may be for each model, 0 to 100; safe to use from other threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._skills: dict[str, int] = {}

    def set(self, skills: Mapping[str, int]) -> None:
        """Say what some models can do from the next request on, by any of their names.

        Raises:
            ValueError: A skill is out of range, or there are too many models.
        """
        if any(not 0 <= skill <= SKILL_MAX for skill in skills.values()):
            raise ValueError(f"a skill is a whole number from 0 to {SKILL_MAX}")
        with self._lock:
            if len(self._skills.keys() | skills.keys()) > MODELS_MAX:
                raise ValueError(f"at most {MODELS_MAX} models can have a skill")
            self._skills.update(skills)

    def all(self) -> dict[str, int]:
        """Return the skills that were set, by model."""
        with self._lock:
            return dict(self._skills)

    def act(self, markers: Markers, generation: Generation) -> Act:
        """Return what a model does in this round of a script.

        Of a task that is said to be hard, a round that failed is tried again, and a model that is
        not up to it gets each wrong.
        """
        standing = generation.standing
        if markers.hard is None:
            return markers.act(standing.rounds)
        act = markers.act(standing.rounds - standing.failed)
        with self._lock:
            said = [self._skills[name] for name in generation.model.names if name in self._skills]
        skill = min(said, default=SKILL_MAX)
        return act if skill >= markers.hard else act.botched()
