"""The text term: a ridge regression on hashed words, solved by conjugate gradients."""

import numpy as np

from headgate.routing.quality.sparse import Floats, Singles, Sparse

STEPS_MAX = 60
RESIDUAL_SHARE_MAX = 1e-3
"""Weights are exact enough when no residual is longer than this share of what was there first."""


def ridge(rows: Sparse, targets: Floats, penalty: float) -> Singles:
    """Return the w, a column per target, that minimises |rows w - targets|² + penalty |w|².

    Targets are expected to be centred: there is no intercept. All columns are solved at once
    (Hestenes and Stiefel, 1952), each with steps of its own.
    """
    across = rows.transposed()
    residual = across.times(targets.astype(np.float32))
    weights = np.zeros_like(residual)
    direction = residual.copy()
    squared = (residual**2).sum(axis=0)
    enough = squared * RESIDUAL_SHARE_MAX**2
    for _ in range(STEPS_MAX):
        if np.all(squared <= enough):
            break
        image = across.times(rows.times(direction)) + np.float32(penalty) * direction
        step = squared / np.maximum((direction * image).sum(axis=0), 1e-30)
        weights += step * direction
        residual -= step * image
        before, squared = squared, (residual**2).sum(axis=0)
        direction = residual + squared / np.maximum(before, 1e-30) * direction
    return weights
