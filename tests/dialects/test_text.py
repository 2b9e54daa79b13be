"""Texts of a body that are none."""

import json
from pathlib import Path

import pytest

from headgate.dialects.registry import dialects
from headgate.units.errors import Refusal

SAMPLES = Path(__file__).parent / "samples"
DIALECTS = dialects()
SHAPES = {
    kind: json.loads((SAMPLES / kind / "shape.json").read_text()) for kind in sorted(DIALECTS)
}
READ = {kind: shape.get("text", "model") for kind, shape in SHAPES.items()}
"""A field that each dialect reads as a text; None in those that read none."""


@pytest.mark.parametrize(("kind", "field"), [each for each in READ.items() if each[1]])
def test_bytes_that_are_no_text_are_refused_with_the_place(kind: str, field: str) -> None:
    """The message says at which byte of the body, not of the text that it is in."""
    body = b'{"x": "\xc3\xa9", "%b": "ab\xff"}' % field.encode()

    refusal = DIALECTS[kind].read(body)

    assert isinstance(refusal, Refusal)
    assert refusal.message == f"Byte {body.index(0xFF)} of the body is not UTF-8."
