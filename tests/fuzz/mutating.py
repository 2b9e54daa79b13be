"""What fuzzing does to good bytes: swaps, cuts, repeats, and words that parsers trip over."""

import itertools
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st

STEPS_MAX = 4
"""So many changes at most: most of what was good stays, and reaches what lies deep."""
ENDS_WITHIN = 8_192

HALF = settings(max_examples=settings().max_examples // 2)
"""Each of these properties is about many kinds of bytes; together they must not take long."""


@st.composite
def mutated(draw: st.DrawFn, originals: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """Draw one of the originals with up to four changes, each anywhere in it.

    Args:
        draw: Given by hypothesis.
        originals: Good bytes to begin with.
        words: What may be put in, besides any bytes at all.
    """
    text = draw(st.sampled_from(originals))
    new = st.one_of(st.sampled_from(words), st.binary(max_size=8))
    for _ in range(draw(st.integers(0, STEPS_MAX))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(text))] * 2)))
        match draw(st.sampled_from(("insert", "overwrite", "remove", "repeat", "end"))):
            case "insert":
                text = text[:start] + draw(new) + text[start:]
            case "overwrite":
                word = draw(new)
                text = text[:start] + word + text[start + len(word) :]
            case "remove":
                text = text[:start] + text[min(end, start + 64) :]
            case "repeat":
                text = text[:end] + text[start:]
            case _:
                text = text[:end]
    return text


@st.composite
def cut(draw: st.DrawFn, text: bytes, pieces_max: int = 8) -> list[bytes]:
    """Draw how bytes come: whole, or in some pieces; joined they are the bytes again."""
    anywhere = st.integers(0, len(text))
    ends = [at for at, sign in enumerate(text[:ENDS_WITHIN]) if sign in b"\r\n"]
    # Between two ends of line is where readers of streams go wrong.
    place = st.one_of(anywhere, st.sampled_from(ends).map(lambda at: at + 1)) if ends else anywhere
    inner = draw(st.lists(place, max_size=pieces_max - 1))
    return [text[start:end] for start, end in itertools.pairwise([0, *sorted(inner), len(text)])]
