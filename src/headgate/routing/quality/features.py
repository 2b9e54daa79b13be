"""What a text is judged by: the words and pairs of words of its head and tail, hashed.

Hashes need no list of words, so what is learned holds numbers only and never a piece of a text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np

from headgate.routing.quality.sparse import Ints, Singles, Sparse, stacked

HEAD_CHARS = 1_200
TAIL_CHARS = 600
BUCKETS = 1 << 18
COLUMNS_MAX = 16_384
TEXTS_MIN = 2
"""A bucket is kept when this many texts have it; what is in one text only teaches nothing."""

_WORD = re.compile(r"[^\W\d_]+|[0-9]|[^\w\s]")
_MIX = np.uint64(2_654_435_761)
"""Knuth's multiplier: a pair of words gets a bucket that depends on their order."""


def buckets(text: str) -> tuple[Ints, Ints]:
    """Return the buckets that a text fills, rising, and how often it fills each.

    Only the first 1,200 and the last 600 characters are read, so a long text costs no more.
    """
    if len(text) > HEAD_CHARS + TAIL_CHARS:
        text = f"{text[:HEAD_CHARS]} {text[-TAIL_CHARS:]}"
    # Half a surrogate pair is no character; it is replaced once, so that words encode quickly.
    whole = text.lower().encode(errors="replace").decode()
    hashes = np.array([*map(crc32, map(str.encode, _WORD.findall(whole)))], np.uint64)
    pairs = (hashes[:-1] * _MIX + hashes[1:]) >> np.uint64(7)
    both = np.concatenate([hashes, pairs]) % np.uint64(BUCKETS)
    found, counts = np.unique(both.astype(np.int64), return_counts=True)
    return found, counts


@dataclass(frozen=True, slots=True)
class Featuriser:
    """Turns a text into a row of unit length over the buckets that training texts share.

    Attributes:
        column_of: The column of each bucket; -1 where a bucket has none.
        rarity: By column: log((texts + 1) / (texts that have it + 1)) + 1.
    """

    column_of: Ints
    rarity: Singles

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.rarity)

    def row(self, text: str) -> tuple[Ints, Singles]:
        """Return the columns of a text and their weights; both are empty for an unknown text."""
        return self._row(*buckets(text))

    def _row(self, found: Ints, counts: Ints) -> tuple[Ints, Singles]:
        columns = self.column_of[found]
        known = columns >= 0
        columns = columns[known]
        weights = (1 + np.log(counts[known].astype(np.float32))) * self.rarity[columns]
        length = np.sqrt(weights @ weights)
        return columns, weights / length if length else weights

    def rows(self, texts: Sequence[str]) -> Sparse:
        """Return the rows of many texts."""
        return stacked([self.row(text) for text in texts], self.width)


def fit(texts: Sequence[str], columns_max: int = COLUMNS_MAX) -> tuple[Featuriser, Sparse]:
    """Choose the buckets that training texts share most, and return their rows with it."""
    read = [buckets(text) for text in texts]
    texts_with = np.bincount(np.concatenate([found for found, _ in read]), minlength=BUCKETS)
    kept = np.argsort(-texts_with, kind="stable")[:columns_max]
    # One column at least, so that texts which share nothing are rows like any other.
    kept = np.sort(np.concatenate([kept[:1], kept[1:][texts_with[kept[1:]] >= TEXTS_MIN]]))
    column_of = np.full(BUCKETS, -1, np.int64)
    column_of[kept] = np.arange(len(kept))
    rarity = np.log((len(texts) + 1) / (texts_with[kept] + 1)) + 1
    made = Featuriser(column_of, rarity.astype(np.float32))
    return made, stacked([made._row(*one) for one in read], made.width)
