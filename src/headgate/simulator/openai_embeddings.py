"""One OpenAI embedding request: its texts, and vectors that mean nothing.

Wire format: https://platform.openai.com/docs/api-reference/embeddings and the official SDK's types.
"""

import secrets
from array import array
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from headgate.simulator.answers import Answer
from headgate.simulator.bill import Usage
from headgate.simulator.conversation import Standing
from headgate.simulator.dialect import ApiError, Generation
from headgate.simulator.models import ModelFacts
from headgate.simulator.openai_request import bad_request
from headgate.simulator.pace import Tempo
from headgate.simulator.replies import Step
from headgate.simulator.tokens import count

Text = str | list[int]


class EmbeddingBody(msgspec.Struct):
    """The body of a request; unknown fields are accepted."""

    model: str | None = None
    input: str | list[str | int | list[int]] | None = None
    encoding_format: str = "float"
    dimensions: int | None = None


_DECODER = msgspec.json.Decoder(EmbeddingBody)


def decode_embedding(raw: bytes) -> EmbeddingBody:
    """Decode a body.

    Raises:
        ApiError: It is not JSON, or a field has the wrong type.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise bad_request(f"Invalid request: {error}", None, "invalid_type") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = "We could not parse the JSON body of your request."
        raise ApiError(400, "invalid_request_error", message) from error


class EmbeddingGeneration(Generation):
    """One request for embeddings: nothing is generated, so there is no choice among answers."""

    def __init__(self, body: EmbeddingBody, facts: ModelFacts) -> None:
        self._texts = _texts(body.input)
        self._dimensions = body.dimensions or facts.dimensions
        self._as_base64 = body.encoding_format == "base64"
        if not 1 <= self._dimensions <= facts.dimensions:
            raise bad_request(f"Invalid 'dimensions': {self._dimensions}.", "dimensions", None)
        longest = max(map(_tokens, self._texts))
        if longest > facts.context_tokens:
            message = f"This model's maximum context length is {facts.context_tokens} tokens."
            raise bad_request(message, "input", "context_length_exceeded")
        self.model = facts
        self.asked = body.model or ""
        self.stream = False
        self.limit = None
        self.choices = 0
        said = "\n".join(text for text in self._texts if isinstance(text, str))
        self.standing = Standing(said, 0)
        self.tools = ()
        self.tool_forced = False
        self.thinking = self.tool_text = 0
        self.schema = None
        self.reply_id = f"embd-{secrets.token_hex(12)}"

    def read_cache(self) -> Usage:
        """Return the prompt's usage; there is no cache."""
        return Usage(input_uncached=sum(map(_tokens, self._texts)))

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of the reply."""
        data = [
            {"object": "embedding", "index": index, "embedding": self._vector(text)}
            for index, text in enumerate(self._texts)
        ]
        document = {"object": "list", "data": data, "model": self.model.served}
        if usage is None:
            return document
        return {**document, "usage": {"prompt_tokens": usage.prompt, "total_tokens": usage.prompt}}

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Raise: embeddings come whole."""
        raise NotImplementedError

    def _vector(self, text: Text) -> list[float] | str:
        digest = blake2b(repr(text).encode("utf-8", "surrogatepass"), digest_size=64).digest()
        numbers = [
            (digest[index % len(digest)] - 127.5) / 4_096 for index in range(self._dimensions)
        ]
        if self._as_base64:
            return b64encode(array("f", numbers).tobytes()).decode("ascii")
        return numbers


def _texts(given: str | list[str | int | list[int]] | None) -> list[Text]:
    if isinstance(given, str) and given:
        return [given]
    if not given or isinstance(given, str):
        raise bad_request("'$.input' is invalid.", "input", None)
    numbers = [each for each in given if isinstance(each, int)]
    if len(numbers) == len(given):
        return [numbers]
    if numbers or "" in given or [] in given:
        raise bad_request("'$.input' is invalid.", "input", None)
    return [each for each in given if not isinstance(each, int)]


def _tokens(text: Text) -> int:
    return count(text) if isinstance(text, str) else len(text)
