"""The list of what is lost, in the documentation, is what the code does."""

import json
import re
from typing import Any

import pytest
import typing_extensions
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming

from headgate.dialects.translation.losses import Losses
from tests.architecture.repository import ROOT
from tests.dialects.translation.speech import (
    CHAT,
    CONVERSE,
    MESSAGES,
    PAIRS,
    RESPONSES,
    SAMPLES,
    TELLERS,
    TRANSLATORS,
    edit,
)

PAGE = ROOT / "docs" / "reference" / "dialects.md"
OLDER = {CHAT: "gpt-4.1", MESSAGES: "claude-haiku-4-5", RESPONSES: "gpt-4.1"}
OLDER |= {CONVERSE: "us.amazon.nova-pro-v1:0"}

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


def sample(client: str) -> bytes:
    """Return a request that has every field."""
    return (SAMPLES / f"{client}.json").read_bytes()


def lines(client: str, upstream: str, body: bytes) -> list[str]:
    """Return the lines of the list for a pair: what a request loses, `*` for any index."""
    rows: dict[str, str] = {}
    for model in (edit(upstream), edit(upstream, OLDER[upstream])):
        call = TRANSLATORS[client].parse_call(body)
        losses = Losses(call.lost)
        TELLERS[upstream].render_call(call, model, losses)
        for loss in losses.found:
            place = re.sub(r"\[\d+\]", "[*]", loss.at)
            kind = "hint" if loss.hint else "changes the answer"
            rows.setdefault(place, f"| `{place}` | {loss.reason} | {kind} |")
    return sorted(rows.values())


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_the_list_is_made_of_the_code(client: str, upstream: str) -> None:
    """Each line of the documentation's list is a loss of the code, and each loss has its line."""
    text = PAGE.read_text(encoding="utf-8")
    heading = f"### Lost from `{client}` to `{upstream}`"
    section = text.partition(heading)[2].partition("\n#")[0]

    told = [line for line in section.splitlines() if line.startswith("| `")]

    made = lines(client, upstream, sample(client))
    assert told == made, "it should be:\n" + "\n".join(made)


PARAMS: list[tuple[str, Any]] = [
    (CHAT, CompletionCreateParamsNonStreaming),
    (MESSAGES, MessageCreateParamsNonStreaming),
    (RESPONSES, ResponseCreateParamsNonStreaming),
]


@pytest.mark.parametrize(("kind", "params"), PARAMS)
def test_the_sample_has_every_parameter_of_the_sdk(kind: str, params: Any) -> None:
    """A parameter that a new SDK brings is seen here, and then in the list."""
    sample = json.loads((SAMPLES / f"{kind}.json").read_text(encoding="utf-8"))
    known = set(typing_extensions.get_type_hints(params))

    missing = {name for name in known - sample.keys() if ALTERNATIVES.get(name, name) not in sample}

    # A stream's options are no part of a request that is not streamed.
    assert missing - REFUSED[kind] - {"stream_options"} == set()
