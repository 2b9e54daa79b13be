"""What of a request a model reads: its texts, and what stands around them.

The texts can be counted exactly where a tokenizer is public. What a chat template puts around
them is published for plain messages alone, by OpenAI, as a recipe that it calls an estimate:
three tokens for each message, one for its role, one more for a name, three that begin the answer
(https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken). Of tools and images
only bounds are known.
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from headgate.dialects.bounds import IMAGE_TOKENS_MAX_ANY
from headgate.dialects.translation.fields import UNREADABLE, TranslationError, json_of, malformed
from headgate.dialects.translation.registry import Translator
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
    ResultPart,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
)
from headgate.units.errors import Refusal

MESSAGE_TOKENS = 4
NAME_TOKENS = 1
ANSWER_TOKENS = 3
TOOL_TOKENS = 16
"""What introduces a tool beside its own words, or a call or result of one; a bound of ours."""


class Prompt(NamedTuple):
    """What is counted of a request.

    Attributes:
        texts: All that is words: messages, thoughts, calls of tools and their results, and the
            names, descriptions and schemas of tools.
        frame_tokens: What stands around them, by the published recipe and our bounds.
        image_tokens: The most that its images come to, over the models known.
    """

    texts: tuple[str, ...]
    frame_tokens: int = 0
    image_tokens: int = 0


class UncountableError(Exception):
    """A request carries what nobody here can count: a document, sound, a file elsewhere."""


def read(body: bytes, translator: Translator) -> Prompt | Refusal:
    """Return what is counted of a body, or why it cannot be read.

    Raises:
        UncountableError: It carries what nobody here can count.
    """
    try:
        return prompt_of(translator.parse_call(body))
    except TranslationError as error:
        return error.refusal


def prompt_of(call: Call) -> Prompt:
    """Return what is counted of a request.

    Raises:
        TranslationError: A text of it cannot be read.
        UncountableError: It carries what nobody here can count.
    """
    if call.foreign:
        raise UncountableError(call.foreign[0].what)
    prompt = _Gathering()
    for turn in call.turns:
        prompt.frame_tokens += MESSAGE_TOKENS
        for option in turn.options:
            if option.name == "name":
                prompt.frame_tokens += NAME_TOKENS
                prompt.texts.append(_name(option))
        for part in turn.parts:
            prompt.take(part)
    for tool in call.tools:
        prompt.frame_tokens += TOOL_TOKENS
        prompt.texts += _words(tool)
    if call.format is not None and call.format.schema is not None:
        prompt.frame_tokens += TOOL_TOKENS
        prompt.texts.append(json_of(call.format.schema, call.format.schema_at))
    tokens = prompt.frame_tokens + ANSWER_TOKENS
    return Prompt(tuple(prompt.texts), tokens, prompt.images * IMAGE_TOKENS_MAX_ANY)


def _name(option: Option) -> str:
    """Return who speaks. Whatever stands there: a provider may refuse what is no text."""
    try:
        return str(msgspec.json.decode(option.value))
    except UNREADABLE as error:
        raise malformed(option.at, "expected a string.") from error


def _words(tool: Tool) -> Iterator[str]:
    yield tool.name
    if tool.description is not None:
        yield tool.description
    if tool.schema is not None:
        yield json_of(tool.schema, tool.at)


class _Gathering:
    """What was found of a prompt so far."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.frame_tokens = 0
        self.images = 0

    def take(self, part: Part | ResultPart) -> None:
        """Take one part of a message."""
        match part:
            case Text(text=text) | Declined(text=text) | Thinking(text=text):
                self.texts.append(text)
            case RedactedThinking(data=data):
                self.texts.append(data)
            case ToolUse(name=name, arguments=arguments):
                self.frame_tokens += TOOL_TOKENS
                self.texts += (name, arguments)
            case ToolResult(parts=parts):
                self.frame_tokens += TOOL_TOKENS
                for each in parts:
                    self.take(each)
            case Image() | ImageLink():
                self.images += 1
            case Document():
                raise UncountableError("a document")
            case Foreign(what=what):
                raise UncountableError(what)
