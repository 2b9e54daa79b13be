"""What a worker is told of models by the steward, handed to whoever estimates their quality."""

import logging
from collections.abc import Callable

from headgate.routing.learning.outcomes import Outcomes
from headgate.routing.learning.state import read_outcomes
from headgate.units.sealed import StateError

_log = logging.getLogger(__name__)


def taught(take: Callable[[Outcomes], None]) -> Callable[[str], None]:
    """Return what hears the steward's text and hands on what it says.

    What cannot be read comes from a steward of another release: what is known already stands.
    """

    def hear(text: str) -> None:
        try:
            outcomes = read_outcomes(text)
        except StateError as error:
            _log.warning("what the steward has learned is not used: %s", error)
        else:
            take(outcomes)

    return hear
