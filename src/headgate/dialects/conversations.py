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

from msgspec import Raw
from xxhash import xxh3_128

Objects = list[dict[str, Raw]]

OBJECTS_MAX: Final = 4_096
"""A conversation of more objects is read anew each time."""

KEPT_MAX: Final = 4 << 20
"""The weight of all conversations together: some 1,000 of 60 messages each, or 20 MB of memory."""

WEIGHT: Final = 1_536
"""Of a conversation, beside its objects: what its prompt begins with takes up to 40 kB, what its
long texts begin with up to 20."""

OBJECT_WEIGHT: Final = 32
"""Of each object, beside its bones. A part, which has 16 bytes of those at least, takes 160 in its
prompt: whatever is sent, a worker remembers no more than 150 MB."""

CALLERS_MAX: Final = 4_096
"""Callers whose conversations are remembered."""

CALLER_MAX: Final = 128
"""Conversations of one caller."""

CALLER_WEIGHT_MAX: Final = KEPT_MAX // 4
"""The weight of those."""

BACK_MAX: Final = 3
"""So many of the last objects may have changed: clients move their cache breakpoints along."""

ALIKE_MAX: Final = 8
"""So many that may begin alike are looked at for the one that has the most in common: each can mean
to hash the whole body once more."""

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
        weight: What remembering it counts as.
        aside: A hash of all else that stood in the body; 0 until that is known.
        prompt: What was read from it above, None when nothing was: its blocks as caches compare
            them.
    """

    __slots__ = ("aside", "bones", "marks", "probe", "prompt", "sizes", "weight")

    def __init__(
        self,
        said: memoryview,
        sizes: list[int],
        bones: list[bytes],
        seed: int,
        reached: "Reached | None",
    ) -> None:
        """Take the measure of a conversation of one object at least.

        Args:
            said: The list.
            sizes: As above.
            bones: As above.
            seed: What it is hashed by.
            reached: What it goes on with, None for none.
        """
        self.sizes, self.bones = sizes, bones
        self.weight = WEIGHT + sum(map(len, bones)) + OBJECT_WEIGHT * len(bones)
        first = begin = max(1, len(sizes) - BACK_MAX)
        self.marks: list[Mark] = []
        size = 0
        if reached is not None and reached.hashed is not None:
            known, size = reached.hashed, reached.mark.size
            self.marks += [mark for mark in reached.before.marks if mark.objects >= first]
            begin = max(first, reached.mark.objects + 1)
        else:
            known = xxh3_128(seed=seed)
        for objects in range(begin, len(sizes) + 1):
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

    def reach(self, said: memoryview, known: xxh3_128) -> "Reached | None":
        """Return up to where a list is the same; None for nowhere.

        Args:
            said: The list, and whatever follows it.
            known: The hash of it up to the first mark; taken.
        """
        reached: Mark | None = None
        size = self.marks[0].size
        for mark in self.marks:
            known.update(said[size : mark.size])
            if known.intdigest() != mark.digest:
                return None if reached is None else Reached(self, reached, None)
            size = mark.size
            reached = mark
        return Reached(self, self.marks[-1], known)


class Reached:
    """How far a list goes on with a conversation.

    Attributes:
        before: The conversation.
        mark: Up to where they are the same.
        hashed: The hash up to there, None where that is not all of the conversation.
    """

    __slots__ = ("before", "hashed", "mark")

    def __init__(self, before: Conversation, mark: Mark, hashed: xxh3_128 | None) -> None:
        self.before, self.mark, self.hashed = before, mark, hashed


def _probe(said: memoryview, at: int) -> int:
    return hash(bytes(said[max(0, at - PROBE_BYTES) : at]))


class Opened:
    """A body that was read in one pass.

    Attributes:
        values: Its members, each the exact slice of the body.
        start: Where the list of its conversation begins, and `stop`, where that ends.
        ends: Where each object of it ends that was read.
        objects: Those.
        reached: What it goes on with, None for none.
    """

    __slots__ = ("ends", "objects", "reached", "start", "stop", "values")

    def __init__(
        self, values: dict[str, Raw], start: int, stop: int, ends: list[int], objects: Objects
    ) -> None:
        self.values, self.start, self.stop = values, start, stop
        self.ends, self.objects = ends, objects
        self.reached: Reached | None = None

    @property
    def known(self) -> int:
        """How many objects are before those that were read."""
        return 0 if self.reached is None else self.reached.mark.objects


class Conversations:
    """The conversations of all callers that were read last; bounded.

    Each caller's are its own: how long reading takes tells nobody what somebody else has said.

    Args:
        seed: What they are hashed by: 64 bits that nobody else knows.
        weight_max: What the conversations of all callers weigh together at the most.
    """

    __slots__ = ("_callers", "_most", "_weight", "seed")

    def __init__(self, seed: int, weight_max: int = KEPT_MAX) -> None:
        self.seed = seed
        self._callers: OrderedDict[tuple[str, str], Theirs] = OrderedDict()
        self._weight, self._most = 0, weight_max

    def of(self, principal: str, kind: str) -> "Theirs":
        """Return the conversations of a principal in a dialect."""
        key = (principal, kind)
        found = self._callers.get(key)
        if found is None:
            if len(self._callers) >= CALLERS_MAX:
                self._forget_one()
            found = self._callers[key] = Theirs(self)
        self._callers.move_to_end(key)
        return found

    def count(self, weight: int) -> None:
        """Count what is remembered now, or no more; forget whoever has been away longest."""
        self._weight += weight
        while self._weight > self._most and self._callers:
            self._forget_one()

    def _forget_one(self) -> None:
        _, gone = self._callers.popitem(last=False)
        self._weight -= gone.forget()


class Theirs:
    """The conversations of one caller, the one that was read last behind the others."""

    __slots__ = ("_all", "_forgotten", "_kept", "_weight")

    def __init__(self, whole: Conversations) -> None:
        self._all = whole
        self._kept: list[Conversation] = []
        self._weight = 0
        self._forgotten = False

    def find(self, body: bytes, start: int) -> Reached | None:
        """Return what a list that begins at `start` goes on with, None for nothing."""
        best: Reached | None = None
        said = memoryview(body)[start:]
        # Conversations with the same instructions have their first marks at the same place.
        hashed: dict[int, xxh3_128] = {}
        alike = 0
        for each in reversed(self._kept):
            if not each.begins(said):
                continue
            alike += 1
            if alike > ALIKE_MAX:
                break
            size = each.marks[0].size
            known = hashed.get(size)
            if known is None:
                known = hashed[size] = xxh3_128(said[:size], self._all.seed)
            reached = each.reach(said, known.copy())
            if reached is None:
                continue
            if reached.hashed is not None:
                return reached
            if best is None or reached.mark.objects > best.mark.objects:
                best = reached
        return best

    def remember(self, body: bytes, opened: Opened, bones: list[bytes]) -> Conversation:
        """Remember the conversation of a body that was read.

        Args:
            body: The body.
            opened: How it was read.
            bones: Of each of its objects: one at least, `OBJECTS_MAX` at most.
        """
        reached = opened.reached
        sizes = [] if reached is None else reached.before.sizes[: reached.mark.objects]
        sizes += [end - opened.start for end in opened.ends]
        view = memoryview(body)
        said = view[opened.start : opened.stop]
        new = Conversation(said, sizes, bones, self._all.seed, reached)
        beside = xxh3_128(view[: opened.start], self._all.seed)
        beside.update(view[opened.stop :])
        new.aside = beside.intdigest()
        self._keep(new, reached)
        return new

    def _keep(self, new: Conversation, reached: Reached | None) -> None:
        """Put a conversation behind the others.

        It takes the place of one that it goes on with. One with which it has nearly all in common
        it likely takes as well, so that is the first to be forgotten; one that has the same
        instructions is another agent's. A caller who was forgotten while a large body of theirs was
        read has none.
        """
        if self._forgotten:
            return
        weight = self._weight
        if reached is not None and reached.before in self._kept:
            before = reached.before
            if reached.hashed is not None:
                self._kept.remove(before)
                self._weight -= before.weight
            elif reached.mark.objects > BACK_MAX:
                self._kept.remove(before)
                self._kept.insert(0, before)
        self._kept.append(new)
        self._weight += new.weight
        while len(self._kept) > CALLER_MAX or self._weight > CALLER_WEIGHT_MAX:
            self._weight -= self._kept.pop(0).weight
        self._all.count(self._weight - weight)

    def forget(self) -> int:
        """Forget all, for good; returns what that weighed."""
        gone, self._weight = self._weight, 0
        self._forgotten = True
        self._kept.clear()
        return gone
