"""From a `Call` to the body of a Messages request.

Wire format: the request types of Anthropic's SDK (`anthropic.types`); structured outputs as
`output_config.format`, strict tools as `strict`.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json
from msgspec.structs import replace

from headgate.dialects.anthropic_edit import THINKING_TOKENS_MIN
from headgate.dialects.bounds import IMAGE_TOKENS_MAX_ANTHROPIC
from headgate.dialects.translation.anthropic_messages.models import samples, thinks_by_budget
from headgate.dialects.translation.fields import (
    UNREADABLE,
    items_of,
    malformed,
    text_of,
    unsupported,
)
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.parts import (
    alternating,
    arguments,
    document_text,
    lose_choice,
    require_sayable,
)
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
    Reasoning,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)
from headgate.records.demand import Edit

_BUDGETS: Final = {
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "xhigh": 32_768,
    "max": 65_536,
}
_SHARED: Final = {"temperature": "temperature", "top_p": "top_p", "top_k": "top_k"} | {
    "user": "user",
}
_SAMPLING: Final = ("temperature", "top_p", "top_k")
_NOTHING: Final = Raw(b'{"type":"object","properties":{}}')
_ID: Final = re.compile(r"[^a-zA-Z0-9_-]")

Block = dict[str, Any]


def render_call(call: Call, edit: Edit, losses: Losses) -> Written:
    """Render a request for `edit.model` with the limit of `edit`.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    require_sayable(call, edit.output_tokens_max, least=0)
    body: Block = {"model": edit.model, "max_tokens": edit.output_tokens_max}
    system = [
        block
        for turn in call.turns
        if turn.role in ("system", "developer")
        for block in _system(turn, losses)
    ]
    if system:
        body["system"] = system
    body["messages"] = _messages(call.turns, losses)
    if call.stream:
        body["stream"] = True
    body |= _tools(call, losses)
    body |= _output(call, edit, losses, forced=_forced(body))
    body |= _options(call, edit, losses, thinking="thinking" in body)
    demand = asked(call, edit, IMAGE_TOKENS_MAX_ANTHROPIC)
    budget = body.get("thinking", {}).get("budget_tokens")
    if budget is not None:
        least = THINKING_TOKENS_MIN + 1
        demand = replace(demand, thinking_tokens=budget, output_tokens_min=least)
    return written(body, demand)


def _forced(body: Block) -> bool:
    return bool(body.get("tool_choice", {}).get("type") in ("any", "tool"))


# Options of the whole call.


def _options(call: Call, edit: Edit, losses: Losses, *, thinking: bool) -> Block:
    """Return sampling, stop sequences and the user."""
    told: list[Option] = []
    steered = {option.name for option in call.options}
    for option in call.options:
        reason = None
        if option.name in _SAMPLING and not samples(edit.model):
            reason = "is not taken by this model"
        elif option.name in _SAMPLING and thinking:
            reason = "is not taken by a model that thinks"
        elif option.name == "top_p" and "temperature" in steered:
            reason = "is not taken beside a temperature"
        elif option.name == "temperature" and _above_one(option):
            reason = "is above 1, the most that is taken there"
        if reason is None:
            told.append(option)
        else:
            losses.lose(option.at, reason)
    kept: Block = dict(losses.keep((each for each in told if each.name != "stop"), _SHARED))
    if "user" in kept:
        kept["metadata"] = {"user_id": kept.pop("user")}
    stops = [stop for each in told if each.name == "stop" for stop in _stops(each, losses)]
    return kept | ({"stop_sequences": stops} if stops else {})


def _stops(option: Option, losses: Losses) -> Iterator[str]:
    """Yield the stop sequences; those of blanks alone are refused by the provider."""
    for value, at in items_of(option.value, option.at):
        stop = text_of(value, at)
        if stop.strip():
            yield stop
        else:
            losses.lose(at, "is a stop sequence of blanks alone")


def _above_one(option: Option) -> bool:
    try:
        return json.decode(option.value, type=float) > 1
    except UNREADABLE as error:
        raise malformed(option.at, "expected a number.") from error


def _output(call: Call, edit: Edit, losses: Losses, *, forced: bool) -> Block:
    """Return how much the model is to think, and the form of the answer."""
    body: Block = {}
    config: Block = {}
    wanted = call.reasoning
    if wanted is not None and not wanted.off:
        if forced:
            losses.lose(wanted.at, "cannot be asked of a model that must use a tool")
        elif _in_tools(call.turns):
            losses.lose(wanted.at, "needs the signed thoughts before the tool's result")
        else:
            body |= _reasoning(wanted, edit, config, losses)
    form = call.format
    if form is not None:
        if form.schema is None:
            losses.lose(form.at, "asks for JSON without a schema, which is not to be had there")
        else:
            config["format"] = {"type": "json_schema", "schema": form.schema}
        # Every schema is kept to strictly there.
        strict = [option for option in form.options if bytes(option.value) != b"true"]
        losses.keep(strict, {})
    if config:
        body["output_config"] = config
    return body


def _reasoning(wanted: Reasoning, edit: Edit, config: Block, losses: Losses) -> Block:
    """Return `thinking`; an effort goes into `config` where the model takes one."""
    if not thinks_by_budget(edit.model):
        effort = wanted.effort or _effort(wanted.budget)
        if effort is not None:
            config["effort"] = "low" if effort == "minimal" else effort
        return {"thinking": {"type": "adaptive"}}
    budget = wanted.budget or _BUDGETS[wanted.effort or "medium"]
    budget = min(budget, edit.output_tokens_max // 2)
    if budget < THINKING_TOKENS_MIN:
        losses.lose(wanted.at, "needs an output limit of 2048 tokens or more")
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _effort(budget: int | None) -> str | None:
    if budget is None:
        return None
    return next((word for word, tokens in _BUDGETS.items() if budget <= tokens), "max")


def _in_tools(turns: tuple[Turn, ...]) -> bool:
    """Tell whether a tool has just answered.

    With thinking switched on the provider wants the signed thoughts that led to its call, and
    another dialect has none that are signed here.
    """
    for turn in reversed(turns):
        if turn.role == "assistant":
            return False
        if any(isinstance(part, ToolResult) for part in turn.parts):
            return True
    return False


def _tools(call: Call, losses: Losses) -> Block:
    """Return the tools and the choice among them."""
    body: Block = {}
    if call.tools:
        body["tools"] = [
            {
                "name": tool.name,
                **({} if tool.description is None else {"description": tool.description}),
                "input_schema": _NOTHING if tool.schema is None else tool.schema,
                **losses.keep(tool.options, {"strict": "strict"}),
            }
            for tool in call.tools
        ]
    choice, parallel = call.choice, call.parallel
    if not call.tools:
        lose_choice(call, losses)
        return body
    told: Block = {}
    if choice is not None:
        told = {"type": choice.kind} | ({} if choice.name is None else {"name": choice.name})
    if parallel is not None:
        if told.get("type") == "none":
            losses.lose(parallel.at, "says nothing where no tool may be used", hint=True)
        else:
            single = bytes(parallel.value) == b"false"
            told = {"type": "auto"} | told | {"disable_parallel_tool_use": single}
    if told:
        body["tool_choice"] = told
    return body


# Messages.


def _system(turn: Turn, losses: Losses) -> Iterator[Block]:
    """Yield the blocks of a system prompt, wherever it stood."""
    losses.keep(turn.options, {})
    for part in turn.parts:
        if not isinstance(part, Text):
            raise unsupported(part.at, "anything but text in a system prompt")
        yield {"type": "text", "text": part.text}


def _messages(turns: Iterable[Turn], losses: Losses) -> list[Block]:
    """Return the messages; turns of one role that follow each other are one message."""

    def said(turn: Turn) -> list[Block]:
        losses.keep(turn.options, {})
        return [block for part in turn.parts for block in _block(part, losses)]

    spoken = (turn for turn in turns if turn.role not in ("system", "developer"))
    sides = alternating((turn.role, said(turn)) for turn in spoken)
    return [{"role": role, "content": content} for role, content in sides]


def _block(part: Part, losses: Losses) -> Iterator[Block]:
    """Yield the block of a part; nothing for thoughts, which another provider has signed."""
    match part:
        case Text(text=text) | Declined(text=text):
            yield {"type": "text", "text": text}
        case Image(media_type=media_type, data=data):
            source = {"type": "base64", "media_type": media_type, "data": data}
            yield {"type": "image", "source": source}
        case ImageLink(url=url):
            yield {"type": "image", "source": {"type": "url", "url": url}}
        case Document():
            yield _document(part)
        case ToolUse():
            yield _tool_use(part)
        case ToolResult():
            yield _result(part, losses)
        case Thinking() | RedactedThinking():
            losses.lose(part.at, "is a thought that nobody has signed there", hint=True)
        case Foreign(what=what, at=at):
            raise unsupported(at, what)


def _tool_use(part: ToolUse) -> Block:
    identity = _ID.sub("_", part.id)
    return {"type": "tool_use", "id": identity, "name": part.name, "input": arguments(part)}


def _document(part: Document) -> Block:
    """Return a document: a PDF as its bytes, a text as itself."""
    title = {} if part.title is None else {"title": part.title}
    if part.media_type == "application/pdf":
        source = {"type": "base64", "media_type": part.media_type, "data": part.data}
        return {"type": "document", "source": source, **title}
    if not part.media_type.startswith("text/"):
        raise unsupported(part.at, f"a document of type {part.media_type[:64]!r}")
    source = {"type": "text", "media_type": "text/plain", "data": document_text(part)}
    return {"type": "document", "source": source, **title}


def _result(part: ToolResult, losses: Losses) -> Block:
    """Return what a tool returned."""
    content = [block for each in part.parts for block in _block(each, losses)]
    block: Block = {"type": "tool_result", "tool_use_id": _ID.sub("_", part.id)}
    if content:
        block["content"] = content
    return block | losses.keep(part.options, {"failed": "is_error"})
