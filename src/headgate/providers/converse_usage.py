"""What Amazon Bedrock's Converse reports as used, split into disjoint meters.

Wire format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from headgate.records.demand import Terms
from headgate.records.report import Metered, Report
from headgate.units.usage import QUANTITY_MAX, Usage, UsageError

_Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class _Detail(Struct, gc=False):
    ttl: str = ""
    count: _Count = field(default=0, name="inputTokens")


class _Usage(Struct, gc=False):
    input: _Count = field(name="inputTokens")
    output: _Count = field(name="outputTokens")
    total: _Count = field(name="totalTokens")
    cache_read: _Count | None = field(default=None, name="cacheReadInputTokens")
    cache_write: _Count | None = field(default=None, name="cacheWriteInputTokens")
    details: list[_Detail] | None = field(default=None, name="cacheDetails")
    at_provider: dict[str, _Count] | None = field(default=None, name="serverToolUsage")


_USAGE = msgspec.json.Decoder(_Usage)


def metered(report: Report, asked: Terms) -> Metered:
    """Split reported usage.

    The cached part of a prompt is beside its input, whether the total counts it or not: some
    models' does not. Thoughts are inside the output and not told apart. Cache writes without
    their lifetime are of the default class, five minutes.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself, or a tool ran at the
            provider, for whose use there is no meter.
    """
    if report.usage_json is None:
        raise UsageError("the reply reports no usage")
    try:
        usage = _USAGE.decode(report.usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the reported usage cannot be read: {error}") from error
    if any((usage.at_provider or {}).values()):
        raise UsageError("the use of tools at the provider has no meter")
    read, write = usage.cache_read or 0, usage.cache_write or 0
    beside = usage.total - usage.output - usage.input
    if beside not in (0, read + write):
        raise UsageError("totalTokens is not the sum of its parts")
    long = sum(each.count for each in usage.details or () if each.ttl == "1h")
    if long > write:
        raise UsageError("cacheDetails exceeds cacheWriteInputTokens")
    return Metered(
        Usage(
            input_uncached=usage.input,
            cache_read=read,
            cache_write_5m=write - long,
            cache_write_1h=long,
            output_text=usage.output,
        ),
        _served_terms(report.tier, asked),
    )


def _served_terms(tier: str | None, asked: Terms) -> Terms:
    """Return the terms a reply was served on: its own tier, else what was asked for."""
    if tier is None:
        return asked
    return asked._replace(tier="standard" if tier == "default" else tier)
