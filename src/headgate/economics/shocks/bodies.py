"""Prompts of words that mean nothing, as long as those that were recorded, in any dialect.

Of a call the books keep counts, no text. A call's prompt begins as the one before it in its piece
did, for as many tokens as were read from a cache, and goes on with words that no other has. So a
provider that keeps prefixes finds about as much again, and one that never saw them finds nothing.
A token is four bytes here, as it is to the simulated providers.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import msgspec
from msgspec import Raw

from headgate.dialects.prompts.registry import Wanted, marker_of, prompt_dialects
from headgate.dialects.registry import dialects
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.registry import translators
from headgate.insights.drill import Past
from headgate.records.conversation import Call, Text, Turn
from headgate.records.demand import Edit

BYTES_PER_TOKEN = 4
_FILLER = "out and the all for you can use gate flow " * 100
_TAG_BYTES = 16
_LIMIT_FIELD = "max_completion_tokens"

_translators, _prompts, _dialects = cache(translators), cache(prompt_dialects), cache(dialects)


def sendable() -> frozenset[str]:
    """Return the dialects in which a prompt can be said and divided: only their calls are sent."""
    return frozenset(_prompts().keys() & _translators().keys())


class Letter(NamedTuple):
    """What is sent: where to, below the gateway's address, and the body."""

    path: str
    body: bytes


@dataclass(slots=True)
class Writer:
    """Writes the prompts of one piece, call after call.

    Attributes:
        name: Tells its words from those of all other pieces.
    """

    name: str
    _before: list[str] = field(default_factory=list)
    _written: int = 0

    def letter(self, call: Past) -> Letter:
        """Return the next call's request."""
        self._written += 1
        usage = call.usage
        marks = marker_of(_prompts()[call.dialect])
        written = usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_24h
        # Where only marked prefixes are kept, what is fresh stands behind the mark; elsewhere
        # the next prompt may go on from all of this one.
        fresh = usage.input_uncached + usage.input_audio if marks else 0
        kept = self._kept(usage.cache_read, whole=marks is not None)
        missing = usage.prompt_tokens - fresh - _tokens(kept)
        if missing > 0:
            kept.append(self._words(missing, "k"))
        self._before = kept
        answered = max(1, usage.output_tokens)
        last = f"{self._words(fresh, 'f')} [sim:tokens={answered}]"
        system = [Turn("system", tuple(Text(text) for text in kept))] if kept else []
        said = Call(
            model=call.asked,
            stream=call.stream,
            output_tokens_max=max(answered, call.output_tokens_max),
            turns=(*system, Turn("user", (Text(last),))),
        )
        body = _rendered(said, call.dialect)
        if marks is not None and kept and (written or usage.cache_read):
            members = msgspec.json.decode(body, type=dict[str, Raw])
            changed = marks(members, Wanted(head=True, turns=False, bytes_min=0)).changed
            body = msgspec.json.encode(members | {name: Raw(of) for name, of in changed.items()})
        return Letter(_path(call), body)

    def _kept(self, tokens: int, *, whole: bool) -> list[str]:
        """Return the beginning of the prompt before this one, of about so many tokens.

        Args:
            tokens: How many.
            whole: Whether its blocks are not cut: the nearest end of one counts.
        """
        room = tokens * BYTES_PER_TOKEN
        kept: list[str] = []
        for text in self._before:
            if whole and room * 2 < len(text):
                break
            part = text if whole else text[: max(0, room)]
            if not part:
                break
            kept.append(part)
            room -= len(part)
        return kept

    def _words(self, tokens: int, kind: str) -> str:
        tag = f"{self.name}{kind}{self._written} ".ljust(_TAG_BYTES, ".")
        room = tokens * BYTES_PER_TOKEN
        text = tag + _FILLER * (room // len(_FILLER) + 1)
        return text[:room]


def _tokens(texts: list[str]) -> int:
    return sum(map(len, texts)) // BYTES_PER_TOKEN


def _rendered(said: Call, dialect: str) -> bytes:
    assert said.output_tokens_max is not None
    edit = Edit(said.model, said.output_tokens_max, _LIMIT_FIELD)
    return _translators()[dialect].render_call(said, edit, Losses()).body


def _path(call: Past) -> str:
    dialect = _dialects()[call.dialect]
    paths = getattr(dialect, "PATHS", (dialect.PATH,))
    if "{model}" not in paths[0]:
        return str(paths[0])
    path = next(each for each in paths if ("stream" in each) == call.stream)
    return path.format(model=call.asked) + ("?alt=sse" if call.stream else "")
