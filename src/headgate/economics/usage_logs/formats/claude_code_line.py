"""The shape of a line of Claude Code's logs, as far as it tells of usage.

Apart from `claude_code.py`, which may be compiled: these types are read at run time.
"""

from msgspec import Struct


class Creation(Struct, gc=False):
    """Cache writes by how long they are kept."""

    ephemeral_5m_input_tokens: int = 0
    ephemeral_1h_input_tokens: int = 0


class Tools(Struct, gc=False):
    """Tools that the seller ran."""

    web_search_requests: int | None = 0


class ToldUsage(Struct, gc=False):
    """Usage of a reply; input tokens are without cached ones."""

    input_tokens: int | None = 0
    output_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0
    cache_read_input_tokens: int | None = 0
    cache_creation: Creation | None = None
    server_tool_use: Tools | None = None
    service_tier: str | None = None
    speed: str | None = None
    inference_geo: str | None = None


class Message(Struct, gc=False):
    """The part of a reply that tells of usage."""

    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: ToldUsage | None = None


class Line(Struct, gc=False):
    """A line of a log."""

    type: str | None = None
    timestamp: str | None = None
    sessionId: str | None = None  # noqa: N815 - the name in the log
    requestId: str | None = None  # noqa: N815 - the name in the log
    cwd: str | None = None
    isSidechain: bool | None = None  # noqa: N815 - the name in the log
    isApiErrorMessage: bool | None = None  # noqa: N815 - the name in the log
    message: Message | str | None = None
