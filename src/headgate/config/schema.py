"""The JSON Schema of headgate.toml, derived from the shapes the loader checks by.

`python -m headgate.config.schema > docs/reference/config.schema.json` writes it; editors with
TOML support complete and check a configuration by it.
"""

import sys
from typing import Any

import msgspec

from headgate.config.shapes import FileShape


def schema() -> dict[str, Any]:
    """Return the JSON Schema."""
    document = msgspec.json.schema(FileShape)
    # Exactly one place for a secret, which a type cannot say.
    document["$defs"]["Secret"] |= {"minProperties": 1, "maxProperties": 1}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "headgate.toml",
        **document,
    }


def render() -> str:
    """Return the schema as the text of its file."""
    return msgspec.json.format(msgspec.json.encode(schema(), order="sorted"), indent=2).decode()


if __name__ == "__main__":
    sys.stdout.write(render() + "\n")
