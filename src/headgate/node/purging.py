"""Purging, as a message: every worker forgets the replies that it keeps to give them again.

A file of its own beside `messages.py`, which has no room left.
"""

from msgspec import Struct

ACTION = "responses.purged"
"""What the audit chain calls it."""


class Purge(Struct, frozen=True, tag_field="type", tag="purge"):
    """Has all kept replies forgotten; sent by the command line as those of `node.messages`."""

    reason: str = ""
    by: str = "unknown"
