"""What the requests of both of OpenAI's dialects say alike, written."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import json

from headgate.dialects.openai_terms import openai_terms
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.openai.models import reasons
from headgate.dialects.translation.parts import document_text
from headgate.dialects.translation.reasoning import effort_of
from headgate.records.conversation import (
    Call,
    Document,
    Effort,
    Format,
    Image,
    ImageLink,
    Option,
    Reasoning,
    Tool,
    Turn,
)
from headgate.records.demand import Terms

Body = dict[str, Any]

CHOICES: Final = {"auto": "auto", "none": "none", "any": "required"}
_FORM: Final = {"name": "name", "description": "description", "strict": "strict"}
_NEUTRAL: Final = {
    "temperature": (b"1", b"1.0"),
    "top_p": (b"1", b"1.0"),
    "presence_penalty": (b"0", b"0.0"),
    "frequency_penalty": (b"0", b"0.0"),
}
"""Sampling that models which reason refuse, and the values that say no more than leaving it out."""


def sampled(options: Iterable[Option], model: str, losses: Losses) -> Iterator[Option]:
    """Yield the options that a model takes: one that reasons lets its sampling not be steered."""
    for option in options:
        neutral = _NEUTRAL.get(option.name)
        if neutral is None or not reasons(model):
            yield option
        elif bytes(option.value) not in neutral:
            losses.lose(option.at, "is not taken by a model that reasons")


def effort(asked: Reasoning | None, model: str, losses: Losses) -> Effort | None:
    """Return the effort to ask a model for, None for its own."""
    if asked is None:
        return None
    found = effort_of(asked)
    if asked.off:
        if reasons(model) is not False:
            losses.lose(asked.at, "cannot be told there: how much it thinks is the model's own")
        return None
    if found is None:
        losses.lose(asked.at, "is what the model does by itself there", hint=True)
        return None
    if reasons(model) is False:
        losses.lose(asked.at, "is not taken by this model")
        return None
    return found


def form(asked: Format, losses: Losses) -> Body | None:
    """Return the schema of the answer with its name; None for any JSON object."""
    if asked.schema is None:
        losses.keep(asked.options, {})
        return None
    return {"name": "answer", **losses.keep(asked.options, _FORM), "schema": asked.schema}


def function(tool: Tool, losses: Losses) -> Body:
    """Return a function that the model may call, with what was said of it."""
    return {
        "name": tool.name,
        **({} if tool.description is None else {"description": tool.description}),
        **({} if tool.schema is None else {"parameters": tool.schema}),
        **losses.keep(tool.options, {"strict": "strict"}),
    }


def continued(turns: tuple[Turn, ...], losses: Losses) -> None:
    """Note that a prompt which ends with the model's words is not gone on with."""
    if turns and turns[-1].role == "assistant":
        reason = "is not continued there: the model begins a new answer"
        losses.lose(turns[-1].at, reason)


def image_url(part: Image | ImageLink) -> str:
    """Return the address of an image, which may hold the image itself."""
    if isinstance(part, ImageLink):
        return part.url
    return f"data:{part.media_type};base64,{part.data}"


def text_of_document(part: Document, losses: Losses) -> str | None:
    """Return a document that is a text; None for another, which is a file."""
    if not part.media_type.startswith("text/"):
        return None
    if part.title is not None:
        losses.lose(part.title_at, "has no place beside a text", hint=True)
    return document_text(part)


def file_data(part: Document) -> str:
    """Return the bytes of a file as both dialects write them."""
    return f"data:{part.media_type};base64,{part.data}"


def terms(body: Body) -> Terms:
    """Return the terms that a written body asks for: how long its prompt is kept is all it says."""
    retention = body.get("prompt_cache_retention")
    return openai_terms(None, None if retention is None else json.decode(retention, type=str), None)


def parallel(call: Call) -> Body:
    """Return whether several functions may be called at once, where that was said."""
    said = call.parallel
    return {} if said is None else {"parallel_tool_calls": said.value}
