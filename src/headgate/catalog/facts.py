"""Facts of models: what they can take, what they can do, and which names they go by."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from headgate.catalog.snapshots import snapshot_of

CAPABILITIES = (
    *("audio", "computer_use", "documents", "images", "json_schema", "prompt_cache", "thinking"),
    *("tools", "web_search"),
)


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model of one seller.

    Attributes:
        mode: `chat`, `responses` (not served by chat completions), `embedding`, `image`, `speech`,
            `transcription` or `moderation`.
        context_tokens: An upper bound of the prompt, None when it is not known.
        output_tokens_max: The largest output limit it takes, None when it is not known.
        capabilities: Some of `CAPABILITIES`.
        output_limit_field: The field of the seller's own dialect that limits the output.
        aliases: Other names of the same model at the same price, dated snapshots for the most.
        cache_tokens_min: The shortest prefix that is cached, None when it is not known.
        cache_anywhere: Whether prompts that have a beginning in common are known to be read from
            the cache up to its end, wherever that is, and not only where a block or a prompt ends.
        released_on: First day on sale, None when it is not known.
        retired_on: Day it was or will be withdrawn, None when none is known.
        tokenizer: The public vocabulary it reads texts by, None when none is public.
    """

    seller: str
    name: str
    mode: str = "chat"
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    capabilities: frozenset[str] = frozenset()
    output_limit_field: str = "max_tokens"
    aliases: tuple[str, ...] = ()
    cache_tokens_min: int | None = None
    cache_anywhere: bool = False
    released_on: date | None = None
    retired_on: date | None = None
    tokenizer: str | None = None


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """All models that facts are known of; immutable."""

    models: tuple[ModelFacts, ...]
    _by_name: Mapping[tuple[str, str], ModelFacts] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        aliases = {(m.seller, alias): m for m in self.models for alias in m.aliases}
        names = {(m.seller, m.name): m for m in self.models}
        object.__setattr__(self, "_by_name", aliases | names)

    def facts(self, seller: str, model: str) -> ModelFacts | None:
        """Return the facts of a model, alias or dated snapshot; None when there are none."""
        found = self._by_name.get((seller, model))
        if found is None:
            found = self._by_name.get((seller, snapshot_of(model) or ""))
        return found

    def aliases(self) -> dict[tuple[str, str], str]:
        """Return (seller, alias) to the model it is a name of."""
        return {(m.seller, alias): m.name for m in self.models for alias in m.aliases}

    def near(self, name: str, limit: int = 3) -> tuple[str, ...]:
        """Return the `seller/model` names most like `name` (with or without its seller)."""
        full = {f"{m.seller}/{m.name}": f"{m.seller}/{m.name}" for m in self.models}
        bare = {m.name: f"{m.seller}/{m.name}" for m in self.models}
        names = full if "/" in name else bare
        return tuple(names[match] for match in near_names(name, names, limit))


NEAR_MAX = 256
"""A longer name is compared with no other; names are shorter by far."""


def near_names(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return up to `limit` of the known names most like `name`, the likest first.

    A very long name is like none that there is; to compare it would take seconds.
    """
    if len(name) > NEAR_MAX:
        return ()
    return tuple(difflib.get_close_matches(name, sorted(known), n=limit))
