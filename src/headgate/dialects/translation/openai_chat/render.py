"""From a `Call` to the body of a Chat Completions request.

Wire format: the request types of OpenAI's SDK (`openai.types.chat`).
"""

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Raw, json
from msgspec.structs import replace

from headgate.dialects.bounds import IMAGE_TOKENS_MAX_OPENAI
from headgate.dialects.translation.fields import items_of, unsupported
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

STOPS_MAX: Final = 4
_SHARED: Final = {
    name: name
    for name in (
        *("temperature", "top_p", "stop", "user"),
        *("seed", "presence_penalty", "frequency_penalty"),
        *CACHE_OPTIONS,
    )
}


def render_call(call: Call, edit: Edit, losses: Losses) -> Written:
    """Render a request for `edit.model` with the limit of `edit`.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    require_sayable(call, edit.output_tokens_max)
    body: Body = {"model": edit.model, edit.limit_field: edit.output_tokens_max}
    body["messages"] = [message for turn in call.turns for message in _messages(turn, losses)]
    if call.stream:
        body["stream"] = True
    body |= _tools(call, losses)
    body |= _output(call, edit, losses)
    body |= losses.keep(_told(call.options, edit, losses), _SHARED)
    continued(call.turns, losses)
    # A stream is not asked to report its usage here; the call is edited to ask for it.
    demand = asked(call, edit, IMAGE_TOKENS_MAX_OPENAI)
    return written(body, replace(demand, usage_wanted=False, terms=terms(body)))


def _told(options: Iterable[Option], edit: Edit, losses: Losses) -> Iterator[Option]:
    """Yield the options that the model takes."""
    for option in sampled(options, edit.model, losses):
        if option.name != "stop":
            yield option
            continue
        stops = list(items_of(option.value, option.at))
        for _, at in stops[STOPS_MAX:]:
            losses.lose(at, f"is one stop sequence more than the {STOPS_MAX} that are taken")
        if stops:
            value = json.encode([value for value, _ in stops[:STOPS_MAX]])
            yield Option("stop", Raw(value), option.at)


def _output(call: Call, edit: Edit, losses: Losses) -> Body:
    """Return how much the model is to think, and the form of the answer."""
    body: Body = {}
    said = effort(call.reasoning, edit.model, losses)
    if said is not None:
        body["reasoning_effort"] = said
    if call.format is not None:
        schema = form(call.format, losses)
        wanted = {"type": "json_schema", "json_schema": schema}
        body["response_format"] = {"type": "json_object"} if schema is None else wanted
    return body


def _tools(call: Call, losses: Losses) -> Body:
    """Return the tools and the choice among them."""
    if not call.tools:
        lose_choice(call, losses)
        return {}
    functions = [{"type": "function", "function": function(t, losses)} for t in call.tools]
    body: Body = {"tools": functions, **parallel(call)}
    choice = call.choice
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = CHOICES.get(choice.kind, named)
    return body


# Bodys.


def _messages(turn: Turn, losses: Losses) -> Iterator[Body]:
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


def _content(parts: list[Body]) -> str | list[Body]:
    """Return a text alone as a string, which every provider takes."""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def _result(result: ToolResult, shown: list[Part], losses: Losses) -> Body:
    """Return what a tool returned; what is no text is `shown` by the user's next message."""
    texts: list[Body] = []
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


def _assistant(parts: Iterable[Part], losses: Losses) -> Body:
    """Return what the model has said; nothing when all of it was thoughts."""
    message: Body = {}
    texts: list[Body] = []
    calls: list[Body] = []
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


def _part(part: Part, losses: Losses) -> Body:
    """Return a part of a user's message."""
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image() | ImageLink():
            return {"type": "image_url", "image_url": {"url": image_url(part)}}
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
        return {"type": "text", "text": text}
    name = {} if part.title is None else {"filename": part.title}
    return {"type": "file", "file": {**name, "file_data": file_data(part)}}
