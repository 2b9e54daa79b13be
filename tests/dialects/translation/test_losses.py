"""The list of what is lost, in the documentation, is what the code does."""

import json
from typing import Any

import pydantic
import pytest
import typing_extensions
from anthropic.types import Message
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from google.genai import types as genai
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from tests.dialects.translation.losses_page import PAGE, page
from tests.dialects.translation.speech import CHAT, GEMINI, MESSAGES, RESPONSES, SAMPLES


def test_the_list_is_made_of_the_code() -> None:
    """Each line of the documentation's list is a loss of the code, and each loss has its line."""
    assert PAGE.read_text(encoding="utf-8") == page(), "`make losses` writes it anew"


REFUSED = {
    CHAT: {"audio", "modalities", "prediction", "web_search_options", "functions", "function_call"},
    MESSAGES: {"container"},
    RESPONSES: {
        "background",
        "context_management",
        "conversation",
        "previous_response_id",
        "prompt",
    },
}
"""Parameters of the SDKs that cannot be left out of a call, and so are in no sample."""

ALTERNATIVES = {"max_tokens": "max_completion_tokens"}
PARAMS: list[tuple[str, Any]] = [
    (CHAT, CompletionCreateParamsNonStreaming),
    (MESSAGES, MessageCreateParamsNonStreaming),
    (RESPONSES, ResponseCreateParamsNonStreaming),
]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def fields(kind: type[pydantic.BaseModel]) -> set[str]:
    """Return the names that a type of an SDK has on the wire."""
    return {field.alias or name for name, field in kind.model_fields.items()}


@pytest.mark.parametrize(("kind", "params"), PARAMS)
def test_the_sample_has_every_parameter_of_the_sdk(kind: str, params: Any) -> None:
    """A parameter that a new SDK brings is seen here, and then in the list."""
    body = sample(kind)
    known = set(typing_extensions.get_type_hints(params))

    missing = {name for name in known - body.keys() if ALTERNATIVES.get(name, name) not in body}

    # A stream's options are no part of a request that is not streamed.
    assert missing - REFUSED[kind] - {"stream_options"} == set()


PARTS = {"executableCode", "codeExecutionResult", "toolCall", "toolResponse"}
"""Parts that cannot be left out; the others not in the sample belong to films and sound."""

OF_FILMS = {"videoMetadata", "audioTranscription", "speechMetadata", "audioMetadata"}
OF_FILES = {"mediaProcessing", "spreadsheetMetadata"}


def test_geminis_sample_has_every_field_of_the_sdk() -> None:
    """Google's SDK has no type for a body, but for what is in it: configuration, parts, tools."""
    body = sample(GEMINI)
    parts = [part for content in body["contents"] for part in content["parts"]]
    functions = body["tools"][0]["functionDeclarations"]

    config = fields(genai.GenerationConfig) - body["generationConfig"].keys()
    assert config == {"responseJsonSchema", "speechConfig", "translationConfig"}
    said = {name for part in parts for name in part}
    assert fields(genai.Part) - said == PARTS | OF_FILMS | OF_FILES
    assert {name for each in functions for name in each} == fields(genai.FunctionDeclaration)
    assert body["toolConfig"].keys() == fields(genai.ToolConfig)


REPLIES: list[tuple[str, type[pydantic.BaseModel]]] = [
    (CHAT, ChatCompletion),
    (MESSAGES, Message),
    (RESPONSES, Response),
    (GEMINI, genai.GenerateContentResponse),
]
OF_THE_SDK = {"sdkHttpResponse", "automaticFunctionCallingHistory", "parsed"}
"""What the SDK itself adds to a reply."""


@pytest.mark.parametrize(("kind", "reply"), REPLIES)
def test_the_sample_reply_has_every_field_of_the_sdk(
    kind: str, reply: type[pydantic.BaseModel]
) -> None:
    """A field that a new SDK reads is seen here, and then in the list."""
    assert fields(reply) - sample(f"{kind}.reply").keys() - OF_THE_SDK == set()
