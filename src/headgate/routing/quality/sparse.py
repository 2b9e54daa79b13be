"""Sparse rows of numbers, as much of them as fitting needs: products, and rows by number."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

GATHERED_MAX = 8_000_000
"""Numbers that a product holds at once beside its result; more rows take more turns."""


@dataclass(frozen=True, slots=True)
class Sparse:
    """A matrix by rows: row i has `values[starts[i]:starts[i + 1]]` in `columns` of the same slice.

    Attributes:
        starts: One more than there are rows, never falling.
        columns: The column of each value, below `width`.
        values: What is not zero.
        width: The number of columns.
    """

    starts: Ints
    columns: Ints
    values: Singles
    width: int

    def __len__(self) -> int:
        return len(self.starts) - 1

    def times(self, dense: Singles) -> Singles:
        """Return this matrix times a dense one of `width` rows."""
        result = np.zeros((len(self), dense.shape[1]), np.float32)
        step = max(1, GATHERED_MAX // (dense.shape[1] * max(1, self._row_values_max())))
        for first in range(0, len(self), step):
            starts = self.starts[first : first + step + 1]
            begin, end = int(starts[0]), int(starts[-1])
            if begin == end:
                continue
            gathered = dense[self.columns[begin:end]] * self.values[begin:end, None]
            # An empty row would make reduceat repeat a neighbour's value, so it is left out.
            filled = np.flatnonzero(np.diff(starts))
            result[first + filled] = np.add.reduceat(gathered, starts[filled] - begin, axis=0)
        return result

    def rows(self, chosen: Ints) -> "Sparse":
        """Return the matrix of these rows, in this order."""
        lengths = np.diff(self.starts)[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        places = np.arange(starts[-1]) + np.repeat(self.starts[chosen] - starts[:-1], lengths)
        return Sparse(starts, self.columns[places], self.values[places], self.width)

    def transposed(self) -> "Sparse":
        """Return the matrix with rows and columns exchanged."""
        order = np.argsort(self.columns, kind="stable")
        counts = np.bincount(self.columns, minlength=self.width)
        rows = np.repeat(np.arange(len(self)), np.diff(self.starts))
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Sparse(starts, rows[order], self.values[order], len(self))

    def _row_values_max(self) -> int:
        return int(np.diff(self.starts).max(initial=0))


def stacked(rows: Sequence[tuple[Ints, Singles]], width: int) -> Sparse:
    """Return the matrix of rows given as (columns, values)."""
    lengths = [len(columns) for columns, _ in rows]
    return Sparse(
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.concatenate([columns for columns, _ in rows] or [np.zeros(0, np.int64)]),
        np.concatenate([values for _, values in rows] or [np.zeros(0, np.float32)]),
        width,
    )
