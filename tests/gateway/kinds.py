"""What the tests of kinds of providers share: one deployment, a reply, and what was metered."""

from pathlib import Path
from typing import Any

from headgate.records.journal import SettleRecord
from tests.gateway.inprocess import Gateway

REPLY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {**REPLY, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}},
    {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 10}},
]

MINI = "openai/gpt-5.4-mini"
RECORDED = Path(__file__).parents[1] / "dialects" / "recorded"


def own(
    kind: str,
    base_url: str,
    model: str,
    *,
    credential: str = "secret",
    more: str = "",
    catalog: str = "",
) -> str:
    """Return the tables of one deployment of a kind, priced as a model that has prices."""
    catalog = catalog or (MINI if "openai" in kind or "mistral" in kind else "")
    catalog = catalog or "anthropic/claude-haiku-4-5"
    return (
        f'[providers.own]\nkind = "{kind}"\nbase_url = "{base_url}"\n'
        f'credential = {{ value = "{credential}" }}\n{more}\n'
        f'[deployments.own]\nprovider = "own"\nmodel = "{model}"\ncatalog = "{catalog}"\n'
    )


def measured(gateway: Gateway, call: str) -> dict[str, int]:
    """Return the usage of a call, which must have been measured."""
    gateway.until_idle()
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    assert end.state == "measured", end
    return end.quantities
