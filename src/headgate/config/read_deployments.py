"""`[deployments.ID]`: models over providers, with the catalog's facts where the file is silent."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from headgate.catalog.compliance import UNKNOWN
from headgate.catalog.facts import CAPABILITIES, ModelDirectory, ModelFacts
from headgate.catalog.settings import Deployment
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.read_compliance import treatment_from
from headgate.config.shapes import DeploymentShape
from headgate.counting.load_tokenizer import TOKENIZERS
from headgate.providers.registry import dialects_of
from headgate.providers.registry import providers as kinds_of_providers
from headgate.providers.settings import Provider

CONTEXT_TOKENS_FALLBACK = 200_000
OUTPUT_TOKENS_MAX_FALLBACK = 32_768
OUTPUT_TOKENS_DEFAULT_MAX = 16_384
"""What is assumed of a model that neither the file nor the catalog knows; documented."""


class _Tokens(NamedTuple):
    context: int
    output_max: int
    output_default: int


def deployments_from(
    tables: object,
    providers: Mapping[str, Provider],
    provider_ids: Collection[str],
    models: ModelDirectory,
    problems: Problems,
) -> dict[str, Deployment]:
    """Return the good deployments by id.

    Args:
        tables: The file's `deployments`.
        providers: The good providers.
        provider_ids: All providers of the file, so that a wrong one is not a problem twice.
        models: The catalog's facts.
        problems: Where problems are noted.
    """
    found: dict[str, Deployment] = {}
    for name, shape in checked_by_id(tables, "deployments", DeploymentShape, problems):
        key = f"deployments.{name}"
        if shape.provider not in provider_ids:
            problems.unknown(f"{key}.provider", "provider", shape.provider, provider_ids)
        provider = providers.get(shape.provider)
        seller, priced_as = _priced_as(shape, provider, key, problems)
        facts = models.facts(seller, priced_as)
        tokens = _tokens(shape, facts)
        if tokens.output_default > tokens.output_max:
            problems.add(
                f"{key}.output_tokens_default",
                f"It is above output_tokens_max, which is {tokens.output_max}.",
                "Lower it, or raise output_tokens_max.",
            )
        found[name] = Deployment(
            id=name,
            provider=shape.provider,
            model=shape.model,
            seller=seller,
            priced_as=priced_as,
            context_tokens=tokens.context,
            output_tokens_max=tokens.output_max,
            output_tokens_default=tokens.output_default,
            concurrency_max=shape.concurrency_max,
            queue_max=shape.queue_max,
            region=shape.region or (provider.region if provider else None),
            dialects=_dialects(shape, provider, priced_as, key, problems),
            cache_tokens_min=facts.cache_tokens_min if facts else None,
            cache_anywhere=facts is not None and facts.cache_anywhere,
            treatment=treatment_from(
                shape, key, problems, provider.treatment if provider else UNKNOWN
            ),
            hidden_reasoning=_hidden_reasoning(shape, facts),
            capabilities=_capabilities(shape, facts, key, problems),
            tokenizer=_tokenizer(shape, facts, key, problems),
        )
    return found


def _capabilities(
    shape: DeploymentShape, facts: ModelFacts | None, key: str, problems: Problems
) -> frozenset[str] | None:
    if shape.capabilities is None:
        return facts.capabilities if facts else None
    for name in shape.capabilities:
        if name not in CAPABILITIES:
            problems.unknown(f"{key}.capabilities", "capability", name, CAPABILITIES)
    return frozenset(shape.capabilities)


def _tokenizer(
    shape: DeploymentShape, facts: ModelFacts | None, key: str, problems: Problems
) -> str | None:
    if shape.tokenizer is None:
        return facts.tokenizer if facts else None
    if shape.tokenizer not in TOKENIZERS:
        problems.unknown(f"{key}.tokenizer", "tokenizer", shape.tokenizer, TOKENIZERS)
    return shape.tokenizer


def _hidden_reasoning(shape: DeploymentShape, facts: ModelFacts | None) -> bool:
    if shape.hidden_reasoning is not None:
        return shape.hidden_reasoning
    return facts is None or "thinking" in facts.capabilities


def _dialects(
    shape: DeploymentShape, provider: Provider | None, priced_as: str, key: str, problems: Problems
) -> tuple[str, ...]:
    if provider is None:
        return ()
    if shape.dialects is None:
        kind = kinds_of_providers()[provider.kind]
        return dialects_of(kind, provider.dialects, f"{shape.model} {priced_as}")
    for dialect in shape.dialects:
        if dialect not in provider.dialects:
            spoken = ", ".join(provider.dialects)
            problems.add(
                f"{key}.dialects",
                f"The provider {provider.id!r} does not speak {dialect!r}.",
                f"It speaks {spoken}; its own `dialects` may name others.",
            )
    return shape.dialects


def _priced_as(
    shape: DeploymentShape, provider: Provider | None, key: str, problems: Problems
) -> tuple[str, str]:
    if shape.catalog is None:
        return provider.seller if provider else shape.provider, shape.model
    seller, slash, model = shape.catalog.partition("/")
    if not (seller and slash and model):
        problems.add(f"{key}.catalog", "It is not a seller and a model.", 'Write "SELLER/MODEL".')
    return seller, model


def _tokens(shape: DeploymentShape, facts: ModelFacts | None) -> _Tokens:
    known_context = facts.context_tokens if facts else None
    known_output = facts.output_tokens_max if facts else None
    output_max = shape.output_tokens_max or known_output or OUTPUT_TOKENS_MAX_FALLBACK
    return _Tokens(
        context=shape.context_tokens or known_context or CONTEXT_TOKENS_FALLBACK,
        output_max=output_max,
        output_default=shape.output_tokens_default or min(output_max, OUTPUT_TOKENS_DEFAULT_MAX),
    )
