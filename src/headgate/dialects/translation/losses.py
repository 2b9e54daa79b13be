"""What a renderer has no place for, gathered while it renders."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Raw

from headgate.dialects.translation.fields import NO_COUNTERPART
from headgate.records.conversation import Loss, Option

SHOWN_MAX: Final = 20
"""How many lost places a header and a record name; the rest are counted."""

PLACE_CHARS_MAX: Final = 120


class Losses:
    """The losses of one translation.

    Attributes:
        found: In the order they were met.
    """

    __slots__ = ("found",)

    def __init__(self, found: Iterable[Loss] = ()) -> None:
        self.found = list(found)

    def lose(self, at: str, reason: str = NO_COUNTERPART, *, hint: bool = False) -> None:
        """Note a loss."""
        self.found.append(Loss(at, reason, hint))

    def keep(self, options: Iterable[Option], names: Mapping[str, str]) -> dict[str, Raw]:
        """Return the options the target has, by its own `names`; the others are lost."""
        kept: dict[str, Raw] = {}
        for option in options:
            name = names.get(option.name)
            if name is None:
                self.lose(option.at, hint=option.name in HINTS)
            else:
                kept[name] = option.value
        return kept


HINTS: Final = frozenset(
    {
        "user",
        "name",
        "description",
        "strict",
        "failed",
        "prompt_cache_key",
        "prompt_cache_retention",
    }
)
"""Options without which the answer is still an answer."""


def places(losses: Iterable[Loss]) -> tuple[str, ...]:
    """Return where the losses are, bounded, as printable ASCII; the last one may be `+9 more`."""
    return bounded(loss.at for loss in losses)


def bounded(ats: Iterable[str]) -> tuple[str, ...]:
    """Return places as `places` does."""
    found = [_printable(at) for at in ats]
    if len(found) <= SHOWN_MAX:
        return tuple(found)
    return (*found[:SHOWN_MAX], f"+{len(found) - SHOWN_MAX} more")


def _printable(at: str) -> str:
    """Return a place as it may stand in a header: a client's own key may hold anything."""
    plain = "".join(sign if "!" <= sign <= "~" and sign != "," else "?" for sign in at)
    return plain if len(plain) <= PLACE_CHARS_MAX else plain[: PLACE_CHARS_MAX - 3] + "..."
