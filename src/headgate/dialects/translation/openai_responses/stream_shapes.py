"""What is decoded of streams of Responses.

Apart from its reader, so that it can be compiled: the decoder reads types at run time.
"""

from msgspec import Struct

from headgate.dialects.translation.openai_responses.reply_shapes import Annotation, Answer


class Item(Struct, gc=False):
    """An item of the output as it begins."""

    type: str = ""
    call_id: str = ""
    name: str = ""
    arguments: str = ""


class Event(Struct, gc=False):
    """One event; its type tells which fields it has."""

    type: str = ""
    delta: str = ""
    output_index: int = 0
    item: Item | None = None
    response: Answer | None = None
    annotation: Annotation | None = None
