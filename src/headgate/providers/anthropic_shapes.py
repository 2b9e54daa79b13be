"""The usage object of Messages, as it is decoded.

Apart from the provider because its module is compiled, and the decoder reads types at run time.
"""

from typing import Annotated

from msgspec import Meta, Struct

from headgate.units.usage import QUANTITY_MAX

Count = Annotated[int, Meta(ge=0, le=QUANTITY_MAX)]


class CacheCreation(Struct, gc=False):
    """Cache writes by how long they live."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputDetails(Struct, gc=False):
    """Parts of the output."""

    thinking_tokens: Count | None = None


class ServerTools(Struct, gc=False):
    """Uses of tools that run at the provider."""

    web_search_requests: Count | None = None


class Iteration(Struct, gc=False):
    """One sampling of several that made up the reply."""

    type: str = "message"


class Usage(Struct, gc=False):
    """The usage object of Messages, as in the SDK's `BetaUsage`."""

    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerTools | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[Iteration] | None = None
