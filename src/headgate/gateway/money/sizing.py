"""Expected holds: what a streamed call is likely to take, instead of all that it could.

Only where every budget above a call says `holds = "expected"`, and only where the output can be
counted as it streams: one choice, no thoughts that the stream does not show, a dialect whose
streams can be ended in order. Everything else holds its worst case, as ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from headgate.dialects.registry import StreamReader
from headgate.dialects.stops.registry import Counted, Stop
from headgate.gateway.learning.known_outputs import KnownOutputs
from headgate.gateway.money.gauge import Gauge, Ruler
from headgate.ledger.outputs import CALLS_MAX
from headgate.ledger.settings import Expected
from headgate.records.charge import Settlement
from headgate.records.journal import SizingNote

if TYPE_CHECKING:
    from headgate.experience.rows import Key
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.notebook import Notebook
    from headgate.gateway.pipeline import Pipeline

HELD, HIDDEN = "held", "hidden"
"""What is learned, in the notebook: outputs by kind of call, and the kinds that hide some."""


class Sized:
    """How the hold of one attempt was sized, and what watches its stream.

    Attributes:
        note: As the journal has it.
        gauge: None until the stream has begun.
    """

    __slots__ = ("_sizing", "gauge", "note")

    def __init__(self, sizing: Sizing, note: SizingNote) -> None:
        self._sizing = sizing
        self.note = note
        self.gauge: Gauge | None = None

    def watch(
        self, pipeline: Pipeline, exchange: Exchange, stream: StreamReader
    ) -> Callable[[bytes], bytes]:
        """Return what feeds a stream from now on, and sees to it that its hold suffices."""
        sizing = self._sizing
        native = exchange.spoken is exchange.dialect
        ruler = Ruler(
            self.note.output_tokens,
            sizing.settings.reserve_tokens,
            sizing.counted[exchange.spoken.KIND].UNWRITTEN,
            sizing.stops[exchange.dialect.KIND]() if native else None,
        )
        self.gauge = gauge = Gauge(pipeline, exchange, stream, ruler)
        return gauge.feed


class Sizing:
    """Remembers what calls took, and sizes holds by it.

    Args:
        settings: How holds are sized.
        counted: By dialect, how its streams are counted.
        stops: By dialect, how its streams are ended.
        notebook: Tells the other workers what calls took, and hears from them.
    """

    def __init__(
        self,
        settings: Expected,
        counted: Mapping[str, Counted],
        stops: Mapping[str, Callable[[], Stop]],
        notebook: Notebook,
    ) -> None:
        self.settings = settings
        self.counted = counted
        self.stops = stops
        self._notebook = notebook
        self._outputs = KnownOutputs(HELD, notebook)
        notebook.counts(HIDDEN, self._hear_hidden, CALLS_MAX)

    def expect(self, exchange: Exchange) -> None:
        """Lower what an attempt is about to hold to what it is expected to take."""
        exchange.sized = None
        outputs = self._outputs.find(_kind(exchange))
        settings, card = self.settings, exchange.card
        if outputs is None or card is None or outputs.hidden or outputs.calls < settings.calls_min:
            return
        if not self._countable(exchange):
            return
        likely = max(outputs.quantile(settings.percent), settings.output_tokens_min)
        covered = likely + settings.reserve_tokens
        if covered < exchange.output_tokens_max:
            exchange.hold_nanos = card.worst_nanos(exchange.input_tokens_max, covered)
            exchange.sized = Sized(self, SizingNote(covered, settings.percent, outputs.calls))

    def _countable(self, exchange: Exchange) -> bool:
        demand, counted = exchange.demand, self.counted.get(exchange.spoken.KIND)
        if counted is None or demand.unbounded is not None or demand.choices != 1:
            return False
        if not (demand.stream and exchange.own.stream):
            return False
        hidden = exchange.target.deployment.hidden_reasoning or counted.thinks(demand.members)
        return not hidden and exchange.dialect.KIND in self.stops

    def learn(self, exchange: Exchange, settlement: Settlement) -> None:
        """Remember what a call took that was measured, and whether it could be seen in time."""
        gauge = None if exchange.sized is None else exchange.sized.gauge
        usage = settlement.usage
        if usage is None or settlement.state != "measured":
            if gauge is not None and gauge.late:
                self._hide(_kind(exchange))
            return
        output_tokens = usage.output_text + usage.output_reasoning + usage.output_audio
        kind = _kind(exchange)
        self._outputs.learn(kind, output_tokens // exchange.demand.choices)
        unseen = gauge is not None and (gauge.late or output_tokens > gauge.tokens_max())
        if usage.output_reasoning or unseen:
            # Whatever was said of it: from now on its worst case is held.
            self._hide(kind)

    def _hide(self, kind: Key) -> None:
        outputs = self._outputs.of(kind)
        if not outputs.hidden:
            outputs.hidden = True
            self._notebook.count((HIDDEN, *kind[1:]), 1)

    def _hear_hidden(self, key: Key, _counts: dict[int, int], _whole: bool) -> None:
        self._outputs.of((HELD, *key[1:])).hidden = True


def _kind(exchange: Exchange) -> Key:
    """Return the kind of a call; a deployment of another model is another, whatever its name."""
    deployment = exchange.target.deployment
    return HELD, exchange.asked, deployment.id, deployment.model
