"""Classes: which priority a call has, of those that its key or team may use; pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from headgate.records.priority import INTERACTIVE, PRIORITIES, USUAL, Priority
from headgate.units import errors
from headgate.units.errors import Refusal

_RANKS: Final[dict[bytes, int]] = {name.encode(): rank for rank, name in enumerate(PRIORITIES)}


class Classes:
    """What classes the keys may use.

    Args:
        by_key: Names by key id; the first is that of a call that names none. Keys that are not
            here have the usual ones.
    """

    def __init__(self, by_key: Mapping[str, Sequence[Priority]]) -> None:
        self._by_key = {key: tuple(names) for key, names in by_key.items()}
        self._usual = {key: _rank_of(names[0]) for key, names in by_key.items()}

    def rank(self, key: str, asked: bytes | None) -> int | Refusal:
        """Return the rank of a call.

        Args:
            key: Id of its key.
            asked: What its header says, None when there is none.
        """
        if asked is None:
            return self._usual.get(key, INTERACTIVE)
        rank = _RANKS.get(asked.lower())
        allowed = self._by_key.get(key, USUAL)
        if rank is None:
            told, names = asked[:64].decode("latin-1"), ", ".join(PRIORITIES)
            message = f"There is no priority class {told!r}; the classes are {names}."
            return Refusal(errors.PRIORITY_UNKNOWN, message, "x-headgate-priority")
        if PRIORITIES[rank] not in allowed:
            message = (
                f"The key {key!r} may not use the class {PRIORITIES[rank]!r},"
                f" only {', '.join(allowed)}."
            )
            return Refusal(errors.PRIORITY_NOT_PERMITTED, message, "x-headgate-priority")
        return rank


def _rank_of(name: Priority) -> int:
    return PRIORITIES.index(name)
