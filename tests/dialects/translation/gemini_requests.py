"""Generated requests of Gemini, and what Gemini cannot be told."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.dialects.translation.marks import Json, Marks
from tests.dialects.translation.speech import CONVERSE, GEMINI


def _blob(marks: Marks, kind: str) -> Json:
    return {kind: {"mimeType": "image/png", "data": marks.word()}}


def _gemini_part(marks: Marks) -> Json:
    kind = marks.one("text", "image", "snake", "pdf")
    if kind == "text":
        return {"text": marks.word(), **marks.fields(partMetadata=lambda: {marks.word(): 1})}
    if kind == "image":
        return {**_blob(marks, "inlineData"), **marks.fields(x_unknown=marks.word)}
    if kind == "snake":
        return {"inline_data": {"mime_type": "image/png", "data": marks.word()}}
    blob = {"mimeType": "application/pdf", "data": marks.word()}
    return {"inlineData": {**blob, **marks.fields(displayName=marks.word)}}


def _gemini_exchange(marks: Marks) -> list[Json]:
    contents: list[Json] = [
        {"role": "user", "parts": [_gemini_part(marks) for _ in marks.some(1, 3)]}
    ]
    thoughts = [{"text": marks.word(), "thought": True} for _ in marks.some(0, 1)]
    said = {"text": marks.word(), **marks.fields(thoughtSignature=marks.word)}
    calls = [
        {"functionCall": {**marks.fields(id=marks.word), "name": marks.word(), "args": {"a": 1}}}
        for _ in marks.some(0, 3)
    ]
    results = [
        {
            "functionResponse": {
                **call["functionCall"],
                "response": marks.one(
                    {"output": marks.word()},
                    {"error": marks.word()},
                    {marks.word(): [marks.word(), None]},
                ),
                **marks.fields(scheduling=marks.word),
                **marks.fields(parts=lambda: [_blob(marks, "inlineData")]),
            }
        }
        for call in calls
    ]
    for each in results:
        del each["functionResponse"]["args"]
    if calls:
        contents.append({"role": "model", "parts": [*thoughts, said, *calls]})
        contents.append({"role": "user", "parts": results})
    elif marks.maybe():
        contents.append({"role": "model", "parts": [*thoughts, said]})
    return contents


@st.composite
def gemini_requests(draw: Callable[[Any], Any]) -> Json:
    """Gemini; what its path says stands in no body."""
    marks = Marks(draw)
    contents: list[Json] = []
    for _ in marks.some(1, 3):
        contents += _gemini_exchange(marks)
    contents.append({"parts": [{"text": marks.word()}]})
    own = {
        "type": "OBJECT",
        "properties": {marks.word(): {"type": "STRING", "description": marks.word()}},
        **marks.fields(propertyOrdering=lambda: [marks.word()], nullable=lambda: True),
        **marks.fields(x_unknown=marks.word, maxProperties=lambda: str(marks.whole())),
    }
    form = marks.one(
        {"responseMimeType": "application/json"},
        {"response_mime_type": "application/json", "responseSchema": own},
        {"responseMimeType": "application/json", "responseJsonSchema": marks.schema()},
        {},
    )
    config = {
        "maxOutputTokens": 4_096,
        **form,
        **marks.fields(
            temperature=marks.number,
            topP=marks.number,
            top_k=marks.whole,
            seed=marks.whole,
            presencePenalty=marks.number,
            stopSequences=lambda: [marks.word() for _ in marks.some(0, 6)],
            x_unknown=marks.word,
            logprobs=marks.whole,
            thinkingConfig=lambda: marks.one(
                {"thinkingBudget": 0},
                {"thinking_budget": -1, "includeThoughts": True},
                {"thinkingLevel": "LOW"},
            ),
        ),
    }
    optional = marks.fields(
        systemInstruction=lambda: {"parts": [{"text": marks.word()} for _ in marks.some(1, 2)]},
        safetySettings=lambda: [{"category": marks.word(), "threshold": marks.word()}],
        labels=lambda: {marks.word(): marks.word()},
        toolConfig=lambda: {"functionCallingConfig": {"mode": marks.one("AUTO", "ANY", "NONE")}},
        tools=lambda: [
            {
                "functionDeclarations": [
                    {
                        "name": marks.word(),
                        **marks.fields(description=marks.word, parametersJsonSchema=marks.schema),
                    }
                ]
            }
            for _ in marks.some(1, 2)
        ],
        x_unknown=lambda: {"a": [marks.word(), {"b": marks.word()}]},
    )
    return {"contents": contents, "generationConfig": config, **optional}


def sayable(upstream: str, body: Any) -> Any:
    """Return a body without what the target refuses by name: some take no images by address."""
    if upstream not in (GEMINI, CONVERSE):
        return body
    if isinstance(body, list):
        return [sayable(upstream, each) for each in body if not _is_link(each)]
    if isinstance(body, dict):
        return {name: sayable(upstream, each) for name, each in body.items()}
    return body


def _is_link(part: Any) -> bool:
    text = json.dumps(part) if isinstance(part, dict) and "role" not in part else ""
    return '"https://i' in text and '"type": "function_call_output"' not in text
