"""Troubles that last, told in the log once instead of each time they are met."""

import logging
from collections.abc import Set

from headgate.units.plain import plain


class Troubles:
    """Which kind of trouble was told last of each subject that is in any.

    Args:
        log: Where it is told.
    """

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._told: dict[str, str] = {}

    def met(self, subject: str, kind: str, trouble: str) -> None:
        """Tell a subject's trouble, unless one of its kind was told last of it.

        Args:
            subject: Who is in trouble.
            kind: What is the same each time it is met, which its words need not be.
            trouble: What is told.
        """
        if self._told.get(subject) != kind:
            self._told[subject] = kind
            # Much of it is the words of others.
            self._log.warning("%s: %s", subject, plain(trouble))

    def over(self, subject: str) -> None:
        """Tell that a subject is out of trouble, if it was in any."""
        if self._told.pop(subject, None) is not None:
            self._log.warning("%s: goes on", subject)

    def keep(self, subjects: Set[str]) -> None:
        """Forget those that there are no more, without a word."""
        for subject in self._told.keys() - subjects:
            del self._told[subject]
