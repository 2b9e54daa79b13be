"""Counts of tokens: golden ones that others have published, and what holds for every text."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.counting.count import Count, bounded, byte_count, counted
from headgate.counting.load_tokenizer import TOKENIZERS, load_tokenizer
from headgate.counting.pieces import PIECE_CHARACTERS, pieces
from headgate.counting.prompt import Prompt, UncountableError, read
from headgate.counting.tally import count_text, tally
from headgate.dialects.bounds import HIDDEN_TOKENS_MAX
from headgate.dialects.translation.registry import translators
from headgate.units.errors import Refusal
from tests.counting.vocabularies import needs_tokenizers

JARGON = (
    ("system", None, "You are a helpful, pattern-following assistant that translates corporate"),
    ("system", "example_user", "New synergies will help drive top-line growth."),
    ("system", "example_assistant", "Things working well together will increase revenue."),
    ("system", "example_user", "Let's circle back when we have more bandwidth to touch base on"),
    (
        "system",
        "example_assistant",
        "Let's talk later when we're less busy about how to do better.",
    ),
    ("user", None, "This late pivot means we don't have time to boil the ocean for the client"),
)
"""The example of OpenAI's cookbook on counting tokens; three lines of it end in `_ENDS`."""
_ENDS = {
    0: " jargon into plain English.",
    3: " opportunities for increased leverage.",
    5: " deliverable.",
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {
                    "type": "string",
                    "description": "The city and state, e.g. San Francisco, CA",
                },
                "unit": {
                    "type": "string",
                    "description": "The unit of temperature to return",
                    "enum": ["celsius", "fahrenheit"],
                },
            },
            "required": ["location"],
        },
    },
}


def body(*messages: dict[str, Any], **more: object) -> bytes:
    """Return a request of Chat Completions."""
    return json.dumps({"model": "m", "messages": messages, **more}).encode()


def message(role: str, content: str, name: str | None = None) -> dict[str, Any]:
    """Return a message."""
    return {"role": role, "content": content, **({} if name is None else {"name": name})}


def prompt_of(data: bytes, dialect: str = "openai_chat") -> Prompt:
    """Return what is counted of a body."""
    prompt = read(data, translators()[dialect])
    assert not isinstance(prompt, Refusal), prompt
    return prompt


def count(prompt: Prompt, tokenizer: str) -> Count:
    """Count a prompt by a public tokenizer."""
    text_tokens = tally(prompt.texts, load_tokenizer(tokenizer))
    assert text_tokens is not None
    return counted(prompt, tokenizer, text_tokens)


@needs_tokenizers
@pytest.mark.parametrize(
    ("tokenizer", "text", "tokens"),
    [
        ("cl100k_base", "tiktoken is great!", 6),
        ("o200k_base", "tiktoken is great!", 6),
        ("cl100k_base", "antidisestablishmentarianism", 6),
        ("o200k_base", "antidisestablishmentarianism", 6),
        ("cl100k_base", "2 + 2 = 4", 7),
        ("o200k_base", "2 + 2 = 4", 7),
        ("cl100k_base", "お誕生日おめでとう", 9),
        ("o200k_base", "お誕生日おめでとう", 8),
    ],
)
def test_texts_count_what_openai_says(tokenizer: str, text: str, tokens: int) -> None:
    """The counts that OpenAI's cookbook prints (`How to count tokens with tiktoken`)."""
    assert load_tokenizer(tokenizer).count(text) == tokens


@needs_tokenizers
@pytest.mark.parametrize(("tokenizer", "tokens"), [("cl100k_base", 129), ("o200k_base", 124)])
def test_messages_count_what_openai_billed(tokenizer: str, tokens: int) -> None:
    """What the cookbook says that its API counted: by gpt-4 and by gpt-4o."""
    messages = [
        message(role, text + _ENDS.get(at, ""), name)
        for at, (role, name, text) in enumerate(JARGON)
    ]

    assert count(prompt_of(body(*messages)), tokenizer).tokens == tokens


@needs_tokenizers
@pytest.mark.parametrize(("tokenizer", "billed"), [("cl100k_base", 105), ("o200k_base", 101)])
def test_tools_count_at_least_what_openai_billed(tokenizer: str, billed: int) -> None:
    """The cookbook's example with a tool, and what it says that the API counted."""
    asked = body(
        message(
            "system", "You are a helpful assistant that can answer to questions about the weather."
        ),
        message("user", "What's the weather like in San Francisco?"),
        tools=[WEATHER],
    )

    assert billed <= count(prompt_of(asked), tokenizer).tokens <= 2 * billed


@needs_tokenizers
@settings(max_examples=25)
@given(text=st.text(), tokenizer=st.sampled_from(TOKENIZERS))
def test_no_text_has_more_tokens_than_bytes(text: str, tokenizer: str) -> None:
    """The bound by bytes holds for every text, also for one with words that are special."""
    for each in (text, text + "<|endoftext|>"):
        tokens = count_text(each, load_tokenizer(tokenizer))
        assert tokens is not None
        assert tokens <= byte_count(each)
        assert count(Prompt((each,), 7), tokenizer).tokens <= bounded(Prompt((each,), 7)).tokens


@needs_tokenizers
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_a_long_text_counts_what_it_would_in_one_piece(tokenizer: str) -> None:
    """Where it is cut, no token reaches across."""
    text = (Path(__file__).parents[2] / "docs/reference/dialects.md").read_text()
    text = (5 * text)[: 3 * PIECE_CHARACTERS]
    whole = load_tokenizer(tokenizer).count(text)
    cut = list(pieces(text) or ())

    assert len(cut) > 2
    assert whole is not None
    assert sum(load_tokenizer(tokenizer).count(piece) or 0 for piece in cut) == whole
    assert count_text(text, load_tokenizer(tokenizer)) == whole


@needs_tokenizers
def test_a_long_text_without_a_place_to_cut_is_not_counted() -> None:
    """It is bounded by its bytes then; no count is made up."""
    text = "a" * (PIECE_CHARACTERS + 1)

    assert count_text(text, load_tokenizer("o200k_base")) is None
    assert tally(("short", text), load_tokenizer("o200k_base")) is None


@settings(max_examples=25)
@given(words=st.lists(st.text("aB \n1ä.", max_size=30), max_size=40))
def test_pieces_are_the_text(words: list[str]) -> None:
    """Put together they are what was cut, and none is longer than may be counted at once."""
    text = "so it is ".join(words) * 200
    cut = pieces(text)

    if cut is not None:
        parts = list(cut)
        assert "".join(parts) == text
        assert all(len(part) <= PIECE_CHARACTERS for part in parts)
        assert all(part[0] == " " and part[1].islower() for part in parts[1:])


def test_each_dialect_means_the_same_texts() -> None:
    """Whatever a question is written in, the same words are counted."""
    said = ("Be brief.", "What is a headgate?")
    in_dialects = {
        "openai_chat": body(message("system", said[0]), message("user", said[1])),
        "openai_responses": json.dumps(
            {"model": "m", "instructions": said[0], "input": said[1]}
        ).encode(),
        "anthropic_messages": json.dumps(
            {"model": "m", "system": said[0], "messages": [message("user", said[1])]}
        ).encode(),
        "gemini": json.dumps(
            {
                "systemInstruction": {"parts": [{"text": said[0]}]},
                "contents": [{"role": "user", "parts": [{"text": said[1]}]}],
            }
        ).encode(),
    }

    assert {prompt_of(data, dialect) for dialect, data in in_dialects.items()} == {Prompt(said, 11)}


def test_what_tools_say_is_counted() -> None:
    """Their words, their schemas, calls of them and results; of a result the pictures too."""
    use = {"type": "tool_use", "id": "1", "name": "look", "input": {"at": "sky"}}
    picture = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    shown = [{"type": "text", "text": "blue"}, {"type": "image", "source": picture}]
    result = {"type": "tool_result", "tool_use_id": "1", "content": shown}
    asked = {
        "model": "m",
        "messages": [
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
        "tools": [{"name": "look", "description": "Look.", "input_schema": {"type": "object"}}],
    }

    prompt = prompt_of(json.dumps(asked).encode(), "anthropic_messages")

    assert {"look", "Look.", '{"type": "object"}', "blue"} <= set(prompt.texts)
    assert any("sky" in text for text in prompt.texts)
    assert prompt.image_tokens > 0


def test_what_nobody_can_count_is_not_counted() -> None:
    """A document has as many tokens as its pages, which nobody here looks into."""
    source = {"type": "base64", "media_type": "application/pdf", "data": "AAAA"}
    asked = {
        "model": "m",
        "messages": [
            {"role": "user", "content": [{"type": "document", "source": source}]},
        ],
    }

    with pytest.raises(UncountableError, match="a document"):
        read(json.dumps(asked).encode(), translators()["anthropic_messages"])
    assert isinstance(read(b"[]", translators()["openai_chat"]), Refusal)
    assert prompt_of(body({"role": "user", "content": "a", "name": 5})).texts == ("5", "a")


def test_a_bound_has_room_for_templates_nobody_has_published() -> None:
    """It is the texts' bytes, what stands around them and the same reserve that holds have."""
    assert bounded(Prompt(("né",), 11)) == Count(3 + 11 + HIDDEN_TOKENS_MAX, 3, None)


@needs_tokenizers
@pytest.mark.slow
def test_the_command_counts(tmp_path: Path) -> None:
    """A request by the tokenizer of its model, a text by the one that is named."""
    asked = {"model": "m", "messages": [{"role": "user", "content": "tiktoken is great!"}]}
    (tmp_path / "asked.json").write_text(json.dumps(asked))
    (tmp_path / "text").write_text("お誕生日おめでとう")

    run = CliRunner().invoke
    found = run(app, ["tokens", str(tmp_path / "asked.json"), "--model", "gpt-5.5", "--json"])
    text = run(app, ["tokens", str(tmp_path / "text"), "--tokenizer", "cl100k_base"])

    assert json.loads(found.output) == {
        "tokens": 13,
        "text_tokens": 6,
        "around_tokens": 7,
        "how": "counted",
        "tokenizer": "o200k_base",
        "model": "openai/gpt-5.5",
        "read_as": "openai_chat",
    }
    assert "9  exact" in text.output


@needs_tokenizers
@pytest.mark.slow
@pytest.mark.parametrize("tokenizer", TOKENIZERS)
def test_tiktoken_counts_the_same(tokenizer: str) -> None:
    """The other implementation, with the same vocabulary, divides every text as this one does."""
    tiktoken = pytest.importorskip("tiktoken")
    package = pytest.importorskip("bpe_openai")
    ours = package.get_encoding(tokenizer)
    theirs = tiktoken.Encoding(
        tokenizer,
        pat_str=ours._pat_str,
        mergeable_ranks=ours._mergeable_ranks,
        special_tokens=ours._special_tokens,
    )

    @given(text=st.text())
    def agree(text: str) -> None:
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)

    agree()
    for page in (Path(__file__).parents[2] / "docs").rglob("*.md"):
        assert ours.encode_ordinary(page.read_text()) == theirs.encode_ordinary(page.read_text())
