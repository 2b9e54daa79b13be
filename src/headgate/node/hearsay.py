"""What other workers have found of deployments, and what this one tells of them itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from headgate.capacity.health import NO_CREDENTIAL
from headgate.gateway.upstream.target import Target
from headgate.node.rows import UnwellRow


class Hearsay:
    """What other workers have found of deployments: heeded, and not told as one's own."""

    def __init__(self, targets: Mapping[str, Target], now_ns: Callable[[], int]) -> None:
        self._targets = targets
        self._now_ns = now_ns
        self._heard: dict[str, int] = {}

    def heed(self, rows: Sequence[UnwellRow]) -> None:
        """Pass over what another worker passes over."""
        for row in rows:
            target = self._targets.get(row.deployment)
            if target is not None:
                target.health.heed(row.rule, row.until_ns, self._now_ns())
                self._heard[row.deployment] = target.health.well_ns()

    def unwell(self) -> Iterator[UnwellRow]:
        """Yield what this worker has found itself."""
        now_ns = self._now_ns()
        for name, target in self._targets.items():
            rule, until_ns = target.health.rule(now_ns), target.health.well_ns()
            # Each worker fetches its own credentials.
            if rule is None or rule == NO_CREDENTIAL:
                continue
            if until_ns != self._heard.get(name):
                yield UnwellRow(name, rule, until_ns)
