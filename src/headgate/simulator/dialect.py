"""What a simulated provider's API must be able to do; each dialect is one file."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import msgspec

from headgate.simulator.answers import Answer, Tool
from headgate.simulator.bill import Usage
from headgate.simulator.conversation import Standing
from headgate.simulator.faults import Fault
from headgate.simulator.models import ModelFacts, ProviderName
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Headers, Reply, Step
from headgate.simulator.server import Request


class ApiError(Exception):
    """A request that the provider refuses, in terms that the providers share.

    Attributes:
        status: HTTP status.
        kind: The provider's error type.
        param: The field that is wrong; only OpenAI tells it.
        code: A finer code; Google does not tell it.
        headers: Further headers of the reply.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.param = param
        self.code = code
        self.headers = headers


class Generation(ABC):
    """One request for a generation, checked and understood.

    Attributes:
        model: The model that serves it.
        asked: The model name the client sent.
        stream: Whether the reply is streamed.
        limit: Output tokens at most, per choice, as asked; None if nothing was asked.
        choices: How many answers are wanted.
        standing: Where the conversation stands, with the text of the last user message.
        tools: The tools that may be called.
        tool_forced: Whether a tool has to be called.
        thinking: Hidden tokens to generate.
        tool_text: Visible tokens before a tool call.
        schema: The JSON schema that the text has to have; None for free text.
        reply_id: The id in the reply's body.
        content_type: Of a reply that is not streamed.
    """

    model: ModelFacts
    asked: str
    stream: bool
    limit: int | None
    choices: int
    standing: Standing
    tools: tuple[Tool, ...]
    tool_forced: bool
    thinking: int
    tool_text: int
    schema: dict[str, Any] | None
    reply_id: str
    content_type: str = "application/json"

    @abstractmethod
    def read_cache(self) -> Usage:
        """Read and write the prompt cache; return the prompt's usage, without any output."""

    @abstractmethod
    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:
        """Return the body of a reply that is not streamed; without usage if that is None."""

    def rendered(self, answers: Sequence[Answer], usage: Usage | None) -> bytes:
        """Return the body of a reply that is not streamed as bytes."""
        return msgspec.json.encode(self.document(answers, usage))

    @abstractmethod
    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Return the body of a streamed reply; the last step holds all that ends it."""

    def error_frame(self, request_id: str) -> bytes | None:  # noqa: ARG002 - for those that differ
        """Return the event that tells of an error in the midst of its stream.

        None where it is the one that all streams of the provider have.
        """
        return None


class Dialect(ABC):
    """A provider's API.

    Attributes:
        bad_request: What it calls a request that it does not understand.
    """

    provider: ProviderName
    bad_request: ClassVar[str] = "invalid_request_error"

    @abstractmethod
    def request_id(self) -> str:
        """Return a new request id, unique."""

    @abstractmethod
    def open(self, request: Request) -> Generation | dict[str, Any]:
        """Check a request; return what is to be generated, or the whole reply if nothing is.

        Raises:
            ApiError: The provider refuses it.
        """

    @abstractmethod
    def headers(self, request_id: str, usage: Usage | None) -> Headers:
        """Return the headers of every reply: the request id, and limits if tokens were used."""

    @abstractmethod
    def error_reply(self, error: ApiError, request_id: str) -> Reply:
        """Return a refusal as the provider words it."""

    @abstractmethod
    def error_frame(self, request_id: str) -> bytes:
        """Return the event that tells of an error in the middle of a stream."""

    @abstractmethod
    def fault_error(self, fault: Fault, asked: str) -> ApiError | None:
        """Return the refusal that a fault stands for; None if it is not a refusal."""
