"""The providers' prompt caches: OpenAI's automatic prefixes, Anthropic's breakpoints."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from headgate.simulator.tokens import BYTES_PER_TOKEN, count_bytes

PREFIXES_MAX = 200_000
# OpenAI: prefixes grow in steps of 128 tokens and live for some minutes after their last use
# (https://platform.openai.com/docs/guides/prompt-caching).
STEP_TOKENS = 128
PREFIX_LIFETIME_S = 300
PREFIX_LIFETIME_EXTENDED_S = 24 * 3600
# Anthropic: an earlier entry is looked for at most this many blocks before a breakpoint
# (https://platform.claude.com/docs/en/build-with-claude/prompt-caching).
LOOKBACK_BLOCKS = 20
_DIGEST_BYTES = 16
_STEP_BYTES = STEP_TOKENS * BYTES_PER_TOKEN


class Prefixes:
    """Digests of prefixes that are still warm; bounded, the least recently used go first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: OrderedDict[bytes, tuple[float, int]] = OrderedDict()

    def touch(self, digest: bytes) -> bool:
        """Return whether a prefix is warm, and if so start its lifetime anew."""
        entry = self._entries.get(digest)
        if entry is None or entry[0] <= self._clock():
            return False
        self.write(digest, entry[1])
        return True

    def write(self, digest: bytes, lifetime_s: int) -> None:
        """Keep a prefix warm for `lifetime_s` from now."""
        self._entries[digest] = (self._clock() + lifetime_s, lifetime_s)
        self._entries.move_to_end(digest)
        while len(self._entries) > PREFIXES_MAX:
            self._entries.popitem(last=False)


@dataclass(frozen=True, slots=True)
class StepHit:
    """What OpenAI's cache did for one prompt: tokens read, and tokens newly written."""

    read: int
    written: int


def read_steps(
    prefixes: Prefixes, scope: bytes, prompt: bytes, *, tokens_min: int, lifetime_s: int
) -> StepHit:
    """Look a prompt up in an automatic cache, and put it there.

    Args:
        prefixes: The cache.
        scope: What must be equal to share a prefix: the account and the model.
        prompt: The whole prompt.
        tokens_min: Shorter prefixes are neither read nor written.
        lifetime_s: How long the written prefixes stay.
    """
    digests: list[bytes] = []
    digest = scope
    for end in range(_STEP_BYTES, len(prompt) + 1, _STEP_BYTES):
        digest = blake2b(
            digest + prompt[end - _STEP_BYTES : end], digest_size=_DIGEST_BYTES
        ).digest()
        digests.append(digest)
    first = tokens_min // STEP_TOKENS - 1
    warm = next(
        (
            index
            for index in range(len(digests) - 1, first - 1, -1)
            if prefixes.touch(digests[index])
        ),
        None,
    )
    for prefix in digests[first:]:
        if not prefixes.touch(prefix):
            prefixes.write(prefix, lifetime_s)
    total = len(digests) * STEP_TOKENS if len(digests) > first else 0
    read = 0 if warm is None else (warm + 1) * STEP_TOKENS
    return StepHit(read, total - read)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an Anthropic prompt.

    Attributes:
        lifetime_s: A cache breakpoint after this block, with its lifetime; None for no breakpoint.
    """

    content: bytes
    lifetime_s: int | None = None

    @property
    def tokens(self) -> int:
        """Tokens of this block."""
        return count_bytes(len(self.content))


@dataclass(frozen=True, slots=True)
class BlockHit:
    """What Anthropic's cache did for one prompt, in tokens; `uncached` is all the rest."""

    read: int
    written_5m: int
    written_1h: int
    uncached: int


def read_blocks(
    prefixes: Prefixes, scope: bytes, blocks: Sequence[Block], *, tokens_min: int
) -> BlockHit:
    """Look a prompt up at its breakpoints, and write what lies between the hit and them."""
    digests, ends = _prefix_digests(scope, blocks)
    breakpoints = [
        index
        for index, block in enumerate(blocks)
        if block.lifetime_s is not None and ends[index] >= tokens_min
    ]
    warm = _find_warm(prefixes, digests, ends, breakpoints=breakpoints, tokens_min=tokens_min)
    position = read = ends[warm] if warm is not None else 0
    written = {300: 0, 3600: 0}
    for index in breakpoints:
        lifetime_s = blocks[index].lifetime_s
        assert lifetime_s is not None, "only blocks with a lifetime are breakpoints"
        if warm is not None and index <= warm:
            prefixes.touch(digests[index])
            continue
        prefixes.write(digests[index], lifetime_s)
        written[lifetime_s] += ends[index] - position
        position = ends[index]
    total = ends[-1] if ends else 0
    return BlockHit(read, written[300], written[3600], total - position)


def _prefix_digests(scope: bytes, blocks: Sequence[Block]) -> tuple[list[bytes], list[int]]:
    running = blake2b(scope, digest_size=_DIGEST_BYTES)
    digests: list[bytes] = []
    ends: list[int] = []
    tokens = 0
    for block in blocks:
        running.update(len(block.content).to_bytes(8, "big") + block.content)
        tokens += block.tokens
        digests.append(running.copy().digest())
        ends.append(tokens)
    return digests, ends


def _find_warm(
    prefixes: Prefixes,
    digests: Sequence[bytes],
    ends: Sequence[int],
    *,
    breakpoints: Sequence[int],
    tokens_min: int,
) -> int | None:
    for end in reversed(breakpoints):
        for index in range(end, max(-1, end - LOOKBACK_BLOCKS), -1):
            if ends[index] >= tokens_min and prefixes.touch(digests[index]):
                return index
    return None
