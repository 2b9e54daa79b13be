"""One OpenAI moderation request: what its texts and images are taken for; free of charge.

Whatever says `flag me` is flagged as violence. Wire format:
https://platform.openai.com/docs/api-reference/moderations and the official SDK's types.
"""

import secrets
from collections.abc import Iterator, Sequence
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

USUAL = "omni-moderation-latest"
FLAG = "flag me"
CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit"),
    *("illicit/violent", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual"),
    *("sexual/minors", "violence", "violence/graphic"),
)
OF_IMAGES = frozenset(
    {*CATEGORIES[6:10], *CATEGORIES[11:]},
)
"""The categories that are found in images, too."""


class ModerationBody(msgspec.Struct):
    """The body of a request; unknown fields are accepted."""

    model: str | None = None
    input: str | list[str | dict[str, Any]] | None = None


_DECODER = msgspec.json.Decoder(ModerationBody)


def decode_moderation(raw: bytes) -> ModerationBody:
    """Decode a body.

    Raises:
        ApiError: It is not JSON, or a field has the wrong type.
    """
    try:
        return _DECODER.decode(raw)
    except msgspec.ValidationError as error:
        raise bad_request(f"Invalid request: {error}", None, "invalid_type") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "We could not parse the JSON body of your request."
        raise ApiError(400, "invalid_request_error", message) from error


class ModerationGeneration(Generation):
    """One request for moderation: nothing is generated, so there is no choice among answers."""

    def __init__(self, body: ModerationBody, facts: ModelFacts) -> None:
        self._inputs = _inputs(body.input)
        self.model = facts
        self.asked = body.model or USUAL
        self.stream = False
        self.limit = None
        self.choices = 0
        self.standing = Standing("\n".join(text for text, _ in self._inputs), 0)
        self.tools = ()
        self.tool_forced = False
        self.thinking = self.tool_text = 0
        self.schema = None
        self.reply_id = f"modr-{secrets.token_hex(12)}"

    def read_cache(self) -> Usage:
        """Return the usage: one request."""
        return Usage(request=1)

    def document(self, answers: Sequence[Answer], usage: Usage | None) -> dict[str, Any]:  # noqa: ARG002
        """Return the body of the reply, which tells no usage."""
        results = [_result(text, images=images) for text, images in self._inputs]
        return {"id": self.reply_id, "model": self.model.served, "results": results}

    def steps(
        self, answers: Sequence[Answer], usage: Usage, tempo: Tempo, *, with_usage: bool
    ) -> Iterator[Step]:
        """Raise: moderations come whole."""
        raise NotImplementedError


def _inputs(given: str | list[str | dict[str, Any]] | None) -> list[tuple[str, bool]]:
    """Return each text with whether images are beside it: parts are one input together."""
    if isinstance(given, str) and given:
        return [(given, False)]
    if not given or isinstance(given, str):
        raise bad_request("'$.input' is invalid.", "input", None)
    texts = [each for each in given if isinstance(each, str)]
    if texts and len(texts) != len(given):
        raise bad_request("'$.input' is invalid.", "input", None)
    if texts:
        return [(text, False) for text in texts]
    parts = [each for each in given if isinstance(each, dict)]
    said = "\n".join(str(each.get("text", "")) for each in parts)
    return [(said, any(each.get("type") == "image_url" for each in parts))]


def _result(text: str, *, images: bool) -> dict[str, Any]:
    flagged = FLAG in text
    found = {name: flagged and name == "violence" for name in CATEGORIES}
    told = [*(["text"] if text else []), *(["image"] if images else [])]
    return {
        "flagged": flagged,
        "categories": found,
        "category_scores": {name: 0.9 if hit else 0.001 for name, hit in found.items()},
        "category_applied_input_types": {
            name: told if name in OF_IMAGES else [each for each in told if each == "text"]
            for name in CATEGORIES
        },
    }
