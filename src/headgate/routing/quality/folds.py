"""Parts that cross-validation leaves out in turn: rows of one text stay together.

A text that is left out must not have been learned from in another row, or it is known by heart,
and operating points are chosen on praise for that.
"""

from collections.abc import Sequence

import numpy as np

from headgate.routing.quality.sparse import Ints


def folds(texts: Sequence[str], count: int, seed: int) -> Ints:
    """Return by row the number of its part, each about as large in different texts.

    Where there are fewer different texts than parts, as of tasks without any, rows count alone.
    """
    number_of = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    if len(number_of) < count:
        return np.random.default_rng(seed).permutation(len(texts)) % count
    fold_of = np.random.default_rng(seed).permutation(len(number_of)) % count
    return np.asarray(fold_of[[number_of[text] for text in texts]])
