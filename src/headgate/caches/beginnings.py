"""What a long text of a prompt begins with: two are known by what they have in common.

A document and a question about it may be one text. The hash of all of it says nothing of another
question about the same document; hashes of its first 4 kB, 8 kB and so on do.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final

from xxhash import xxh3_64_intdigest

FIRST_BYTES: Final = 4_096
"""A text that is no longer is known as a whole alone."""

PLACES: Final = (
    *(FIRST_BYTES * number for number in range(1, 8)),
    *((FIRST_BYTES << octave) * number for octave in range(1, 18) for number in range(4, 8)),
)
"""Up to where texts are hashed, in bytes: each 4 kB at first, then a quarter further at the most.
So no more than that is lost of what two have in common, and a megabyte has 27 places."""

TEXTS_MAX: Final = 32
"""So many long texts of a prompt are known by what they begin with, the first ones."""

REMEMBERED_MAX: Final = 2
"""Of so many of them it is remembered, the last ones."""


class Beginnings:
    """The hashes of what one text begins with.

    Attributes:
        block: The number of the block that ends with the text.
        before: A hash of all that the prompt says before it.
        end: Bytes of all that.
        firm: Bytes of it that certainly are in the prompt.
        digests: A hash of the text up to each of `PLACES` that lies inside of it.
    """

    __slots__ = ("before", "block", "digests", "end", "firm")

    def __init__(self, block: int, before: int, end: int, firm: int, digests: array[int]) -> None:
        self.block, self.before, self.end, self.firm = block, before, end, firm
        self.digests = digests

    def mark(self, number: int) -> int:
        """Return a hash of all of the prompt up to a place."""
        return hash((self.before, self.digests[number]))

    def end_at(self, number: int) -> int:
        """Return the bytes of the prompt up to a place."""
        return self.end + PLACES[number]

    def firm_at(self, number: int) -> int:
        """Return the bytes up to a place that certainly are in the prompt."""
        return self.firm + PLACES[number]


def digest_of_text(text: bytes, seed: int, digests: array[int]) -> int:
    """Return the hash of a text; it is read once for all places.

    Each stretch of it is hashed by the hash of all before it.

    Args:
        text: It.
        seed: What the first stretch is hashed by.
        digests: Gets the hash up to each place inside of it.
    """
    view = memoryview(text)
    size = len(text)
    begin = 0
    for place in PLACES:
        if place >= size:
            break
        seed = xxh3_64_intdigest(view[begin:place], seed)
        digests.append(seed)
        begin = place
    return xxh3_64_intdigest(view[begin:], seed)


def forks(texts: Sequence[Beginnings]) -> Iterator[tuple[Beginnings, int]]:
    """Yield the texts of a prompt and the numbers of their places that are worth remembering.

    Another text goes apart from one near its end, most often; what does so earlier finds a place at
    most twice as far from the end. Whoever does not find the first one has nothing in common.
    """
    for text in texts[-REMEMBERED_MAX:]:
        places = len(text.digests)
        back = 1
        while back < places:
            yield text, places - back
            back *= 2
        yield text, 0
