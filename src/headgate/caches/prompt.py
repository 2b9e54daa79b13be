"""One request's prompt as hashes: of each block, and of everything up to its end."""

from array import array
from itertools import islice

from headgate.dialects.prompts.block import Block, Blocks

BLOCKS_MAX = 4_096
"""What lies behind so many blocks is not looked at."""


class Prompt:
    """The hashes of a prompt's blocks, in the order in which they are cached.

    The hash is Python's keyed one, as for measured prefixes: its key is the node's, so that all of
    its workers know a prefix by the same hash (`headgate.node.hashing`), and never leaves it.

    Attributes:
        paths: Where each block stands in the client's body.
        digests: A hash of each block alone.
        marks: A hash of all blocks up to each.
        ends: Bytes of all blocks up to each.
        head: How many blocks are tools and instructions.
        turns_from: The number of the first block of the conversation.
        lifetimes_s: How long what is up to a marked block is kept, by its number.
        identity: A hash of what the client calls the session or its user, None when it does not
            say.
    """

    __slots__ = (
        *("digests", "ends", "head", "identity", "lifetimes_s", "marks", "paths", "turns_from"),
    )

    def __init__(self, blocks: Blocks) -> None:
        self.head = min(len(blocks.head), BLOCKS_MAX)
        self.turns_from = self.head + len(blocks.settings)
        self.identity = None if blocks.identity is None else hash(blocks.identity)
        self.paths: list[str] = []
        self.digests = array("q")
        self.marks = array("q")
        self.ends = array("q")
        self.lifetimes_s: dict[int, int] = {}
        mark = end = 0
        for block in islice(_all(blocks), BLOCKS_MAX):
            digest = hash(block.parts)
            mark = hash((mark, digest))
            end += sum(map(len, block.parts))
            if block.lifetime_s:
                self.lifetimes_s[len(self.paths)] = block.lifetime_s
            self.paths.append(block.path)
            self.digests.append(digest)
            self.marks.append(mark)
            self.ends.append(end)

    def size(self, number: int) -> int:
        """Return the bytes of a block."""
        return self.ends[number] - (self.ends[number - 1] if number else 0)

    def begins_with(self) -> int | None:
        """Return the hash of the first block of the conversation, None when there is none."""
        return self.digests[self.turns_from] if len(self.digests) > self.turns_from else None


def _all(blocks: Blocks) -> tuple[Block, ...]:
    return (*blocks.head, *blocks.settings, *blocks.turns)
