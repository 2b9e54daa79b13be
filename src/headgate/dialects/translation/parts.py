"""What renderers of several dialects have in common."""

import base64
from collections.abc import Iterable
from typing import Final

from msgspec import Raw, json

from headgate.dialects.translation.fields import UNREADABLE, malformed, unsupported
from headgate.dialects.translation.losses import Losses
from headgate.records.conversation import Call, Document, Role, ToolUse

_OBJECT: Final = json.Decoder(dict[str, Raw])

Sides = list[tuple[Role, list[dict[str, object]]]]


class InterleavedError(ValueError):
    """A provider goes on with a part that another has ended; no event can say that."""


def require_sayable(call: Call, output_tokens_max: int, *, least: int = 1) -> None:
    """Check that a call asks for nothing that no other dialect has.

    Args:
        call: What is to be rendered.
        output_tokens_max: The limit to render.
        least: The lowest that the target knows.

    Raises:
        TranslationError: It does.
    """
    for foreign in call.foreign:
        raise unsupported(foreign.at, foreign.what)
    if output_tokens_max < least:
        raise unsupported("max_tokens", "an answer of no tokens, which only fills a cache,")


def lose_choice(call: Call, losses: Losses) -> None:
    """Note what is said about the use of tools where there are none."""
    for said in (call.choice, call.parallel):
        if said is not None:
            losses.lose(said.at, "says nothing without tools", hint=True)


def document_text(part: Document) -> str:
    """Return the text that a document is.

    Raises:
        TranslationError: It is none.
    """
    try:
        return base64.b64decode(part.data, validate=True).decode()
    except ValueError as error:
        raise malformed(part.at, "the data is not a text in base64.") from error


def arguments(part: ToolUse) -> Raw:
    """Return a call's arguments as the JSON object they must be; none at all are an empty one.

    Raises:
        TranslationError: The model wrote something else, as it may when it is cut off.
    """
    found = arguments_or_none(part)
    if found is None:
        raise malformed(part.at, "the arguments of this call are no JSON object.")
    return found


def arguments_or_none(part: ToolUse) -> Raw | None:
    """Return a call's arguments as a JSON object; None when they are something else."""
    text = Raw((part.arguments.strip() or "{}").encode())
    try:
        _OBJECT.decode(text)
    except UNREADABLE:
        return None
    return text


def alternating(turns: Iterable[tuple[Role, list[dict[str, object]]]]) -> Sides:
    """Join what one side says in turns that follow each other; empty turns say nothing.

    Raises:
        TranslationError: Nobody says anything.
    """
    sides: Sides = []
    for role, said in turns:
        if sides and sides[-1][0] == role:
            sides[-1][1].extend(said)
        elif said:
            sides.append((role, said))
    if not sides:
        raise malformed("", "its messages say nothing.")
    return sides
