"""Citations between dialects: what stands for which part of the text."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Final

from headgate.records.conversation import Text
from headgate.records.reply import Citation, ReplyPart

CITATIONS_MAX: Final = 1_000
"""How many sources a stream keeps until they can be told."""


def url_citation(citation: Citation) -> dict[str, Any]:
    """Return a citation as both of OpenAI's dialects have it, by characters."""
    return {
        "start_index": citation.start,
        "end_index": citation.end,
        "url": citation.url,
        "title": citation.title,
    }


def joined(parts: Iterable[ReplyPart]) -> Iterator[ReplyPart]:
    """Yield parts with texts that follow each other as one: citations cut them elsewhere."""
    texts: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            texts.append(part.text)
            continue
        if texts:
            yield Text("".join(texts))
            texts = []
        yield part
    if texts:
        yield Text("".join(texts))


def of_part(citations: Iterable[Citation], start: int, end: int) -> Iterator[Citation]:
    """Yield the citations of one part of all the texts, counted from where the part starts.

    A citation that reaches over several parts is one of each.
    """
    for citation in citations:
        if citation.start < end and start < citation.end:
            first, last = max(citation.start, start), min(citation.end, end)
            yield citation._replace(start=first - start, end=last - start)


def segments(text: str, citations: Iterable[Citation]) -> Iterator[tuple[str, list[Citation]]]:
    """Yield a text cut where citations begin and end, each piece with those it stands under.

    Args:
        text: Not empty.
        citations: Counted from where the text starts.
    """
    found = list(citations)
    edges = {0, len(text)}
    for citation in found:
        edges |= {min(max(0, end), len(text)) for end in (citation.start, citation.end)}
    ordered = sorted(edges)
    for start, end in pairwise(ordered):
        under = [each for each in found if each.start <= start and end <= each.end]
        yield text[start:end], under
