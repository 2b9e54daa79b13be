"""What the configuration says of idempotency keys."""

from typing import NamedTuple


class Idempotency(NamedTuple):
    """How long calls with a key are remembered, and what is kept of them.

    Attributes:
        keep: Whether replies are kept, so that a repeat gets the same one.
        keep_hours: For how long a key is remembered, and its reply kept.
        reply_bytes_max: A longer reply is not kept.
        replies_bytes_max: All that are kept together; the oldest make room.
        keys_max: How many keys an owner may have at once.
    """

    keep: bool = True
    keep_hours: int = 24
    reply_bytes_max: int = 1 << 20
    replies_bytes_max: int = 1 << 30
    keys_max: int = 10_000
