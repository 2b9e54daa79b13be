"""Writes AWS's event-stream framing, apart from the code that reads it."""

import base64
import json
import struct
from binascii import crc32
from typing import Any


def message(headers: dict[str, str], payload: bytes) -> bytes:
    """Return one message whose headers are texts."""
    lines = b"".join(
        struct.pack(f"!B{len(name)}sBH{len(value)}s", len(name), name, 7, len(value), value)
        for name, value in ((name.encode(), value.encode()) for name, value in headers.items())
    )
    lengths = struct.pack("!II", 16 + len(lines) + len(payload), len(lines))
    data = lengths + struct.pack("!I", crc32(lengths)) + lines + payload
    return data + struct.pack("!I", crc32(data))


def chunk(event: dict[str, Any]) -> bytes:
    """Return an event of Messages as Bedrock frames it."""
    data = base64.b64encode(json.dumps(event).encode()).decode()
    headers = {
        ":event-type": "chunk",
        ":content-type": "application/json",
        ":message-type": "event",
    }
    return message(headers, json.dumps({"bytes": data, "p": "abcdef"}).encode())


def fault(name: str, words: str) -> bytes:
    """Return an exception in a stream."""
    headers = {
        ":exception-type": name,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, json.dumps({"message": words}).encode())
