"""What the configuration says of idempotency keys and of expected holds."""

from typing import NamedTuple


class Expected(NamedTuple):
    """How expected holds are sized.

    Attributes:
        percent: The quantile of earlier outputs that a hold covers at first.
        calls_min: Holds are strict until so many outputs were seen.
        output_tokens_min: No hold covers less output than this.
        reserve_tokens: The stop reserve: what a provider may generate beyond what was seen of a
            stream before it learns that the stream is over. Every hold covers it on top.
    """

    percent: int = 99
    calls_min: int = 20
    output_tokens_min: int = 128
    reserve_tokens: int = 256


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
