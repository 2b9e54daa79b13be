"""From a `Call` to the body of a Responses request.

Wire format: the request types of OpenAI's SDK (`openai.types.responses`).
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Raw
from msgspec.structs import replace

from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI
from headgate.dialects.translation.fields import unsupported
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.openai.words import CACHE_OPTIONS
from headgate.dialects.translation.openai.writing import (
    CHOICES,
    Body,
    continued,
    effort,
    file_data,
    form,
    function,
    image_url,
    parallel,
    sampled,
    terms,
    text_of_document,
)
from headgate.dialects.translation.parts import lose_choice, require_sayable
from headgate.dialects.translation.written import Written, asked, written
from headgate.records.conversation import (
    Call,
    Declined,
    Document,
    Foreign,
    Image,
    ImageLink,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from headgate.records.demand import Edit

_SHARED: Final = {name: name for name in ("temperature", "top_p", "user", *CACHE_OPTIONS)}
_NOTHING: Final = Raw(b'{"type":"object","properties":{}}')


def render_call(call: Call, edit: Edit, losses: Losses) -> Written:
    """Render a request for `edit.model` with the limit of `edit`; the provider keeps nothing of it.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    require_sayable(call, edit.output_tokens_max)
    body: Body = {"model": edit.model, "max_output_tokens": edit.output_tokens_max}
    body["input"] = [item for turn in call.turns for item in _items(turn, losses)]
    body["store"] = False
    if call.stream:
        body["stream"] = True
    body |= _tools(call, losses)
    body |= _output(call, edit, losses)
    body |= losses.keep(sampled(call.options, edit.model, losses), _SHARED)
    continued(call.turns, losses)
    demand = asked(call, edit, IMAGE_TOKENS_MAX_OPENAI)
    return written(body, replace(demand, terms=terms(body)))


def _output(call: Call, edit: Edit, losses: Losses) -> Body:
    """Return how much the model is to think, and the form of the answer."""
    body: Body = {}
    said = effort(call.reasoning, edit.model, losses)
    if said is not None:
        body["reasoning"] = {"effort": said}
    if call.format is not None:
        schema = form(call.format, losses)
        wanted = {"type": "json_object"} if schema is None else {"type": "json_schema", **schema}
        body["text"] = {"format": wanted}
    return body


def _tools(call: Call, losses: Losses) -> Body:
    """Return the tools and the choice among them; without a word a schema is not strict."""
    if not call.tools:
        lose_choice(call, losses)
        return {}
    defaults = {"type": "function", "parameters": _NOTHING, "strict": False}
    tools = [{**defaults, **function(tool, losses)} for tool in call.tools]
    body: Body = {"tools": tools, **parallel(call)}
    choice = call.choice
    if choice is not None:
        named = {"type": "function", "name": choice.name}
        body["tool_choice"] = CHOICES.get(choice.kind, named)
    return body


# Items.


def _items(turn: Turn, losses: Losses) -> Iterator[Body]:
    """Yield the items that a turn is here: calls and results of tools are items of their own."""
    losses.keep(turn.options, {})
    spoken: list[Body] = []
    for part in turn.parts:
        match part:
            case ToolUse(id=identity, name=name, arguments=arguments):
                yield from _message(turn, spoken)
                spoken = []
                call = {"call_id": identity, "name": name, "arguments": arguments}
                yield {"type": "function_call", **call}
            case ToolResult():
                yield _result(part, losses)
            case Thinking() | RedactedThinking():
                losses.lose(part.at, "is a thought that was not had there", hint=True)
            case Text(text=text) | Declined(text=text):
                spoken.append({"type": "input_text", "text": text})
            case _:
                spoken.append(_part(part, losses))
    yield from _message(turn, spoken)


def _message(turn: Turn, spoken: list[Body]) -> Iterator[Body]:
    """Yield a message; what the model has said before is told as a text."""
    if not spoken:
        return
    texts = [part["text"] for part in spoken if part["type"] == "input_text"]
    if turn.role == "assistant":
        if len(texts) < len(spoken):
            raise unsupported(turn.at, "anything but text in the model's answer")
        for text in texts:
            yield {"role": "assistant", "content": text}
    else:
        alone = len(spoken) == len(texts) == 1
        yield {"role": turn.role, "content": texts[0] if alone else spoken}


def _result(result: ToolResult, losses: Losses) -> Body:
    """Return what a tool returned."""
    losses.keep(result.options, {})
    parts = [_part(part, losses) for part in result.parts]
    output: Any = parts
    if len(parts) <= 1 and all(part["type"] == "input_text" for part in parts):
        output = parts[0]["text"] if parts else ""
    return {"type": "function_call_output", "call_id": result.id, "output": output}


def _part(part: Part, losses: Losses) -> Body:
    """Return a part of a message or of a result."""
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image() | ImageLink():
            return {"type": "input_image", "image_url": image_url(part), "detail": "auto"}
        case Document():
            return _document(part, losses)
        case Foreign(what=what):
            raise unsupported(part.at, what)
        case _:
            raise unsupported(part.at, "this part of a message")


def _document(part: Document, losses: Losses) -> Body:
    """Return a document: a PDF as a file, a text as itself."""
    text = text_of_document(part, losses)
    if text is not None:
        return {"type": "input_text", "text": text}
    name = part.title or "document"
    return {"type": "input_file", "filename": name, "file_data": file_data(part)}
