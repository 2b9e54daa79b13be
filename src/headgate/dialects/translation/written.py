"""What a renderer has written: a body, and its demand, which need not be read in the body again."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw, json, structs

from headgate.dialects.bounds import input_tokens_max
from headgate.records.conversation import Call, Document, Image, ImageLink, Part, ToolResult
from headgate.records.demand import Demand, Edit

_IMAGES: Final[tuple[type[Image | ImageLink], ...]] = (Image, ImageLink)


class Written:
    """A body.

    Attributes:
        demand: As the body's dialect reads it, and with what the body may leave to its path.
    """

    __slots__ = ("body", "demand")

    def __init__(self, body: bytes, demand: Demand) -> None:
        self.body, self.demand = body, demand


def asked(call: Call, edit: Edit, image_tokens_max: int) -> Demand:
    """Return the demand of a call that is written for `edit`, whatever its bytes.

    A document that is no text is the only thing a written prompt can hold of which bytes tell
    nothing: what runs at a provider, and what it keeps, is never written.

    Args:
        call: What is asked for.
        edit: The model and the limit.
        image_tokens_max: The most that one image costs there.
    """
    images = documents = 0
    for turn in call.turns:
        for part in turn.parts:
            for each in part.parts if isinstance(part, ToolResult) else (part,):
                images += isinstance(each, _IMAGES)
                documents += _is_opaque(each)
    bound = input_tokens_max(0, images=images, image_tokens_max=image_tokens_max)
    return Demand(
        model=edit.model,
        stream=call.stream,
        output_tokens_max=edit.output_tokens_max,
        usage_wanted=True,
        input_tokens_max=None if documents else bound,
        tools=bool(call.tools),
        images=images > 0,
    )


def _is_opaque(part: Part) -> bool:
    return isinstance(part, Document) and not part.media_type.startswith("text/")


def written(body: Mapping[str, Any], demand: Demand) -> Written:
    """Return a body with its demand, whose bound the bytes are added to.

    Args:
        body: Its members, whose names need no escapes.
        demand: As `asked` returns it.
    """
    pieces: list[bytes] = []
    members: dict[str, Raw] = {}
    for name, value in body.items():
        text = json.encode(value)
        members[name] = Raw(text)
        # A text may be long, so it is copied once.
        pieces += (b',"' if pieces else b'{"', name.encode(), b'":', text)
    whole = b"".join((*pieces, b"}"))
    bound = demand.input_tokens_max
    bound = None if bound is None else bound + len(whole)
    return Written(whole, structs.replace(demand, input_tokens_max=bound, members=members))
