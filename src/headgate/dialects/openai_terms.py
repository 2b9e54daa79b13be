"""The terms an OpenAI request asks for: its tier, and how long its cache writes live.

Chat Completions and Responses spell them alike (https://platform.openai.com/docs/api-reference).
"""

from typing import Final

from headgate.dialects.openai_chat_shapes import CacheOptions
from headgate.records.demand import STANDARD, Terms

_TIERS: Final = {"auto": "standard", "default": "standard", "fast": "priority"}

OVERRIDING: Final = frozenset({"n_predict", "n_cmpl"})
"""What llama.cpp obeys before the output limit and the number of answers that are sent to it: its
own names for both (tools/server of https://github.com/ggml-org/llama.cpp)."""


def openai_terms(tier: str | None, retention: str | None, options: CacheOptions | None) -> Terms:
    """Return the dearest terms a call asks for; `auto` is what the account is set to.

    Args:
        tier: `service_tier`, None when absent.
        retention: `prompt_cache_retention`, None when absent.
        options: `prompt_cache_options`, None when absent; every lifetime but the usual half
            hour is dearer.
    """
    if tier is None and options is None and retention is None:
        return STANDARD
    tier = tier or "auto"
    long = retention == "24h" or (options is not None and options.ttl not in (None, "30m"))
    return Terms(tier=_TIERS.get(tier, tier), cache_retention="24h" if long else "default")
