"""What all workers have learned, as the text that is kept over a restart."""

from collections.abc import Sequence

import msgspec

from headgate.experience.pool import Pool
from headgate.experience.rows import Experience
from headgate.units.sealed import StateError, seal, unseal

FORM = "headgate-experience 1"
"""The format and its version; a release that means something else by it counts it up."""

_read = msgspec.json.Decoder(list[Experience]).decode


def experience_text(whole: Sequence[Experience]) -> str:
    """Return all that a pool knows as text."""
    return seal(FORM, msgspec.json.encode(whole).decode())


def read_experience(text: str) -> Pool:
    """Return the pool that a text is of.

    Raises:
        StateError: Of another version, or damaged.
    """
    try:
        told = _read(unseal(FORM, text))
    except msgspec.DecodeError as error:
        raise StateError(f"it does not say what this release reads: {error}") from error
    pool = Pool()
    for each in told:
        pool.hear(each)
    return pool
