"""Counts of tokens that no provider is asked for: made here, from the request alone.

A request for a count comes here when nobody who could serve the model has an endpoint for it; or,
if its texts can be counted, when none of them can be asked now. Nothing is sent and nothing is
held, so it is no attempt, and the books have none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from headgate.counting.count import Count, bounded, counted
from headgate.counting.prompt import Prompt, UncountableError, prompt_of
from headgate.dialects.body import TOO_DEEP
from headgate.dialects.opened import LARGE_BYTES
from headgate.dialects.registry import CountDialect
from headgate.dialects.translation.fields import TranslationError
from headgate.gateway import replies
from headgate.gateway.client.http_bytes import JSON
from headgate.gateway.readings import COUNTING
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline

TEXT_CHARACTERS_MAX: Final = 4 << 20
"""Texts that are longer together are bounded by their bytes: counting them takes seconds."""


class Tallies:
    """Answers requests for counts that go to nobody."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world

    def count(self, exchange: Exchange, why: Refusal) -> Refusal | None:
        """Count the tokens of a request; or refuse, because its dialect is not understood here.

        Args:
            exchange: A request for a count, just read and permitted.
            why: Why no provider is asked.
        """
        kind = getattr(exchange.dialect, "COUNTS", None)
        if kind not in self._world.interpreter.translators:
            return why
        if why.code is not errors.MODEL_UNKNOWN and not self._tokenizers(exchange.asked):
            # Somebody else has a count later, and all there is here is a bound.
            return why
        steps = self._steps(exchange, why)
        if exchange.request.body_bytes >= LARGE_BYTES:
            self._pipeline.readings.step(exchange, steps)
        else:
            for _ in steps:
                pass
        return None

    def _steps(self, exchange: Exchange, why: Refusal) -> Iterator[None]:
        """Read what is to be counted, with pauses, and have it counted."""
        dialect = cast(CountDialect, exchange.dialect)
        translator = self._world.interpreter.translators[dialect.COUNTS]
        try:
            call = yield from translator.parsing(exchange.body)
            prompt = prompt_of(call)
        except TranslationError as error:
            self._pipeline.endings.refuse(exchange, error.refusal)
        except UncountableError as carried:
            # A name of its own: compiled, a name has one type in a function.
            message = f"{why.message} Nor can it be counted here, for it carries {carried}."
            self._pipeline.endings.refuse(exchange, Refusal(why.code, message, why.param))
        except RecursionError:
            self._pipeline.endings.refuse(exchange, TOO_DEEP)
        else:
            self._tally(exchange, prompt)

    def _tally(self, exchange: Exchange, prompt: Prompt) -> None:
        """Have the texts counted by the tokenizers of whoever could serve the model."""
        tallier = self._world.tallier
        tokenizers = self._tokenizers(exchange.asked)
        size = sum(len(text) for text in prompt.texts)
        if tallier is None or not tokenizers or size > TEXT_CHARACTERS_MAX:
            self._answer(exchange, bounded(prompt))
            return
        exchange.enter(COUNTING)

        def tallied(totals: tuple[int, ...] | None) -> None:
            if exchange.phase != COUNTING:
                # Its client went away.
                return
            if totals is None:
                self._answer(exchange, bounded(prompt))
                return
            most = max(zip(totals, tokenizers, strict=True))
            self._answer(exchange, counted(prompt, most[1], most[0]))

        tallier.tally(tokenizers, prompt.texts, tallied)

    def _tokenizers(self, asked: str) -> tuple[str, ...]:
        """Return those of all deployments of a name; none, when one of them has none."""
        found = {each.tokenizer for each in self._world.router.candidates(asked)}
        known = sorted(name for name in found if name is not None)
        return tuple(known) if None not in found else ()

    def _answer(self, exchange: Exchange, count: Count) -> None:
        assert exchange.client is not None, exchange.call
        dialect = cast(CountDialect, exchange.dialect)
        how = b"bounded"
        if count.tokenizer is not None:
            how = b"counted; tokenizer=%b" % count.tokenizer.encode()
        lines = b"x-headgate-count: %b; texts=%d\r\n" % (how, count.text_tokens)
        lines += replies.cost_line(0)
        body = dialect.render_count(count.tokens)
        exchange.client.write(replies.reply(exchange, 200, JSON, lines, body))
        self._pipeline.endings.finish(exchange)
