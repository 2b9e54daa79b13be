"""Tags: what a call is for, as its key says it and as its client may say it; pure.

A key has tags of its own, and may allow its calls to bring others. What it does not allow is
refused, so that nobody books a call on somebody else.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import is_name

TAGS_MAX: Final = 8
"""A call has so many tags at most, those of its key among them."""
CHARS_MAX: Final = 512
"""All of them together: who asks is one record of the journal, which has its bounds."""
KEPT_MAX: Final = 4_096
HEADER: Final = "x-headgate-tag"
NONE: Final[tuple[str, ...]] = ()


class TagRule(NamedTuple):
    """What a key says of the tags of its calls.

    Attributes:
        own: Those that every call has, `NAME=VALUE` each.
        allowed: Those that a client may add: `NAME=VALUE`, or `NAME=*` for any value.
    """

    own: tuple[str, ...] = ()
    allowed: frozenset[str] = frozenset()

    def allows(self, tag: str) -> bool:
        """Tell whether a client may add a tag, or repeat one that the call has anyway."""
        name = tag.partition("=")[0]
        return tag in self.own or tag in self.allowed or f"{name}=*" in self.allowed


UNTAGGED: Final = TagRule()


def is_tag(text: str) -> bool:
    """Tell whether a text is a tag: a name, `=`, and a value that could be a name."""
    name, _, value = text.partition("=")
    return is_name(name) and is_name(value)


class Tagging:
    """The tags of calls, by the key they are made with.

    What a header comes to is found once and kept. `is_empty`: no key has tags or allows any.

    Args:
        rules: By key; one that is not there allows none.
    """

    __slots__ = ("_kept", "_rules", "is_empty")

    def __init__(self, rules: Mapping[str, TagRule]) -> None:
        self._rules = {key: rule for key, rule in rules.items() if rule != UNTAGGED}
        self.is_empty = not self._rules
        self._kept: dict[tuple[str, bytes | None], tuple[str, ...] | Refusal] = {}

    def tags_of(self, key: str, told: bytes | None) -> tuple[str, ...] | Refusal:
        """Return the tags of a call, in order; why it may not be made, when it may not.

        Args:
            key: Id of the key it is made with.
            told: What the client says: tags with commas between; None when it says nothing.
        """
        found = self._kept.get((key, told))
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            rule = self._rules.get(key, UNTAGGED)
            found = rule.own if told is None else _read(key, rule, told)
            self._kept[key, told] = found
        return found


def _read(key: str, rule: TagRule, told: bytes) -> tuple[str, ...] | Refusal:
    tags = dict(tag.split("=", 1) for tag in rule.own)
    for part in told.decode("latin-1").split(","):
        tag = part.strip(" \t")
        if not is_tag(tag):
            message = f"{tag[:64]!r} is no tag. Write NAME=VALUE, with commas between several."
            return Refusal(errors.TAG_INVALID, message, HEADER)
        name, value = tag.split("=", 1)
        if not rule.allows(tag):
            message = f"The key {key!r} may not tag its calls {tag!r}."
            return Refusal(errors.TAG_NOT_PERMITTED, message, HEADER)
        if tags.setdefault(name, value) != value:
            message = f"The call has the tag {name}={tags[name]} already; one value each."
            return Refusal(errors.TAG_INVALID, message, HEADER)
    found = tuple(f"{name}={tags[name]}" for name in sorted(tags))
    if len(found) > TAGS_MAX or sum(map(len, found)) > CHARS_MAX:
        message = f"A call has {TAGS_MAX} tags at most, of {CHARS_MAX} characters together."
        return Refusal(errors.TAG_INVALID, message, HEADER)
    return found
