"""A deployment resolved for the data plane: its pool, its places, its request heads, its prices."""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from headgate.capacity.health import Breaker, Health
from headgate.capacity.places import Places
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.settings import Deployment
from headgate.dial.tunnel import proof
from headgate.gateway.upstream.pool import Pool
from headgate.providers.envelope import Envelope, Place, Unsigned
from headgate.providers.registry import Provider as ProviderKind
from headgate.providers.registry import envelope_of, keeps_threads
from headgate.providers.settings import OLDER_LIMIT
from headgate.records.demand import STANDARD, Edit, Terms
from headgate.records.report import Failure
from headgate.units import errors

CARDS_MAX: Final = 256
_JSON_LINE: Final = b"content-type: application/json\r\n"
PROXY_STATUS: Final = 407

Headers = Sequence[tuple[bytes, bytes]]


class Card:
    """The prices that are kept for attempts until an instant; None when they are unknown."""

    __slots__ = ("card", "until_ns")

    def __init__(self, until_ns: int, card: RateCard | None) -> None:
        self.until_ns, self.card = until_ns, card


class Target:
    """Where an attempt goes, and what it costs there.

    Attributes:
        facts: The header lines about this deployment that replies carry.
        health: Whether it may be asked now.
        served_model: Whom its replies named last, None before any; `model_line` is the header line
            that says so.
        nodes: Those by which it can be frozen: its provider, itself and its model.
        keeps_threads: Whether its provider keeps conversations for clients.
        envelopes: By dialect, how its requests differ from those of that dialect.
    """

    __slots__ = (
        "_book",
        "_cards",
        "_contracts",
        "_credential",
        "_edit",
        "_heads",
        "_host",
        "_paths",
        "_usual_heads",
        "deployment",
        "envelopes",
        "facts",
        "health",
        "keeps_threads",
        "kind",
        "limit_field",
        "limit_needed",
        "model_line",
        "nodes",
        "places",
        "pool",
        "served_model",
    )

    def __init__(
        self,
        deployment: Deployment,
        kind: ProviderKind,
        pool: Pool,
        book: PriceBook,
        breaker: Breaker,
        places: Places,
    ) -> None:
        self.deployment = deployment
        self.kind = kind
        self.pool = pool
        provider = pool.provider
        self.limit_field = provider.limit_field or kind.limit_field(
            provider.base_url, deployment.model
        )
        self.limit_needed = (
            kind.limit_needed(provider.base_url)
            if provider.limit_field is None
            else provider.limit_field == OLDER_LIMIT
        )
        self._edit = Edit(deployment.model, 0, self.limit_field, self.limit_needed)
        self.keeps_threads = keeps_threads(kind, provider.base_url)
        self.facts = b"x-headgate-deployment: %b\r\n" % deployment.id.encode()
        self.served_model: str | None = None
        self.model_line = b""
        self.nodes = deployment.nodes
        self.health = Health(breaker)
        self.places = places
        self._book = book
        self._contracts = tuple(node for node in self.nodes if node in book.contract_nodes)
        self._cards: dict[str | tuple[str, Terms], Card] = {}
        self.envelopes = {each: envelope_of(kind, each) for each in deployment.dialects}
        self._host, _, base = provider.base_url.partition("://")[2].partition("/")
        base_path = f"/{base}" if base else ""
        self._paths = {
            (dialect, stream): kind.path(
                dialect, base_path, Place(deployment.model, stream, provider.api_version)
            )
            for dialect in deployment.dialects
            for stream in (False, True)
        }
        self.renew(provider.credential)

    def renew(self, credential: str) -> None:
        """Send another credential from now on; an empty one for none.

        Raises:
            ValueError: It cannot stand in a header.
        """
        lines = [
            b"host: %b" % self._host.encode(),
            b"user-agent: headgate",
            b"accept-encoding: identity",
            _JSON_LINE.rstrip(),
        ]
        if credential:
            lines += [b"%b: %b" % pair for pair in self.kind.headers(credential)]
        way, forwarding = "", self.pool.dialer.forwarding
        if forwarding is not None:
            # The absolute form tells a proxy where a request goes (RFC 9112, section 3.2.2).
            way = f"http://{self._host}"
            if forwarding.credential:
                lines.append(b"proxy-authorization: %b" % proof(forwarding.credential).encode())
        fixed = b"\r\n".join(lines) + b"\r\n"
        self._credential = credential
        self._heads = {
            place: b"POST %b%b HTTP/1.1\r\n%b" % (way.encode(), path.encode(), fixed)
            for place, path in self._paths.items()
        }
        defaults = b"".join(b"%b: %b\r\n" % pair for pair in self.kind.DEFAULTS)
        # By dialect, the plain one and that of a stream.
        self._usual_heads = {
            dialect: (
                self._heads[dialect, False] + defaults,
                self._heads[dialect, True] + defaults,
            )
            for dialect in self.deployment.dialects
        }

    def failure(self, status: int, body: bytes) -> Failure:
        """Classify an error reply: of the proxy that every request goes to, or of the provider."""
        if status == PROXY_STATUS and self.pool.dialer.forwarding is not None:
            return Failure(errors.PROXY_REFUSED, retryable=True, pass_through=False)
        return self.kind.failure(status, body)

    def edit(self, output_tokens_max: int) -> Edit:
        """Return how a body that goes there is changed, but for what only some dialects need."""
        # Most calls have the limit of the call before.
        if self._edit.output_tokens_max != output_tokens_max:
            self._edit = replace(self._edit, output_tokens_max=output_tokens_max)
        return self._edit

    def head(
        self, dialect: str, forwarded: Headers, body: bytes, *, stream: bool, at_ns: int
    ) -> bytes:
        """Return the head of a request: our own, the headers that go through, the length."""
        envelope = self.envelopes[dialect]
        if not forwarded and envelope.sign is None:
            plain, streamed = self._usual_heads[dialect]
            return b"%bcontent-length: %d\r\n\r\n" % (streamed if stream else plain, len(body))
        head = self._heads[dialect, stream]
        lines = [head]
        held_back = envelope.held_back
        for name, value in forwarded:
            if name not in held_back:
                lines += (name, b": ", value, b"\r\n")
        names = {name for name, _ in forwarded}
        for name, value in self.kind.DEFAULTS:
            if name not in names:
                lines += (name, b": ", value, b"\r\n")
        for name, value in self._proof(envelope, self._paths[dialect, stream], body, at_ns):
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"content-length: %d\r\n\r\n" % len(body))
        return b"".join(lines)

    def form_head(
        self, dialect: str, forwarded: Headers, content_type: bytes, length: int, *, stream: bool
    ) -> bytes:
        """Return the head of a request whose body is a form; such requests are not signed."""
        head = self._heads[dialect, stream].replace(_JSON_LINE, b"", 1)
        lines = [head, b"content-type: ", content_type, b"\r\n"]
        for name, value in forwarded:
            lines += (name, b": ", value, b"\r\n")
        lines.append(b"content-length: %d\r\n\r\n" % length)
        return b"".join(lines)

    def kept_at(self, dialect: str, below: str, query: str) -> tuple[str, Headers] | None:
        """Return where the provider keeps what it answered in a dialect, and what says who asks.

        None where each request has to be signed by its body.

        Args:
            dialect: One that it speaks.
            below: What stands behind the path of calls, with a slash before it.
            query: What is asked beside that, empty for nothing.
        """
        if self.envelopes[dialect].sign is not None:
            return None
        path, _, fixed = self._paths[dialect, False].partition("?")
        asked = "&".join(each for each in (fixed, query) if each)
        scheme = self.pool.provider.base_url.partition("://")[0]
        url = f"{scheme}://{self._host}{path}{below}" + (f"?{asked}" if asked else "")
        who = self.kind.headers(self._credential) if self._credential else ()
        return url, ((b"accept-encoding", b"identity"), *who)

    def _proof(self, envelope: Envelope, path: str, body: bytes, at_ns: int) -> Headers:
        """Return the headers that prove this one request, where the kind signs each."""
        sign = envelope.sign
        if sign is None:
            return ()
        signed = ((b"content-type", b"application/json"),)
        region = self.pool.provider.region
        return sign(self._credential, Unsigned(self._host, path, signed, body, region, at_ns))

    def own_terms(self, terms: Terms) -> Terms:
        """Return the terms with those nodes of the deployment that have a contract."""
        return terms._replace(nodes=terms.nodes + self._contracts)

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
        if self._contracts:
            terms = self.own_terms(terms)
        # Most calls are on standard terms, and texts are found sooner than tuples.
        key = served_model if terms is STANDARD else (served_model, terms)
        kept = self._cards.get(key)
        if kept is not None and at_ns < kept.until_ns:
            return kept.card
        card = self._book.rate_card(deployment.seller, served_model, terms, at_ns)
        until_ns = at_ns + 60_000_000_000 if card is None else card.valid_until_ns
        if len(self._cards) >= CARDS_MAX:
            self._cards.clear()
        self._cards[key] = Card(until_ns, card)
        return card
