"""Streams of Converse, which no client speaks: they are counted, and ended by translation."""

from collections.abc import Mapping

from msgspec import Raw

from headgate.dialects.stops.written import frame

KIND = "bedrock_converse"

UNWRITTEN = frame(
    facts=rb"contentBlockIndex|role|stopReason|toolUseId|\w*Tokens|latencyMs",
    openers=rb"contentBlockDelta|contentBlockStart|contentBlockStop|messageStart|messageStop"
    rb"|delta|start|text|toolUse|input|metadata|usage|metrics",
)


def thinks(members: Mapping[str, Raw]) -> bool:
    """Tell whether a request has fields of the model's own, of which thinking is one."""
    return "additionalModelRequestFields" in members
