"""What the tests of translation share: two dialects, a translation, and the leaves of a JSON."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from headgate.dialects.registry import dialects, spoken_dialects
from headgate.dialects.translation.registry import tellers, translators
from headgate.dialects.translation.translated import Translated, Translation
from headgate.records.demand import Demand, Edit
from headgate.units.errors import Refusal

SAMPLES = Path(__file__).parent / "samples"
DIALECTS, SPOKEN = dialects(), spoken_dialects()
TRANSLATORS, TELLERS = translators(), tellers()
KINDS = sorted(TRANSLATORS)
PAIRS = [(client, upstream) for client in KINDS for upstream in KINDS if client != upstream]
CHAT, MESSAGES, RESPONSES = "openai_chat", "anthropic_messages", "openai_responses"
GEMINI, CONVERSE = "gemini", "bedrock_converse"
MODELS = {
    CHAT: "gpt-5.5",
    MESSAGES: "claude-sonnet-5",
    RESPONSES: "gpt-5.5",
    GEMINI: "gemini-3.5-flash",
    CONVERSE: "openai.gpt-oss-120b-1:0",
}
AT_S = 1_790_000_000


def between(client: str, upstream: str) -> Translated:
    """Return what serves a client of one dialect by a deployment of another."""
    return Translated(
        (DIALECTS[client], TRANSLATORS[client]),
        (SPOKEN[upstream], TELLERS[upstream]),
        AT_S,
        "call_1",
    )


def edit(upstream: str, model: str | None = None, limit: int = 4_096) -> Edit:
    """Return an edit for a model of that dialect."""
    field = "max_completion_tokens" if upstream == CHAT else "max_tokens"
    return Edit(model or MODELS[upstream], limit, field)


def attempt(
    client: str,
    upstream: str,
    body: Any,
    *,
    model: str | None = None,
    limit: int = 4_096,
    drop: bool = True,
) -> Translation | Refusal:
    """Return what the pipeline gets for a body, given as JSON or as bytes."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    stream = isinstance(body, dict) and bool(body.get("stream"))
    wanted = edit(upstream, model, limit)
    return between(client, upstream).translate(text, wanted, stream=stream, drop=drop)


def as_read(upstream: str, done: Translation) -> Demand:
    """Return the demand that the target's dialect reads in a translated body.

    What stands in its path is added, as the path says it.
    """
    demand = SPOKEN[upstream].read(done.body)
    assert isinstance(demand, Demand), demand
    return replace(demand, model=done.demand.model, stream=done.demand.stream)


def said(demand: Demand) -> tuple[Demand, dict[str, bytes]]:
    """Return a demand as it can be compared: its members as bytes."""
    members = {name: bytes(value) for name, value in demand.members.items()}
    return replace(demand, members={}), members


def translate(
    client: str, upstream: str, body: Any, *, model: str | None = None, limit: int = 4_096
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return a translated body, and what was lost."""
    done = attempt(client, upstream, body, model=model, limit=limit)
    assert isinstance(done, Translation), done
    return json.loads(done.body), done.lost


def refused(
    client: str, upstream: str, body: Any, *, limit: int = 4_096, drop: bool = True
) -> Refusal:
    """Return why a body cannot be translated."""
    done = attempt(client, upstream, body, limit=limit, drop=drop)
    assert isinstance(done, Refusal), done
    return done


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a JSON value with their paths."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{path}[{index}]")
    else:
        yield path, value


def is_below(path: str, lost: str) -> bool:
    """Tell whether a leaf is what was lost, or lies below it."""
    return path == lost or path.startswith((f"{lost}.", f"{lost}["))
