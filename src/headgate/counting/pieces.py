"""Cutting a long text where no token reaches across, so that its pieces count what it counts.

The public tokenizers divide a text by a pattern before they look for tokens, and no token spans
two of the parts. Between a lower-case ASCII letter, one blank and another such letter both
patterns divide, whatever stands around: letters never take a blank that follows them, and a
blank goes with the letters behind it.
"""

from collections.abc import Iterator
from string import ascii_lowercase

PIECE_CHARACTERS = 50_000
"""What is counted at once: the library takes less than a million characters and counts at most
200,000 tokens, and a character has at most four bytes, each at most a token."""

_LETTERS = frozenset(ascii_lowercase)


def pieces(text: str) -> Iterator[str] | None:
    """Yield a text in pieces whose tokens add up to its own; None when there is no place to cut.

    Args:
        text: Of any length.
    """
    seams = _seams(text)
    if seams is None:
        return None
    return (text[start:end] for start, end in zip([0, *seams], [*seams, len(text)], strict=True))


def _seams(text: str) -> list[int] | None:
    """Return where to cut: after at most `PIECE_CHARACTERS` each."""
    seams: list[int] = []
    start = 0
    while len(text) - start > PIECE_CHARACTERS:
        seam = _last_seam(text, start, start + PIECE_CHARACTERS)
        if seam is None:
            return None
        seams.append(seam)
        start = seam
    return seams


def _last_seam(text: str, start: int, end: int) -> int | None:
    at = text.rfind(" ", start + 1, end)
    while at != -1:
        if text[at - 1] in _LETTERS and text[at + 1] in _LETTERS:
            return at
        at = text.rfind(" ", start + 1, at)
    return None
