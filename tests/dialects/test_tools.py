"""Which tools a body offers: all of them are named, and what is not clear cannot be allowed."""

import json
from typing import Any

import pytest

from headgate.dialects.registry import dialects
from headgate.dialects.tools import UNREADABLE, offered

DIALECTS = dialects()
FUNCTION = {"type": "function", "function": {"name": "search", "parameters": {"tools": ["x"]}}}


@pytest.mark.parametrize(
    ("kind", "body", "names"),
    [
        (
            "openai_chat",
            {"tools": [FUNCTION, {"type": "custom", "custom": {"name": "sql"}}]},
            ["search", "sql"],
        ),
        ("openai_chat", {"functions": [{"name": "old"}]}, ["old"]),
        ("openai_chat", {"web_search_options": {"size": "low"}}, ["web_search_options"]),
        ("openai_chat", {"web_search_options": {}}, ["web_search_options"]),
        ("openai_chat", {"web_search_options": None, "plugins": [], "enable_search": False}, []),
        ("openai_chat", {"search_parameters": {}}, ["search_parameters"]),
        ("openai_chat", {"enable_search": True}, ["enable_search"]),
        (
            "openai_responses",
            {"tools": [{"type": "function", "name": "f"}, {"type": "mcp", "server_url": "x"}]},
            ["f", "mcp"],
        ),
        (
            "openai_responses",
            {
                "tools": [
                    {
                        "type": "namespace",
                        "name": "n",
                        "tools": [{"type": "function", "name": "in"}],
                    }
                ]
            },
            ["in"],
        ),
        (
            "openai_responses",
            {
                "input": [
                    {"type": "tool_search_output", "tools": [{"type": "function", "name": "late"}]}
                ]
            },
            ["late"],
        ),
        (
            "anthropic_messages",
            {
                "tools": [
                    {"name": "read", "input_schema": {"tools": []}},
                    {"type": "bash_20250124", "name": "bash"},
                ]
            },
            ["read", "bash_20250124"],
        ),
        ("anthropic_messages", {"mcp_servers": [{"url": "x"}]}, ["mcp_servers"]),
        (
            "anthropic_messages",
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "tool_addition", "tool": {"definition": {"name": "added"}}}
                        ],
                    }
                ]
            },
            ["added"],
        ),
        (
            "anthropic_messages",
            {
                "messages": [
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "tool_use", "name": "read", "input": {"tools": ["x"]}}
                        ],
                    }
                ]
            },
            [],
        ),
        (
            "gemini",
            {
                "tools": [
                    {"functionDeclarations": [{"name": "a"}, {"name": "b"}]},
                    {"googleSearch": {}},
                ]
            },
            ["a", "b", "googleSearch"],
        ),
        ("gemini", {"cachedContent": "cachedContents/1"}, ["cachedContent"]),
        ("embeddings", {"tools": [FUNCTION]}, []),
        ("anthropic_count_tokens", {"tools": [FUNCTION]}, []),
        ("gemini_count_tokens", {"tools": [FUNCTION]}, []),
    ],
)
def test_each_dialect_names_what_is_offered(
    kind: str, body: dict[str, Any], names: list[str]
) -> None:
    """Functions by their names, others by their types, and members that bring tools along."""
    assert list(DIALECTS[kind].tool_names(json.dumps(body).encode())) == names


@pytest.mark.parametrize(
    "body",
    [
        '{"tools": [{"type": "function", "function": {"name": "ok", "name": "evil"}}]}',
        '{"tools": [{"type": "function", "name": "ok"}], "tools": [{"name": "evil"}]}',
        '{"tools": ["evil"]}',
        '{"tools": [{"type": "function"}]}',
        '{"tools": [{}]}',
        "[" * 100_000,
    ],
    ids=["name twice", "tools twice", "a text", "no name", "nothing", "too deep"],
)
def test_what_is_not_clear_cannot_be_allowed(body: str) -> None:
    """A body that two readers may read differently offers something that nobody allows."""
    assert UNREADABLE in offered(body.encode())


def test_a_tool_with_two_names_has_both() -> None:
    """Whichever name a provider takes, it is one that has to be allowed."""
    tool = {"type": "function", "name": "ok", "function": {"name": "evil"}, "tools": []}

    assert offered(json.dumps({"tools": [tool]}).encode()) == ("ok", "evil")
