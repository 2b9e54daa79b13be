"""The strict checker itself finds what it is there to find."""

from typing import Any

import pytest
from openai.types.model import Model

CARD = {"id": "m", "created": 1, "object": "model", "owned_by": "o"}


def test_accepts_the_exact_shape(check_strictly: Any) -> None:
    """A value with all required fields passes."""
    check_strictly(Model, CARD)


@pytest.mark.parametrize(
    "wrong",
    [
        {**CARD, "colour": "red"},
        {"id": "m", "created": 1, "object": "model"},
        {**CARD, "object": "engine"},
        {**CARD, "created": "soon"},
    ],
    ids=["unknown", "missing", "literal", "type"],
)
def test_refuses_any_other(check_strictly: Any, wrong: dict[str, Any]) -> None:
    """An unknown field, a missing one, a wrong literal and a wrong type each fail."""
    with pytest.raises(AssertionError):
        check_strictly(Model, wrong)
