"""How many wrong tokens are looked at: a few at once, then one every half minute.

Who may show no token now is not told whether theirs is right: an answer would be what a guesser
asks for. What follows from that, and how it is weighed:

- **An attacker has many addresses.** So nobody has an entry of their own that could be pushed out
  or made without end: everybody falls, by a keyed hash of who they are, into one of `BUCKETS_MAX`
  buckets. That bounds the memory, and also what all addresses of the world get to guess together.
  The key is the process's own, so nobody can aim at the bucket of somebody else.
- **Others must not keep the right token out for long.** One address that guesses keeps out whom
  it shares a bucket with: itself, and one in `BUCKETS_MAX` strangers. For a browser that was
  signed in before there is a second throttle, which strangers do not reach (see `entry.py`), and
  whoever is signed in is asked for nothing. Strangers who come by the same address as an attacker,
  behind a proxy that names no clients, do wait for as long as that one goes on.
- **What was said before is no guess.** A program that goes on showing an outdated token learns
  nothing by that, so it is counted once, and does not keep its neighbours out.
- **The right token forgives nothing.** A program that shows it every few seconds, from the address
  of a guesser, would clear the guesser's count as often.
"""

import hmac
from dataclasses import dataclass
from hashlib import blake2b

from headgate.units.instants import NANOS_PER_SECOND

WRONG_MAX = 5
"""So many wrong tokens at once."""
PACE_S = 30
"""Then one more after so many seconds each."""
BUCKETS_MAX = 1024

_PACE_NS = PACE_S * NANOS_PER_SECOND


@dataclass(slots=True)
class _Bucket:
    """Wrong tokens of all who fall into it.

    Attributes:
        forgiven_ns: When all of them are forgiven; each puts it off by `PACE_S`.
        last: The last one, hashed.
        told: Whether it was told that they were too many, since all were forgiven.
    """

    forgiven_ns: int = 0
    last: bytes = b""
    told: bool = False


class Throttle:
    """Counts wrong tokens by who shows them.

    Args:
        key: What hashes are keyed with; at most 64 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._buckets: dict[int, _Bucket] = {}

    def wait_s(self, who: str, now_ns: int) -> int:
        """Return in how many seconds somebody may show a token; 0 is now."""
        left_ns = self._left_ns(self._bucket(who), now_ns)
        over_ns = left_ns - (WRONG_MAX - 1) * _PACE_NS
        return max(0, -(-over_ns // NANOS_PER_SECOND))

    def count(self, who: str, wrong: str, now_ns: int) -> bool:
        """Count a wrong token, unless it is the one that was counted last.

        Returns:
            Whether these are too many now and were not before: worth telling somebody, once.
        """
        bucket, last = self._bucket(who), self._hash(wrong)
        if hmac.compare_digest(bucket.last, last):
            return False
        bucket.last = last
        left_ns = self._left_ns(bucket, now_ns)
        if left_ns == 0:
            bucket.told = False
        bucket.forgiven_ns = now_ns + left_ns + _PACE_NS
        if bucket.told or self.wait_s(who, now_ns) == 0:
            return False
        bucket.told = True
        return True

    def _left_ns(self, bucket: _Bucket, now_ns: int) -> int:
        # A clock that was put back may not make anybody wait for longer than wrong tokens can.
        return min(max(0, bucket.forgiven_ns - now_ns), WRONG_MAX * _PACE_NS)

    def _bucket(self, who: str) -> _Bucket:
        number = int.from_bytes(self._hash(who), "big") % BUCKETS_MAX
        return self._buckets.setdefault(number, _Bucket())

    def _hash(self, text: str) -> bytes:
        return blake2b(text.encode(), digest_size=16, key=self._key).digest()
