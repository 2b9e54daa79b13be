"""Whether an answer has the form that was asked for: what every verifier refuses first; pure."""

from __future__ import annotations

import msgspec

from headgate.records.conversation import Call, Declined, Text, ToolUse
from headgate.records.reply import Reply
from headgate.routing.verifiers.conforming import SchemaTooDeepError, conforms


def fault_of(call: Call, reply: Reply) -> str | None:
    """Return in a word what is wrong with an answer's form, None when nothing is."""
    if reply.finish == "length":
        return "length"
    if reply.finish == "refusal" or any(isinstance(part, Declined) for part in reply.parts):
        return "refusal"
    uses = [part for part in reply.parts if isinstance(part, ToolUse)]
    text = text_of(reply)
    if not uses and not text.strip():
        return "empty"
    for use in uses:
        fault = _fault_of_use(call, use)
        if fault is not None:
            return fault
    if call.format is not None and not uses:
        return _fault_of_text(text, None if call.format.schema is None else call.format.schema)
    return None


def text_of(reply: Reply) -> str:
    """Return what an answer says, without its thoughts."""
    return "".join(part.text for part in reply.parts if isinstance(part, Text))


def _fault_of_use(call: Call, use: ToolUse) -> str | None:
    tools = {tool.name: tool for tool in call.tools}
    if use.name not in tools:
        return "tool_unknown"
    try:
        arguments = msgspec.json.decode(use.arguments or "{}")
    except (msgspec.DecodeError, RecursionError):
        return "arguments_unreadable"
    schema = tools[use.name].schema
    return None if schema is None or _is(arguments, schema) else "arguments_invalid"


def _fault_of_text(text: str, schema: msgspec.Raw | None) -> str | None:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return "unreadable"
    if schema is None:
        return None if isinstance(value, dict) else "schema"
    return None if _is(value, schema) else "schema"


def _is(value: object, schema: msgspec.Raw) -> bool:
    """Tell whether a value is what a schema says; so it is where the schema cannot be read."""
    try:
        return conforms(value, msgspec.json.decode(schema))
    except (msgspec.DecodeError, RecursionError, SchemaTooDeepError):
        # The provider's to judge: whoever sends it learns of it there.
        return True
