"""Conversations that were read before: one that goes on is read from where it was left.

An agent sends all that was said before with every call. To find out again what 120 kB say takes a
hundred times as long as to find out that they are the same as last time.

Nothing of what was said is kept, and no text: of a conversation these are lengths, hashes by a key
that never leaves the node, and its bones (`headgate.dialects.bones`). The hash is no
cryptographic one. Whoever made two conversations of one hash, without knowing its key, would have a
call of their own bounded by another call of their own; what is posted is what the provider reports.
"""

from collections import OrderedDict
from typing import Final

from xxhash import xxh3_128

OBJECTS_MAX: Final = 4_096
"""A conversation of more objects is read anew each time."""

KEPT_MAX: Final = 1 << 16
"""Objects of all conversations together: with what is read from it, one takes some 200 bytes."""

CALLER_MAX: Final = 128
"""Conversations of one caller."""

BACK_MAX: Final = 3
"""So many of the last objects may have changed: clients move their cache breakpoints along."""

ALIKE_MAX: Final = 8
"""So many that begin alike are looked at for the one that has the most in common."""

PROBE_BYTES: Final = 32


class Mark:
    """A place up to which a conversation can be known again.

    Attributes:
        objects: How many objects of the list are before it.
        size: Bytes of the list before it, with the bracket that it begins with.
        digest: The hash of those.
    """

    __slots__ = ("digest", "objects", "size")

    def __init__(self, objects: int, size: int, digest: int) -> None:
        self.objects, self.size, self.digest = objects, size, digest


class Conversation:
    """What is remembered of a conversation.

    Attributes:
        sizes: Bytes of the list up to the end of each object.
        marks: Where it can be known again, in order.
        probe: A hash of the last bytes before the first mark.
        bones: Of each object.
        aside: A hash of all else that stood in the body; 0 until that is known.
        prompt: What was read from it above, None when nothing was: its blocks as caches compare
            them.
    """

    __slots__ = ("aside", "bones", "marks", "probe", "prompt", "sizes")

    def __init__(self, said: memoryview, sizes: list[int], bones: list[bytes], seed: int) -> None:
        """Take the measure of a conversation of one object at least.

        Args:
            said: The list.
            sizes: As above.
            bones: As above.
            seed: What it is hashed by.
        """
        self.sizes, self.bones = sizes, bones
        known = xxh3_128(seed=seed)
        self.marks: list[Mark] = []
        size = 0
        for objects in range(max(1, len(sizes) - BACK_MAX), len(sizes) + 1):
            known.update(said[size : sizes[objects - 1]])
            size = sizes[objects - 1]
            self.marks.append(Mark(objects, size, known.intdigest()))
        self.probe = _probe(said, self.marks[0].size)
        self.aside = 0
        self.prompt: object | None = None

    def begins(self, said: memoryview) -> bool:
        """Tell whether what follows may be the same up to the first mark."""
        first = self.marks[0].size
        return first <= len(said) and _probe(said, first) == self.probe

    def reach(self, said: memoryview, known: xxh3_128) -> Mark | None:
        """Return up to where a list is the same; None for nowhere.

        Args:
            said: The list, and whatever follows it.
            known: The hash of it up to the first mark; changed.
        """
        reached: Mark | None = None
        size = self.marks[0].size
        for mark in self.marks:
            known.update(said[size : mark.size])
            if known.intdigest() != mark.digest:
                break
            size = mark.size
            reached = mark
        return reached


def _probe(said: memoryview, at: int) -> int:
    return hash(bytes(said[max(0, at - PROBE_BYTES) : at]))


class Conversations:
    """The conversations of all callers that were read last; bounded.

    Each caller's are its own: how long reading takes tells nobody what somebody else has said.

    Args:
        seed: What they are hashed by: 64 bits that nobody else knows.
        objects_max: How many objects are remembered of all callers together.
    """

    __slots__ = ("_callers", "_kept", "_objects", "seed")

    def __init__(self, seed: int, objects_max: int = KEPT_MAX) -> None:
        self.seed = seed
        self._callers: OrderedDict[tuple[str, str], Theirs] = OrderedDict()
        self._objects, self._kept = 0, objects_max

    def of(self, principal: str, kind: str) -> "Theirs":
        """Return the conversations of a principal in a dialect."""
        key = (principal, kind)
        found = self._callers.get(key)
        if found is None:
            found = self._callers[key] = Theirs(self)
        self._callers.move_to_end(key)
        return found

    def count(self, objects: int) -> None:
        """Count what is remembered now, or no more; forget whoever has been away longest."""
        self._objects += objects
        while self._objects > self._kept and self._callers:
            _, gone = self._callers.popitem(last=False)
            self._objects -= gone.forget()


class Theirs:
    """The conversations of one caller, the one that was read last behind the others."""

    __slots__ = ("_all", "_kept")

    def __init__(self, whole: Conversations) -> None:
        self._all = whole
        self._kept: list[Conversation] = []

    def find(self, body: bytes, start: int) -> tuple[Conversation, Mark] | None:
        """Return the conversation that a list beginning at `start` goes on with, and from where."""
        best: tuple[Conversation, Mark] | None = None
        said = memoryview(body)[start:]
        # Conversations with the same instructions have their first marks at the same place.
        hashed: dict[int, xxh3_128] = {}
        alike = 0
        for each in reversed(self._kept):
            if not each.begins(said):
                continue
            size = each.marks[0].size
            known = hashed.get(size)
            if known is None:
                known = hashed[size] = xxh3_128(said[:size], self._all.seed)
            mark = each.reach(said, known.copy())
            if mark is None:
                continue
            alike += 1
            if mark.objects == len(each.bones):
                return each, mark
            if best is None or mark.objects > best[1].objects:
                best = each, mark
            if alike == ALIKE_MAX:
                break
        return best

    def measure(
        self, body: bytes, start: int, stop: int, sizes: list[int], bones: list[bytes]
    ) -> Conversation:
        """Return what can be remembered of a conversation.

        Args:
            body: The body it stands in.
            start: Where its list begins there.
            stop: Where the list ends.
            sizes: As in a `Conversation`.
            bones: Likewise.
        """
        view = memoryview(body)
        new = Conversation(view[start:stop], sizes, bones, self._all.seed)
        beside = xxh3_128(view[:start], self._all.seed)
        beside.update(view[stop:])
        new.aside = beside.intdigest()
        return new

    def keep(self, new: Conversation, before: Conversation | None, known: int) -> None:
        """Remember a conversation.

        Args:
            new: The conversation.
            before: The one it goes on with, None for none.
            known: How many objects they have in common. With all of that one it takes its place;
                with nearly all it likely does, so that one is the first to be forgotten. With the
                instructions alone, it is another one's.
        """
        if not new.bones or len(new.bones) > OBJECTS_MAX:
            return
        change = len(new.bones)
        if (
            before is not None
            and before in self._kept
            and (known > BACK_MAX or known == len(before.bones))
        ):
            self._kept.remove(before)
            if known == len(before.bones):
                change -= len(before.bones)
            else:
                self._kept.insert(0, before)
        if len(self._kept) >= CALLER_MAX:
            change -= len(self._kept.pop(0).bones)
        self._kept.append(new)
        self._all.count(change)

    def forget(self) -> int:
        """Forget all; returns how many objects that were."""
        gone = sum(len(each.bones) for each in self._kept)
        self._kept.clear()
        return gone
