"""What is to be expected of deployments beside their prices: the estimates policies ask for.

What this worker has measured itself (pace, lengths, failures) and what is known of the models'
quality come together here. Only routes whose policy goes by estimates pay for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.capacity.pace import PARTS, Faded, Fading, Pace, Tell
from headgate.catalog.settings import Deployment
from headgate.dialects.prompts.asked import asked_text
from headgate.dialects.prompts.registry import prompt_dialects
from headgate.gateway.learning.known_outputs import KnownOutputs
from headgate.records.charge import Settlement
from headgate.routing.candidate import Estimated
from headgate.routing.learning.outcomes import largest
from headgate.routing.learning.votes import CLUSTER
from headgate.routing.quality.standing import Outcomes, Standing
from headgate.routing.settings import PPM

if TYPE_CHECKING:
    from headgate.experience.rows import Key
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.notebook import Notebook

LENGTHS, SPENT = "lengths", "spent"
"""What is learned beside paces, in the notebook: answers' lengths, and what providers were paid."""

NO_CLUSTERS: Final[Mapping[str, int]] = MappingProxyType({})
CALLS_MIN: Final = 20
"""Lengths of fewer calls say too little."""

SHARES_HALF_LIFE_NS: Final = 3_600_000_000_000
"""What was spent an hour ago counts half in providers' shares."""


def _of_an_hour() -> Fading:
    return Fading(SHARES_HALF_LIFE_NS)


class Appraisal:
    """Watches what attempts take, and says what the next will.

    Args:
        standing: What is known of the models' quality.
        deployments: Ids of all that can be called.
        notebook: Tells the other workers what attempts took, and hears from them.

    Attributes:
        standing: The same.
    """

    def __init__(self, standing: Standing, deployments: Sequence[str], notebook: Notebook) -> None:
        self.standing = standing
        self._prompts = prompt_dialects()
        self._notebook = notebook
        self._paces = {name: Pace(self._teller(name)) for name in deployments}
        self._outputs = KnownOutputs(LENGTHS, notebook)
        for part in PARTS:
            notebook.faded(part, self._hear_pace)
        notebook.faded(SPENT, self._hear_spent)
        self._spent: dict[tuple[str, str], Fading] = defaultdict(_of_an_hour)

    def _teller(self, deployment: str) -> Tell:
        def tell(part: str, half_life_ns: int, above: int, below: int, at_ns: int) -> None:
            self._notebook.fade((part, deployment), half_life_ns, above, below, at_ns)

        return tell

    def _hear_pace(self, key: Key, faded: Faded, whole: bool) -> None:
        pace = self._paces.get(key[1])
        if pace is not None:
            pace.hear(key[0], faded, whole=whole)

    def _hear_spent(self, key: Key, faded: Faded, whole: bool) -> None:
        spent = self._spent[key[1], key[2]]
        if whole:
            spent.join(faded)
        else:
            spent.absorb(faded)

    def take(self, outcomes: Outcomes) -> None:
        """Go by these outcomes of one's own calls from now on."""
        self.standing.outcomes = outcomes

    def text(self, exchange: Exchange) -> str:
        """Return what a call asks, as far as its quality is judged by it; empty when unknown."""
        dialect = self._prompts.get(exchange.dialect.KIND)
        if dialect is None:
            return ""
        try:
            blocks = dialect.read(exchange.own.members)
            return "" if blocks is None else asked_text(blocks)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Odd, and the provider's to judge.
            return ""

    def clusters(self, text: str) -> Mapping[str, int]:
        """Return the clusters a text is of with its shares in millionths, the largest few.

        They stand in the decision, so that votes on the answer are learned from where they belong.
        """
        if self.standing.prior is None:
            return NO_CLUSTERS
        shares = largest(self.standing.read(text).shares)
        return {f"{CLUSTER}{number}": round(share * PPM) for number, share in shares}

    def learn(self, exchange: Exchange, settlement: Settlement, at_ns: int) -> None:
        """Learn what an attempt cost, and of a measured answer how long it was and took."""
        deployment = exchange.target.deployment
        nanos, asked = settlement.amount_nanos, exchange.asked
        self._spent[asked, deployment.provider].add(nanos, 1, at_ns)
        spent = SPENT, asked, deployment.provider
        self._notebook.fade(spent, SHARES_HALF_LIFE_NS, nanos, 1, at_ns)
        usage = settlement.usage
        if usage is None or settlement.state != "measured" or settlement.reason is not None:
            return
        sent_ns, first_ns = exchange.sent_ns, exchange.first_byte_ns
        tokens = usage.output_text + usage.output_reasoning + usage.output_audio
        self._outputs.learn(_kind(asked, deployment), tokens // exchange.demand.choices)
        pace = self._paces[deployment.id]
        if exchange.demand.stream and first_ns >= sent_ns:
            pace.first_byte((first_ns - sent_ns) // 1_000, at_ns)
            pace.written(tokens, (at_ns - first_ns) // 1_000, at_ns)
        else:
            pace.written(tokens, (at_ns - sent_ns) // 1_000, at_ns)

    def tried(self, exchange: Exchange, at_ns: int, *, failed: bool) -> None:
        """Learn how an attempt ended."""
        self._paces[exchange.target.deployment.id].tried(at_ns, failed=failed)

    def appraise(
        self, asked: str, text: str, deployments: Sequence[Deployment], now_ns: int
    ) -> Mapping[str, Estimated]:
        """Return estimates by deployment; see `headgate.routing.router.Appraiser`."""
        standing = self.standing
        models = {each.priced_as for each in deployments}
        quality = standing.quality(standing.read(text), models)
        found: dict[str, Estimated] = {}
        for each in deployments:
            pace = self._paces[each.id]
            outputs = self._outputs.find(_kind(asked, each))
            known = outputs is not None and outputs.calls >= CALLS_MIN
            found[each.id] = Estimated(
                *quality[each.priced_as],
                outputs.quantile(50) if known and outputs is not None else 0,
                outputs.quantile(95) if known and outputs is not None else 0,
                pace.failed_ppm(now_ns),
                pace.ttft_ms(now_ns),
                pace.tokens_per_s_milli(now_ns),
            )
        return found

    def shares(self, asked: str, now_ns: int) -> Mapping[str, int]:
        """Return providers' shares of lately's spend; see `headgate.routing.given.Appraiser`."""
        spent = {
            provider: fading.total(now_ns)
            for (name, provider), fading in self._spent.items()
            if name == asked
        }
        total = sum(spent.values())
        return {each: nanos * PPM // total for each, nanos in spent.items()} if total else {}


def _kind(asked: str, deployment: Deployment) -> Key:
    """Return the kind of a call; a deployment of another model is another, whatever its name."""
    return LENGTHS, asked, deployment.id, deployment.model
