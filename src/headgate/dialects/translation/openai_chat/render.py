"""From a `Call` to the body of a Chat Completions request.

Wire format: the request types of OpenAI's SDK (`openai.types.chat`).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Raw, json

from headgate.dialects.translation.fields import items_of, unsupported
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

STOPS_MAX = 4
_SHARED = {
    name: name
    for name in (
        *("temperature", "top_p", "stop", "user"),
        *("seed", "presence_penalty", "frequency_penalty"),
    )
}
_CHOICES = {"auto": "auto", "none": "none", "any": "required"}
Message = dict[str, Any]


def render_call(call: Call, edit: Edit, losses: Losses) -> bytes:
    """Render a request for `edit.model` with the limit of `edit`.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    for foreign in call.foreign:
        raise unsupported(foreign.at, foreign.what)
    if edit.output_tokens_max < 1:
        raise unsupported("max_tokens", "an answer of no tokens, which only fills a cache,")
    body: Message = {"model": edit.model, edit.limit_field: edit.output_tokens_max}
    body["messages"] = [message for turn in call.turns for message in _messages(turn, losses)]
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
        if option.name in ("temperature", "top_p") and reasons(edit.model):
            if bytes(option.value) not in (b"1", b"1.0"):
                losses.lose(option.at, "is not taken by a model that reasons")
        elif option.name == "stop":
            stops = list(items_of(option.value, option.at))
            for _, at in stops[STOPS_MAX:]:
                losses.lose(at, f"is one stop sequence more than the {STOPS_MAX} that are taken")
            if stops:
                value = json.encode([value for value, _ in stops[:STOPS_MAX]])
                yield Option("stop", Raw(value), option.at)
        else:
            yield option


def _output(call: Call, edit: Edit, losses: Losses) -> Message:
    """Return how much the model is to think, and the form of the answer."""
    body: Message = {}
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
            body["reasoning_effort"] = effort
    form = call.format
    if form is not None and form.schema is None:
        losses.keep(form.options, {})
        body["response_format"] = {"type": "json_object"}
    elif form is not None:
        names = {"name": "name", "description": "description", "strict": "strict"}
        schema = {"name": "answer", **losses.keep(form.options, names), "schema": form.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def _tools(call: Call, losses: Losses) -> Message:
    """Return the tools and the choice among them."""
    choice, parallel = call.choice, call.parallel
    if not call.tools:
        for said in (choice, parallel):
            if said is not None:
                losses.lose(said.at, "says nothing without tools", hint=True)
        return {}
    body: Message = {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    **({} if tool.description is None else {"description": tool.description}),
                    **({} if tool.schema is None else {"parameters": tool.schema}),
                    **losses.keep(tool.options, {"strict": "strict"}),
                },
            }
            for tool in call.tools
        ]
    }
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = _CHOICES.get(choice.kind, named)
    if parallel is not None:
        body["parallel_tool_calls"] = parallel.value
    return body


# Messages.


def _messages(turn: Turn, losses: Losses) -> Iterator[Message]:
    """Yield the messages that a turn is here: each result of a tool is one of its own."""
    shown: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            yield _result(part, shown, losses)
    said = [part for part in turn.parts if not isinstance(part, ToolResult)]
    if turn.role == "assistant":
        message = _assistant(said, losses)
    else:
        parts = [_part(part, losses) for part in (*shown, *said)]
        message = {"content": _content(parts)} if parts else {}
    names = losses.keep(turn.options, {"name": "name"})
    if message:
        yield {"role": turn.role, **names, **message}


def _content(parts: list[Message]) -> str | list[Message]:
    """Return a text alone as a string, which every provider takes."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _result(result: ToolResult, shown: list[Part], losses: Losses) -> Message:
    """Return what a tool returned; what is no text is `shown` by the user's next message."""
    texts: list[Message] = []
    for part in result.parts:
        if isinstance(part, Image | ImageLink) or _is_pdf(part):
            shown.append(part)
        else:
            texts.append(_part(part, losses))
    losses.keep(result.options, {})
    content = _content(texts) if texts else ""
    return {"role": "tool", "tool_call_id": result.id, "content": content}


def _is_pdf(part: Part) -> bool:
    return isinstance(part, Document) and part.media_type == "application/pdf"


def _assistant(parts: Iterable[Part], losses: Losses) -> Message:
    """Return what the model has said; nothing when all of it was thoughts."""
    message: Message = {}
    texts: list[Message] = []
    calls: list[Message] = []
    for part in parts:
        match part:
            case ToolUse(id=identity, name=name, arguments=arguments):
                function = {"name": name, "arguments": arguments}
                calls.append({"id": identity, "type": "function", "function": function})
            case Declined(text=text):
                message["refusal"] = message.get("refusal", "") + text
            case Thinking() | RedactedThinking():
                losses.lose(part.at, "is a thought, which has no place in this dialect", hint=True)
            case Text():
                texts.append(_part(part, losses))
            case _:
                raise unsupported(part.at, "anything but text in the model's answer")
    if texts:
        message["content"] = _content(texts)
    if calls:
        message["tool_calls"] = calls
    return message


def _part(part: Part, losses: Losses) -> Message:
    """Return a part of a user's message."""
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(media_type=media_type, data=data):
            url = f"data:{media_type};base64,{data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case ImageLink(url=url):
            return {"type": "image_url", "image_url": {"url": url}}
        case Document():
            return _document(part, losses)
        case Foreign(what=what):
            raise unsupported(part.at, what)
        case _:
            raise unsupported(part.at, "this part of a message")


def _document(part: Document, losses: Losses) -> Message:
    """Return a document: a PDF as a file, a text as itself."""
    if part.media_type.startswith("text/"):
        if part.title is not None:
            losses.lose(part.title_at, "has no place beside a text", hint=True)
        return {"type": "text", "text": document_text(part)}
    name = {} if part.title is None else {"filename": part.title}
    data = f"data:{part.media_type};base64,{part.data}"
    return {"type": "file", "file": {**name, "file_data": data}}
