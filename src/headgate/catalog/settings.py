"""What the configuration says of deployments."""

from typing import NamedTuple

from headgate.catalog.compliance import UNKNOWN, Treatment


class Deployment(NamedTuple):
    """A model over a provider connection: what can be called and priced.

    Attributes:
        id: The name a client can pin, and records carry.
        provider: Id of a configured provider.
        model: The name sent upstream.
        seller: Whose price rows apply.
        priced_as: The model of the price book it is priced as before a reply names one.
        context_tokens: The longest prompt it takes; also the bound of a prompt with remote parts.
        output_tokens_max: The largest output limit it takes.
        output_tokens_default: The limit that is sent when the client gives none.
        concurrency_max: Calls it serves at once.
        queue_max: Calls that may wait for a place.
        region: Where it runs, None when unknown.
        dialects: The wire formats it speaks natively, the preferred one first.
        cache_tokens_min: The shortest prefix of a prompt that is cached, None when unknown.
        cache_anywhere: Whether a prefix is known to be read also where it ends inside of a text.
        treatment: How it treats what it is sent.
        hidden_reasoning: Whether it may think in tokens that its stream does not show.
        capabilities: What it can do, in the catalog's words; None when that is not known.
        tokenizer: The public vocabulary it reads texts by, None when none is known.
    """

    id: str
    provider: str
    model: str
    seller: str
    priced_as: str
    context_tokens: int
    output_tokens_max: int
    output_tokens_default: int
    concurrency_max: int = 1024
    queue_max: int = 1024
    region: str | None = None
    dialects: tuple[str, ...] = ()
    cache_tokens_min: int | None = None
    cache_anywhere: bool = False
    treatment: Treatment = UNKNOWN
    hidden_reasoning: bool = True
    capabilities: frozenset[str] | None = None
    tokenizer: str | None = None

    @property
    def nodes(self) -> tuple[str, ...]:
        """Those by which it can be frozen, and have a contract: provider, itself, model."""
        return (f"provider:{self.provider}", f"deployment:{self.id}", f"model:{self.model}")
