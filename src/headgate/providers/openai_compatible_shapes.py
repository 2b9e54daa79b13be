"""The usage object of Chat Completions, as it is decoded.

Apart from the provider because its module is compiled, and the decoder reads types at run time.
"""

from typing import Annotated

from msgspec import Meta, Struct

from headgate.units.usage import QUANTITY_MAX

Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class PromptDetails(Struct, gc=False):
    """Parts of the prompt."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class CompletionDetails(Struct, gc=False):
    """Parts of the completion."""

    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    accepted_prediction_tokens: Count | None = None
    rejected_prediction_tokens: Count | None = None


class Usage(Struct, gc=False):
    """The usage object of Chat Completions, as in the SDK's `CompletionUsage`.

    `prompt_cache_hit_tokens` and `prompt_cache_miss_tokens` are DeepSeek's.
    """

    prompt_tokens: Count
    completion_tokens: Count = 0
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    prompt_cache_miss_tokens: Count | None = None
