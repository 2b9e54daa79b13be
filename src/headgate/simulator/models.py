"""The models that the simulated providers serve, and the facts that shape their replies."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum


class ProviderName(StrEnum):
    """The providers that are simulated."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GOOGLE = "google"
    AZURE = "azure"


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model.

    Attributes:
        names: What a client may ask for; the first is the usual name.
        served: The name in replies and on the bill.
        released: Day of release, ISO 8601.
        cache_tokens_min: The shortest prefix that is cached.
        writes_cost: Whether cache writes are counted and charged on their own.
        dimensions: Numbers in an embedding; 0 for a model that generates.
        mode: What it makes: `text`, `image`, `speech`, `transcript` or `moderation`.
    """

    names: tuple[str, ...]
    served: str
    released: str
    context_tokens: int
    output_tokens_max: int
    cache_tokens_min: int
    writes_cost: bool
    dimensions: int = 0
    mode: str = "text"


def _openai(*names: str, served: str, released: str, context: int, writes_cost: bool) -> ModelFacts:
    return ModelFacts(names, served, released, context, 128_000, 1024, writes_cost)


def _anthropic(
    *names: str, released: str, context: int, output: int, cache_tokens_min: int
) -> ModelFacts:
    return ModelFacts(names, names[-1], released, context, output, cache_tokens_min, True)


_OPENAI = (
    _openai(
        "gpt-5.4",
        "gpt-5.4-2026-03-05",
        served="gpt-5.4-2026-03-05",
        released="2026-03-05",
        context=1_050_000,
        writes_cost=False,
    ),
    _openai(
        "gpt-5.4-mini",
        "gpt-5.4-mini-2026-03-17",
        served="gpt-5.4-mini-2026-03-17",
        released="2026-03-17",
        context=272_000,
        writes_cost=False,
    ),
    _openai(
        "gpt-5.5",
        "gpt-5.5-2026-04-23",
        served="gpt-5.5-2026-04-23",
        released="2026-04-23",
        context=1_050_000,
        writes_cost=False,
    ),
    _openai(
        "gpt-5.6-luna",
        served="gpt-5.6-luna",
        released="2026-06-26",
        context=922_000,
        writes_cost=True,
    ),
    # The undated family name is an alias of Sol.
    _openai(
        "gpt-5.6-sol",
        "gpt-5.6",
        served="gpt-5.6-sol",
        released="2026-07-09",
        context=922_000,
        writes_cost=True,
    ),
)
_ANTHROPIC = (
    _anthropic(
        "claude-opus-4-8",
        released="2026-05-28",
        context=1_000_000,
        output=128_000,
        cache_tokens_min=1024,
    ),
    _anthropic(
        "claude-sonnet-5",
        released="2026-06-30",
        context=1_000_000,
        output=128_000,
        cache_tokens_min=1024,
    ),
    _anthropic(
        "claude-haiku-4-5",
        "claude-haiku-4-5-20251001",
        released="2025-10-15",
        context=200_000,
        output=64_000,
        cache_tokens_min=4096,
    ),
    # The release day is not known; this is the day the model was first observed.
    _anthropic(
        "claude-haiku-5-5",
        released="2026-11-12",
        context=1_000_000,
        output=128_000,
        cache_tokens_min=512,
    ),
)
_EMBEDDINGS = (
    ModelFacts(
        ("text-embedding-3-small",),
        "text-embedding-3-small",
        "2024-01-25",
        8_191,
        0,
        0,
        False,
        1_536,
    ),
)
_MEDIA = tuple(
    ModelFacts((name,), name, released, 16_000, 0, 0, False, 0, mode)
    for name, released, mode in (
        ("gpt-image-1.5", "2025-12-16", "image"),
        ("dall-e-2", "2022-11-03", "image"),
        ("dall-e-3", "2023-11-06", "image"),
        ("tts-1", "2023-11-06", "speech"),
        ("gpt-4o-mini-tts", "2025-03-20", "speech"),
        ("whisper-1", "2023-03-01", "transcript"),
        ("gpt-4o-transcribe", "2025-03-20", "transcript"),
    )
)
_MODERATIONS = (
    ModelFacts(
        ("omni-moderation-latest", "omni-moderation-2024-09-26"),
        "omni-moderation-2024-09-26",
        "2024-09-26",
        32_000,
        0,
        0,
        False,
        mode="moderation",
    ),
)
_GOOGLE = (
    ModelFacts(
        ("gemini-3.5-flash",), "gemini-3.5-flash", "2026-05-19", 1_048_576, 65_536, 4_096, False
    ),
    ModelFacts(
        ("gemini-2.5-pro",), "gemini-2.5-pro", "2025-03-20", 1_048_576, 65_536, 2_048, False
    ),
)
MODELS = {
    ProviderName.OPENAI: (*_OPENAI, *_EMBEDDINGS, *_MEDIA, *_MODERATIONS),
    ProviderName.ANTHROPIC: _ANTHROPIC,
    ProviderName.GOOGLE: _GOOGLE,
}
_BY_NAME = {
    (provider, name): facts
    for provider, models in MODELS.items()
    for facts in models
    for name in facts.names
}


Finder = Callable[[ProviderName, str], ModelFacts | None]
"""(provider, name) -> the model that is asked for, None if the provider does not serve it."""

_USUAL = _openai("", served="", released="2026-01-01", context=10_000_000, writes_cost=False)


def find_model(provider: ProviderName, name: str) -> ModelFacts | None:
    """Return the model that `name` asks for, or None if the provider does not serve it."""
    return _BY_NAME.get((provider, name))


def any_model(provider: ProviderName, name: str) -> ModelFacts:
    """Return the model that `name` asks for, whatever that is, served by the very name.

    One that is not known caches as its provider's usually do, and has room for any prompt.
    """
    usual = replace(_USUAL, writes_cost=provider is ProviderName.ANTHROPIC)
    facts = find_model(provider, name) or usual
    return replace(facts, names=(name,), served=name, context_tokens=_USUAL.context_tokens)
