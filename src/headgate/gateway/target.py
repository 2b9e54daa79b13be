"""A deployment resolved for the data plane: its pool, its places, its request heads, its prices."""

from collections.abc import Sequence

from headgate.capacity.places import Places
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.settings import Deployment
from headgate.gateway.pool import Pool
from headgate.providers.envelope import Place
from headgate.providers.registry import Provider as ProviderKind
from headgate.records.demand import Terms

CARDS_MAX = 256

Headers = Sequence[tuple[bytes, bytes]]


class Target:
    """Where an attempt goes, and what it costs there.

    Attributes:
        facts: The header lines about this deployment that replies carry.
    """

    __slots__ = (
        "_book",
        "_cards",
        "_heads",
        "deployment",
        "facts",
        "kind",
        "limit_field",
        "limit_needed",
        "places",
        "pool",
    )

    def __init__(
        self, deployment: Deployment, kind: ProviderKind, pool: Pool, book: PriceBook
    ) -> None:
        self.deployment = deployment
        self.kind = kind
        self.pool = pool
        provider = pool.provider
        self.limit_field = provider.limit_field or kind.limit_field(
            provider.base_url, deployment.model
        )
        self.limit_needed = kind.limit_needed(provider.base_url)
        self.facts = b"x-headgate-deployment: %b\r\n" % deployment.id.encode()
        self.places = Places(deployment.concurrency_max, deployment.queue_max)
        self._book = book
        self._cards: dict[tuple[str, Terms], tuple[int, RateCard | None]] = {}
        self._heads = {
            (dialect, stream): self._head(dialect, Place(deployment.model, stream))
            for dialect in provider.dialects
            for stream in (False, True)
        }

    def _head(self, dialect: str, place: Place) -> bytes:
        provider = self.pool.provider
        scheme_and_host, _, base = provider.base_url.partition("://")[2].partition("/")
        path = self.kind.path(dialect, f"/{base}" if base else "", place)
        lines = [
            b"POST %b HTTP/1.1" % path.encode(),
            b"host: %b" % scheme_and_host.encode(),
            b"user-agent: headgate",
            b"accept-encoding: identity",
            b"content-type: application/json",
        ]
        lines += [b"%b: %b" % pair for pair in self.kind.headers(provider.credential)]
        return b"\r\n".join(lines) + b"\r\n"

    def request(self, dialect: str, forwarded: Headers, body: bytes, *, stream: bool) -> bytes:
        """Return a whole request: our head, the headers that go through, the body."""
        head = self._heads[dialect, stream]
        if not forwarded and not self.kind.DEFAULTS:
            return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        lines = [head]
        for name, value in forwarded:
            lines += (name, b": ", value, b"\r\n")
        names = {name for name, _ in forwarded}
        for name, value in self.kind.DEFAULTS:
            if name not in names:
                lines += (name, b": ", value, b"\r\n")
        lines.append(b"content-length: %d\r\n\r\n" % len(body))
        lines.append(body)
        return b"".join(lines)

    def card(self, served_model: str | None, terms: Terms, at_ns: int) -> RateCard | None:
        """Return the prices an attempt is charged at, None when they are unknown.

        Args:
            served_model: What the reply names; None, or the name that was sent, means the
                model the deployment is priced as.
            terms: The conditions it was served on.
            at_ns: When the attempt was sent: the instant that prices it.
        """
        deployment = self.deployment
        if served_model is None or served_model == deployment.model:
            served_model = deployment.priced_as
        key = (served_model, terms)
        kept = self._cards.get(key)
        if kept is not None and at_ns < kept[0]:
            return kept[1]
        card = self._book.rate_card(deployment.seller, served_model, terms, at_ns)
        until_ns = at_ns + 60_000_000_000 if card is None else card.valid_until_ns
        if len(self._cards) >= CARDS_MAX:
            self._cards.clear()
        self._cards[key] = (until_ns, card)
        return card
