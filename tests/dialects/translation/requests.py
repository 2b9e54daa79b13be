"""Generated requests of each dialect, in which every word and number stands once."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.dialects.translation.gemini_requests import gemini_requests
from tests.dialects.translation.marks import Json, Marks
from tests.dialects.translation.speech import CHAT, GEMINI, MESSAGES, RESPONSES


def _chat_part(marks: Marks) -> Json:
    kind = marks.one("text", "image", "link", "file")
    if kind == "text":
        breakpoint_ = {"prompt_cache_breakpoint": {"mode": marks.word()}} if marks.maybe() else {}
        return {"type": "text", "text": marks.word(), **breakpoint_}
    if kind == "file":
        data = f"data:application/pdf;base64,{marks.word()}"
        return {"type": "file", "file": {"file_data": data, **marks.fields(filename=marks.word)}}
    url = f"https://i.example/{marks.word()}"
    if kind == "image":
        url = f"data:image/{marks.one('png', 'jpeg')};base64,{marks.word()}"
    return {"type": "image_url", "image_url": {"url": url, **marks.fields(detail=marks.word)}}


def _chat_exchange(marks: Marks) -> list[Json]:
    """Return a question, perhaps with tools called and answered, and the answer."""
    content = marks.word() if marks.maybe() else [_chat_part(marks) for _ in marks.some(1, 3)]
    messages: list[Json] = [{"role": "user", "content": content, **marks.fields(name=marks.word)}]
    calls = [
        {
            "id": marks.word(),
            "type": "function",
            "function": {
                "name": marks.word(),
                "arguments": json.dumps({marks.word(): [marks.word(), marks.number(), None]}),
            },
        }
        for _ in marks.some(0, 3)
    ]
    answer: Json = {
        "role": "assistant",
        "content": marks.word(),
        **marks.fields(refusal=marks.word, reasoning_content=marks.word, x_unknown=marks.word),
    }
    if calls:
        messages.append({**answer, "tool_calls": calls})
        for call in calls:
            text = [{"type": "text", "text": marks.word()}]
            result = {"tool_call_id": call["id"], "content": marks.one(marks.word(), text)}
            messages.append({"role": "tool", **result})
    elif marks.maybe():
        messages.append(answer)
    return messages


@st.composite
def chat_requests(draw: Callable[[Any], Any]) -> Json:
    """Chat Completions."""
    marks = Marks(draw)
    messages: list[Json] = [
        {"role": marks.one("system", "developer"), "content": marks.word()}
        for _ in marks.some(0, 2)
    ]
    for _ in marks.some(1, 3):
        messages += _chat_exchange(marks)
    messages.append({"role": "user", "content": marks.word()})
    form = {
        "type": "json_schema",
        "json_schema": {
            "name": marks.word(),
            "schema": marks.schema(),
            **marks.fields(description=marks.word, strict=lambda: True),
        },
    }
    optional = marks.fields(
        temperature=marks.number,
        top_p=marks.number,
        seed=marks.whole,
        frequency_penalty=marks.number,
        stop=lambda: marks.one(marks.word(), [marks.word(), marks.word()]),
        user=marks.word,
        metadata=lambda: {marks.word(): marks.word()},
        logit_bias=lambda: {marks.word(): marks.whole()},
        reasoning_effort=lambda: marks.one("none", "minimal", "low", "medium", "high", "xhigh"),
        parallel_tool_calls=marks.maybe,
        response_format=lambda: marks.one(form, {"type": "json_object"}),
        x_unknown=lambda: {"a": [marks.word(), {"b": marks.word()}]},
        stream=marks.maybe,
        tool_choice=lambda: marks.one("auto", "none", "required"),
        tools=lambda: [
            {
                "type": "function",
                "function": {
                    "name": marks.word(),
                    **marks.fields(
                        description=marks.word, parameters=marks.schema, strict=marks.maybe
                    ),
                },
            }
            for _ in marks.some(1, 2)
        ],
    )
    return {"model": "m", "messages": messages, "max_completion_tokens": 4_096, **optional}


def _cache(marks: Marks) -> Json:
    return {"cache_control": {"type": "ephemeral", "ttl": marks.word()}} if marks.maybe() else {}


def _message_block(marks: Marks) -> Json:
    kind = marks.one("text", "image", "link", "pdf", "words")
    if kind == "text":
        return {"type": "text", "text": marks.word(), **_cache(marks)}
    if kind in ("image", "link"):
        source = {"type": "base64", "media_type": "image/png", "data": marks.word()}
        if kind == "link":
            source = {"type": "url", "url": f"https://i.example/{marks.word()}"}
        return {"type": "image", "source": source, **_cache(marks)}
    source = {"type": "base64", "media_type": "application/pdf", "data": marks.word()}
    if kind == "words":
        source = {"type": "text", "media_type": "text/plain", "data": marks.word()}
    said = marks.fields(title=marks.word, context=marks.word)
    return {"type": "document", "source": source, **said}


def _message_exchange(marks: Marks) -> list[Json]:
    content = marks.word() if marks.maybe() else [_message_block(marks) for _ in marks.some(1, 3)]
    messages: list[Json] = [{"role": "user", "content": content}]
    answer: list[Json] = [{"type": "text", "text": marks.word(), **_cache(marks)}]
    if marks.maybe():
        thought = {"thinking": marks.word(), "signature": marks.word()}
        answer.insert(0, {"type": "thinking", **thought})
    calls = [
        {"type": "tool_use", "id": marks.word(), "name": marks.word(), "input": {marks.word(): 1}}
        for _ in marks.some(0, 3)
    ]
    if calls:
        messages.append({"role": "assistant", "content": [*answer, *calls]})
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call["id"],
                **marks.fields(is_error=marks.maybe),
                "content": marks.one(marks.word(), [{"type": "text", "text": marks.word()}]),
            }
            for call in calls
        ]
        messages.append({"role": "user", "content": results})
    elif marks.maybe():
        messages.append({"role": "assistant", "content": answer})
    return messages


@st.composite
def message_requests(draw: Callable[[Any], Any]) -> Json:
    """Messages."""
    marks = Marks(draw)
    messages: list[Json] = []
    for _ in marks.some(1, 3):
        messages += _message_exchange(marks)
    messages.append({"role": "user", "content": marks.word()})
    config = marks.fields(
        effort=lambda: marks.one("low", "high", "max"),
        format=lambda: {"type": "json_schema", "schema": marks.schema()},
        x_unknown=marks.word,
    )
    thinking = marks.one(
        {"type": "enabled", "budget_tokens": 2_000},
        {"type": "adaptive", "display": marks.word()},
        {"type": "disabled"},
    )
    optional = marks.fields(
        system=lambda: marks.one(
            marks.word(), [{"type": "text", "text": marks.word(), **_cache(marks)}]
        ),
        temperature=marks.number,
        top_p=marks.number,
        top_k=marks.whole,
        stop_sequences=lambda: [marks.word() for _ in marks.some(0, 6)],
        metadata=lambda: {"user_id": marks.word(), "other": marks.word()},
        context_management=lambda: {"edits": [{"type": f"clear_{marks.word()}"}]},
        output_config=lambda: config,
        thinking=lambda: thinking,
        tool_choice=lambda: {
            "type": marks.one("auto", "any", "none"),
            **marks.fields(disable_parallel_tool_use=marks.maybe),
        },
        tools=lambda: [
            {
                "name": marks.word(),
                "input_schema": marks.schema(),
                **marks.fields(description=marks.word, strict=marks.maybe, x_unknown=marks.word),
                **_cache(marks),
            }
            for _ in marks.some(1, 2)
        ],
        x_unknown=lambda: {"a": [marks.word(), {"b": marks.word()}]},
        stream=marks.maybe,
    )
    return {"model": "m", "max_tokens": 4_096, "messages": messages, **optional}


def _response_part(marks: Marks) -> Json:
    kind = marks.one("text", "image", "link", "file")
    if kind == "text":
        return {"type": "input_text", "text": marks.word()}
    if kind == "file":
        data = f"data:application/pdf;base64,{marks.word()}"
        return {"type": "input_file", "file_data": data, "filename": marks.word()}
    url = f"https://i.example/{marks.word()}"
    if kind == "image":
        url = f"data:image/png;base64,{marks.word()}"
    return {"type": "input_image", "image_url": url, "detail": marks.word()}


def _response_exchange(marks: Marks) -> list[Json]:
    content = marks.word() if marks.maybe() else [_response_part(marks) for _ in marks.some(1, 3)]
    items: list[Json] = [{"role": "user", "content": content, **marks.fields(id=marks.word)}]
    if marks.maybe():
        summary = [{"type": "summary_text", "text": marks.word()}]
        encrypted = marks.fields(encrypted_content=marks.word)
        items.append({"type": "reasoning", "id": marks.word(), "summary": summary, **encrypted})
    if marks.maybe():
        said = [{"type": "output_text", "text": marks.word(), "annotations": []}]
        items.append({"type": "message", "role": "assistant", "content": said})
    calls = [
        {
            "type": "function_call",
            "call_id": marks.word(),
            "name": marks.word(),
            "arguments": json.dumps({marks.word(): [marks.number(), None]}),
            **marks.fields(id=marks.word, namespace=marks.word),
        }
        for _ in marks.some(0, 3)
    ]
    results = [
        {
            "type": "function_call_output",
            "call_id": call["call_id"],
            "output": marks.one(marks.word(), [{"type": "input_text", "text": marks.word()}]),
        }
        for call in calls
    ]
    return items + calls + results


@st.composite
def response_requests(draw: Callable[[Any], Any]) -> Json:
    """Responses."""
    marks = Marks(draw)
    items: list[Json] = []
    for _ in marks.some(1, 3):
        items += _response_exchange(marks)
    items.append({"role": "user", "content": marks.word()})
    form = {
        "type": "json_schema",
        "name": marks.word(),
        "schema": marks.schema(),
        **marks.fields(description=marks.word, strict=lambda: True),
    }
    optional = marks.fields(
        instructions=marks.word,
        temperature=marks.number,
        top_p=marks.number,
        top_logprobs=marks.whole,
        user=marks.word,
        metadata=lambda: {marks.word(): marks.word()},
        reasoning=lambda: {
            **marks.fields(effort=lambda: marks.one("none", "low", "high"), summary=marks.word)
        },
        text=lambda: marks.fields(format=lambda: form, verbosity=marks.word),
        parallel_tool_calls=marks.maybe,
        tool_choice=lambda: marks.one("auto", "none", "required"),
        truncation=lambda: "auto",
        x_unknown=lambda: {"a": [marks.word(), {"b": marks.word()}]},
        stream=marks.maybe,
        tools=lambda: (
            [
                {
                    "type": "function",
                    "name": marks.word(),
                    "parameters": marks.schema(),
                    **marks.fields(description=marks.word, strict=marks.maybe),
                }
                for _ in marks.some(1, 2)
            ]
            + [{"type": marks.word()} for _ in marks.some(0, 1)]
        ),
    )
    return {"model": "m", "input": items, "max_output_tokens": 4_096, **optional}


REQUESTS = {
    CHAT: chat_requests(),
    MESSAGES: message_requests(),
    RESPONSES: response_requests(),
    GEMINI: gemini_requests(),
}
