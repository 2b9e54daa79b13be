"""The usage object of OpenAI's Responses, split into disjoint meters.

The details are parts of the totals: what is cached or written to the cache is inside the input,
reasoning is inside the output (`ResponseUsage` in the official SDK).
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from headgate.units.usage import QUANTITY_MAX, Usage, UsageError

_Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class _InputDetails(Struct, gc=False):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None


class _OutputDetails(Struct, gc=False):
    reasoning_tokens: _Count | None = None


class _Usage(Struct, gc=False):
    input_tokens: _Count
    output_tokens: _Count
    total_tokens: _Count | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_USAGE = msgspec.json.Decoder(_Usage)
_NO_INPUT_DETAILS = _InputDetails()
_NO_OUTPUT_DETAILS = _OutputDetails()


def split(usage_json: bytes, *, long: bool) -> Usage:
    """Split reported usage.

    Args:
        usage_json: The usage object.
        long: Whether the call asked for cache writes that live longer than the usual half hour.

    Raises:
        UsageError: It cannot be read, or contradicts itself.
    """
    try:
        usage = _USAGE.decode(usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error
    inputs = usage.input_tokens_details or _NO_INPUT_DETAILS
    cached, written = inputs.cached_tokens or 0, inputs.cache_write_tokens or 0
    if cached + written > usage.input_tokens:
        raise UsageError("the parts of the input exceed input_tokens")
    reasoning = (usage.output_tokens_details or _NO_OUTPUT_DETAILS).reasoning_tokens or 0
    if reasoning > usage.output_tokens:
        raise UsageError("reasoning_tokens exceeds output_tokens")
    total = usage.total_tokens
    if total is not None and total != usage.input_tokens + usage.output_tokens:
        raise UsageError("total_tokens is not the sum of its parts")
    return Usage(
        input_uncached=usage.input_tokens - cached - written,
        cache_read=cached,
        cache_write_5m=0 if long else written,
        cache_write_24h=written if long else 0,
        output_text=usage.output_tokens - reasoning,
        output_reasoning=reasoning,
    )
