"""How many tokens another model's tokeniser makes of the same text: dated, published figures.

Each model belongs to a family of tokenisers, whose factor is relative to one reference; the factor
of a pair is the quotient of two. What is in no family is taken to count as the reference does, and
a report says so.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any, NamedTuple

from headgate.economics.inputs import Inputs

UNKNOWN = "tokens_other"


class Family(NamedTuple):
    """Models of one tokeniser: patterns of `seller/model` or of the bare name, and an input."""

    input: str
    models: tuple[str, ...]


def families_of(data: Mapping[str, Any]) -> tuple[Family, ...]:
    """Return the families of a data file, in its order."""
    return tuple(Family(one["input"], tuple(one["models"])) for one in data["families"])


def input_of(families: Sequence[Family], model: str) -> str:
    """Return the input that has a model's factor; the first family that it fits into counts."""
    bare = model.rpartition("/")[2]
    for family in families:
        if any(fnmatchcase(bare, pattern) for pattern in family.models):
            return family.input
    return UNKNOWN


def factor(inputs: Inputs, families: Sequence[Family], old: str, new: str) -> Fraction:
    """Return how many tokens `new` makes where `old` made one; 1 for one tokeniser."""
    was, would_be = input_of(families, old), input_of(families, new)
    return Fraction(1) if was == would_be else inputs[would_be] / inputs[was]
