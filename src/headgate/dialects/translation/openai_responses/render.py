"""From a `Call` to the body of a Responses request.

Wire format: the request types of OpenAI's SDK (`openai.types.responses`).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Raw, json

from headgate.dialects.translation.fields import unsupported
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.openai_chat.models import reasons
from headgate.dialects.translation.parts import document_text
from headgate.dialects.translation.reasoning import effort_of
from headgate.records.conversation import (
    Call,
    Declined,
    Document,
    Foreign,
    Image,
    ImageLink,
    Option,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from headgate.records.demand import Edit

_SHARED = {"temperature": "temperature", "top_p": "top_p", "user": "user"}
_CHOICES = {"auto": "auto", "none": "none", "any": "required"}
_NOTHING = Raw(b'{"type":"object","properties":{}}')

Item = dict[str, Any]


def render_call(call: Call, edit: Edit, losses: Losses) -> bytes:
    """Render a request for `edit.model` with the limit of `edit`; the provider keeps nothing of it.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    for foreign in call.foreign:
        raise unsupported(foreign.at, foreign.what)
    if edit.output_tokens_max < 1:
        raise unsupported("max_tokens", "an answer of no tokens, which only fills a cache,")
    body: Item = {"model": edit.model, "max_output_tokens": edit.output_tokens_max}
    body["input"] = [item for turn in call.turns for item in _items(turn, losses)]
    body["store"] = False
    if call.stream:
        body["stream"] = True
    body |= _tools(call, losses)
    body |= _output(call, edit, losses)
    body |= losses.keep(_told(call.options, edit, losses), _SHARED)
    if call.turns and call.turns[-1].role == "assistant":
        reason = "is not continued there: the model begins a new answer"
        losses.lose(call.turns[-1].at, reason)
    return json.encode(body)


def _told(options: Iterable[Option], edit: Edit, losses: Losses) -> Iterator[Option]:
    """Yield the options that the model takes."""
    for option in options:
        steers = option.name in ("temperature", "top_p") and reasons(edit.model)
        if steers and bytes(option.value) not in (b"1", b"1.0"):
            losses.lose(option.at, "is not taken by a model that reasons")
        elif not steers:
            yield option


def _output(call: Call, edit: Edit, losses: Losses) -> Item:
    """Return how much the model is to think, and the form of the answer."""
    body: Item = {}
    asked = call.reasoning
    if asked is not None:
        effort = effort_of(asked)
        if asked.off:
            if reasons(edit.model) is not False:
                losses.lose(asked.at, "cannot be told there: how much it thinks is the model's own")
        elif effort is None:
            losses.lose(asked.at, "is what the model does by itself there", hint=True)
        elif reasons(edit.model) is False:
            losses.lose(asked.at, "is not taken by this model")
        else:
            body["reasoning"] = {"effort": effort}
    form = call.format
    if form is not None and form.schema is None:
        losses.keep(form.options, {})
        body["text"] = {"format": {"type": "json_object"}}
    elif form is not None:
        names = {"name": "name", "description": "description", "strict": "strict"}
        schema = {"name": "answer", **losses.keep(form.options, names), "schema": form.schema}
        body["text"] = {"format": {"type": "json_schema", **schema}}
    return body


def _tools(call: Call, losses: Losses) -> Item:
    """Return the tools and the choice among them; without a word a schema is not strict."""
    choice, parallel = call.choice, call.parallel
    if not call.tools:
        for said in (choice, parallel):
            if said is not None:
                losses.lose(said.at, "says nothing without tools", hint=True)
        return {}
    body: Item = {
        "tools": [
            {
                "type": "function",
                "name": tool.name,
                **({} if tool.description is None else {"description": tool.description}),
                "parameters": _NOTHING if tool.schema is None else tool.schema,
                "strict": False,
                **losses.keep(tool.options, {"strict": "strict"}),
            }
            for tool in call.tools
        ]
    }
    if choice is not None:
        named = {"type": "function", "name": choice.name}
        body["tool_choice"] = _CHOICES.get(choice.kind, named)
    if parallel is not None:
        body["parallel_tool_calls"] = parallel.value
    return body


# Items.


def _items(turn: Turn, losses: Losses) -> Iterator[Item]:
    """Yield the items that a turn is here: calls and results of tools are items of their own."""
    losses.keep(turn.options, {})
    spoken: list[Item] = []
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


def _message(turn: Turn, spoken: list[Item]) -> Iterator[Item]:
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


def _result(result: ToolResult, losses: Losses) -> Item:
    """Return what a tool returned."""
    losses.keep(result.options, {})
    parts = [_part(part, losses) for part in result.parts]
    output: Any = parts
    if len(parts) <= 1 and all(part["type"] == "input_text" for part in parts):
        output = parts[0]["text"] if parts else ""
    return {"type": "function_call_output", "call_id": result.id, "output": output}


def _part(part: Part, losses: Losses) -> Item:
    """Return a part of a message or of a result."""
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(media_type=media_type, data=data):
            url = f"data:{media_type};base64,{data}"
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case ImageLink(url=url):
            return {"type": "input_image", "image_url": url, "detail": "auto"}
        case Document():
            return _document(part, losses)
        case Foreign(what=what):
            raise unsupported(part.at, what)
        case _:
            raise unsupported(part.at, "this part of a message")


def _document(part: Document, losses: Losses) -> Item:
    """Return a document: a PDF as a file, a text as itself."""
    if part.media_type.startswith("text/"):
        if part.title is not None:
            losses.lose(part.title_at, "has no place beside a text", hint=True)
        return {"type": "input_text", "text": document_text(part)}
    data = f"data:{part.media_type};base64,{part.data}"
    return {"type": "input_file", "filename": part.title or "document", "file_data": data}
