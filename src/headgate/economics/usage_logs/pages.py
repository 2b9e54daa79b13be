"""Reports of sellers' administration interfaces: pages of time buckets with results.

A file holds one page, a list of pages, or a page a line. A bucket that is fetched again later has
more in it; the fuller one counts.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Generic, TypeVar

import msgspec

from headgate.economics.usage_logs.fields import FieldError, instant_of
from headgate.economics.usage_logs.record import Findings, Tally

Page = TypeVar("Page")


class Pages(Generic[Page]):
    """Decodes the pages of a file."""

    def __init__(self, shape: type[Page]) -> None:
        self._page = msgspec.json.Decoder(shape)
        self._pages = msgspec.json.Decoder(list[shape])  # type: ignore[valid-type]  # a type made at run time

    def read(self, data: bytes, tally: Tally) -> Iterator[Page]:
        """Yield the pages that can be read; count the others."""
        text = data.strip()
        if text.startswith(b"["):
            yield from self._try(text, tally, many=True)
            return
        whole = list(self._try(text, Tally(), many=False))
        if whole:
            yield from whole
            return
        for line in text.split(b"\n"):
            if line.strip():
                yield from self._try(line.strip(), tally, many=False)

    def _try(self, text: bytes, tally: Tally, *, many: bool) -> Iterator[Page]:
        try:
            pages: list[Page] = self._pages.decode(text) if many else [self._page.decode(text)]
        except msgspec.ValidationError as error:
            tally.note_foreign(text, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            tally.note_broken(text, str(error))
        else:
            yield from pages


def note_covered(findings: Findings, start: object, end: object) -> None:
    """Note that a report tells about a bucket; times that make no sense are told with results."""
    try:
        findings.covered.append((instant_of(start), instant_of(end)))
    except FieldError:
        return


def identity_of(*parts: object) -> str:
    """Return a short name of what a result is about: all that tells it from its neighbours."""
    text = "\x1f".join("" if part is None else str(part) for part in parts)
    return blake2b(text.encode(), digest_size=16).hexdigest()
