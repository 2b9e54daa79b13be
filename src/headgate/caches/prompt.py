"""One request's prompt as hashes: of each block, and of everything up to its end."""

from array import array
from bisect import bisect_left
from collections.abc import Generator, Iterable
from itertools import chain, islice
from typing import Final

from xxhash import xxh3_64_intdigest

from headgate.caches.beginnings import FIRST_BYTES, TEXTS_MAX, Beginnings, digest_of_text
from headgate.dialects.prompts.block import Block, Blocks, ends_with_text

BLOCKS_MAX: Final = 4_096
"""What lies behind so many blocks is not looked at."""

LONG_BYTES: Final = 1_024
_SEED: Final = hash("long parts of prompts") & 0xFFFF_FFFF_FFFF_FFFF


def digest_of(part: bytes) -> int:
    """Return the hash of a part of a block, by the node's key.

    Of a long one it is XXH3, which Python's own hash takes ten times as long as.
    """
    return hash(part) if len(part) < LONG_BYTES else xxh3_64_intdigest(part, _SEED)


class Prompt:
    """The hashes of a prompt's blocks, in the order in which they are cached.

    The hash is Python's keyed one, as for measured prefixes: its key is the node's, so that all of
    its workers know a prefix by the same hash (`headgate.node.hashing`), and never leaves it. Long
    parts are hashed by another, whose seed comes from that key.

    Attributes:
        paths: Where each block stands in the client's body.
        digests: A hash of each block alone.
        marks: A hash of all blocks up to each.
        ends: Bytes of all blocks up to each.
        firm: Bytes of the body that certainly are in the prompt, up to each block.
        head: How many blocks are tools and instructions.
        turns_from: The number of the first block of the conversation.
        items: The number of the object of the conversation that each block is of.
        lifetimes_s: How long what is up to a marked block is kept, by its number.
        beginnings: What its first long texts begin with, in order.
        identity: A hash of what the client calls the session or its user, None when it does not
            say.
    """

    __slots__ = (
        *("_end", "_firm", "_mark", "beginnings", "digests", "ends", "firm", "head", "identity"),
        *("items", "lifetimes_s", "marks", "paths", "turns_from"),
    )

    def __init__(self, head: int, turns_from: int, identity: int | None) -> None:
        """Make one without blocks."""
        self.head, self.turns_from, self.identity = head, turns_from, identity
        self.paths: list[str] = []
        self.digests = array("q")
        self.marks = array("q")
        self.ends = array("q")
        self.firm = array("q")
        self.items = array("i")
        self.lifetimes_s: dict[int, int] = {}
        self.beginnings: list[Beginnings] = []
        self._mark = self._end = self._firm = 0

    def add(self, block: Block) -> None:
        """Hash one more block of the conversation."""
        size = sum(map(len, block.parts))
        if size > FIRST_BYTES and _is_long_text(block):
            digest = self._begin(block, size)
        else:
            digest = hash(tuple([digest_of(part) for part in block.parts]))
        self._mark = hash((self._mark, digest))
        self._end += size
        self._firm += size - block.loose
        if block.lifetime_s:
            self.lifetimes_s[len(self.paths)] = block.lifetime_s
        self.paths.append(block.path)
        self.digests.append(digest)
        self.marks.append(self._mark)
        self.ends.append(self._end)
        self.firm.append(self._firm)
        self.items.append(block.item)

    def _begin(self, block: Block, size: int) -> int:
        """Hash a block and what its text begins with; returns the hash of the block."""
        text = block.parts[-1]
        digests = [digest_of(part) for part in block.parts[:-1]]
        before = hash((self._mark, hash(tuple(digests))))
        places = array("Q")
        digests.append(digest_of_text(text, _SEED, places))
        if len(self.beginnings) < TEXTS_MAX:
            end = size - len(text)
            firm = self._firm + end - block.loose
            number = len(self.paths)
            self.beginnings.append(Beginnings(number, before, self._end + end, firm, places))
        return hash(tuple(digests))

    def go_on(self, objects: int, more: Iterable[Block]) -> "Prompt | None":
        """Return the prompt that goes on with another behind so many objects of its conversation.

        All that a prompt has beside its conversation is the same in both.

        Args:
            objects: How many of them are the same.
            more: The blocks of those behind them.

        Returns:
            None where instructions may be among what follows.
        """
        count = bisect_left(self.items, objects, self.turns_from)
        if count <= self.turns_from:
            return None
        new = Prompt(self.head, self.turns_from, self.identity)
        new.paths = self.paths[:count]
        new.digests, new.marks = self.digests[:count], self.marks[:count]
        new.ends, new.firm, new.items = self.ends[:count], self.firm[:count], self.items[:count]
        new.lifetimes_s = {at: each for at, each in self.lifetimes_s.items() if at < count}
        new.beginnings = [each for each in self.beginnings if each.block < count]
        new._mark, new._end, new._firm = new.marks[-1], new.ends[-1], new.firm[-1]
        for block in islice(more, BLOCKS_MAX - count):
            new.add(block)
        return new

    def size(self, number: int) -> int:
        """Return the bytes of a block."""
        return self.ends[number] - (self.ends[number - 1] if number else 0)

    def begins_with(self) -> int | None:
        """Return the hash of the first block of the conversation, None when there is none."""
        return self.digests[self.turns_from] if len(self.digests) > self.turns_from else None


def _is_long_text(block: Block) -> bool:
    """Tell whether a block ends with a text that is hashed up to places as well.

    Not one that a provider may leave out, for then its beginning was not measured.
    """
    size = len(block.parts[-1])
    return size > FIRST_BYTES and block.loose < size and ends_with_text(block)


def prompt_of(blocks: Blocks) -> Prompt:
    """Hash a prompt.

    Raises:
        msgspec.DecodeError: The conversation is not what it must be; the provider will say so.
    """
    prompt = _without_turns(blocks)
    for block in islice(blocks.turns, BLOCKS_MAX - len(prompt.paths)):
        prompt.add(block)
    return prompt


def _without_turns(blocks: Blocks) -> Prompt:
    head = min(len(blocks.head), BLOCKS_MAX)
    identity = None if blocks.identity is None else hash(blocks.identity)
    prompt = Prompt(head, head + len(blocks.settings), identity)
    for block in islice(chain(blocks.head, blocks.settings), BLOCKS_MAX):
        prompt.add(block)
    return prompt


def reading(blocks: Blocks) -> Generator[None, None, Prompt]:
    """Hash a prompt with a pause behind each block of its conversation.

    Raises:
        msgspec.DecodeError: The conversation is not what it must be; the provider will say so.
    """
    prompt = _without_turns(blocks)
    for block in islice(blocks.turns, BLOCKS_MAX - len(prompt.paths)):
        prompt.add(block)
        yield
    return prompt
