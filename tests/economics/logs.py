"""Writes small logs as the clients write them; every id, text and number is made up."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

OPUS = "claude-opus-4-8"
SESSION = "5e551011-0000-4000-8000-000000000001"


def claude(
    message: str,
    output: int,
    *,
    at: str = "2026-06-11T00:00:00.000Z",
    request: str | None = "req",
    side: bool = False,
    stop: str | None = "end_turn",
    model: str = OPUS,
    **usage: Any,
) -> dict[str, Any]:
    """Return a line about a reply; the request's id is made from the message's."""
    counts = {"input_tokens": 10, "cache_read_input_tokens": 1000, "output_tokens": output}
    line: dict[str, Any] = {
        "parentUuid": None,
        "isSidechain": side,
        "cwd": "/home/dev/shop",
        "sessionId": SESSION,
        "type": "assistant",
        "uuid": f"{message}-{output}-{at}",
        "timestamp": at,
        "message": {
            "id": message,
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": 'she said \\"usage\\": {"a": 1}'}],
            "stop_reason": stop,
            "usage": counts | usage,
        },
    }
    if request is not None:
        line["requestId"] = f"{request}_{message}"
    return line


def codex_meta(thread: str, parent: str | None = None) -> dict[str, Any]:
    """Return the first line of a rollout."""
    payload: dict[str, Any] = {"id": thread, "cwd": "/home/dev/shop"}
    if parent is not None:
        payload["forked_from_id"] = parent
    return {"timestamp": "2026-06-12T09:00:00.000Z", "type": "session_meta", "payload": payload}


def codex_turn(model: str = "gpt-5.5") -> dict[str, Any]:
    """Return the line that names the model."""
    return {
        "timestamp": "2026-06-12T09:00:00.100Z",
        "type": "turn_context",
        "payload": {"model": model},
    }


def codex_count(
    total: tuple[int, int, int],
    last: tuple[int, int, int] | None = None,
    *,
    at: str = "2026-06-12T09:00:01.000Z",
    percent: tuple[float, int] | None = None,
) -> dict[str, Any]:
    """Return a line of running totals: (input, of it cached, output)."""

    def usage(counts: tuple[int, int, int]) -> dict[str, int]:
        names = ("input_tokens", "cached_input_tokens", "output_tokens")
        return dict(zip(names, counts, strict=True)) | {"reasoning_output_tokens": 0}

    info = {"total_token_usage": usage(total), "last_token_usage": usage(last or total)}
    payload: dict[str, Any] = {"type": "token_count", "info": info}
    if percent is not None:
        used, resets_at = percent
        window = {"used_percent": used, "window_minutes": 10080, "resets_at": resets_at}
        payload["rate_limits"] = {"primary": None, "secondary": window}
    return {"timestamp": at, "type": "event_msg", "payload": payload}


def write_lines(path: Path, lines: Iterable[Mapping[str, Any] | str]) -> Path:
    """Write a line per value; text is written as it stands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path
