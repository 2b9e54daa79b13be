"""What a user asked last: the texts of the last message a user wrote; pure."""

import msgspec

from headgate.dialects.prompts.block import OWN, Block, Blocks

_USER = b'"user"'
_BARE = b"input"
"""What the block of a prompt that is one text begins with, where a dialect has such prompts."""


def asked_text(blocks: Blocks) -> str:
    """Return the texts of the last message of a user that has any, in order; empty for none.

    The results of tools are sent in a user's name, too, but are no texts of one.

    Raises:
        msgspec.DecodeError: A text is not one.
    """
    found: list[bytes] = []
    message = ""
    for block in reversed(tuple(blocks.turns)):
        text = _text(block)
        if text is None:
            continue
        place = block.path.partition("]")[0]
        if found and place != message:
            break
        message = place
        found.append(text)
    return "\n".join(msgspec.json.decode(text, type=str) for text in reversed(found))


def _text(block: Block) -> bytes | None:
    """Return the text of a user's block as JSON, None of any other.

    A block has the members of its message by name and value, then its own behind a mark; a text
    stands alone, or as the member `text`.
    """
    parts = block.parts
    if not parts or not parts[-1].startswith(b'"'):
        return None
    if parts[0] == _BARE:
        return parts[-1]
    is_text = len(parts) > 1 and parts[-2] in (OWN, b"text")
    return parts[-1] if is_text and _USER in parts[:-1] else None
