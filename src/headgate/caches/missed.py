"""Why a prefix that was kept was not read, and the first block that differs; pure."""

from itertools import islice
from typing import Literal, NamedTuple, get_args

from headgate.caches.prompt import Prompt
from headgate.caches.sessions import Last
from headgate.caches.warmth import Cache

MISSED_TOKENS_MIN = 512
"""Less is not worth a word: providers keep whole steps of up to 128 tokens and count roughly."""

Cause = Literal["changed", "moved", "expired", "unmarked", "unread"]
CAUSES: tuple[Cause, ...] = get_args(Cause)


class Missed(NamedTuple):
    """A prefix that was not read.

    Attributes:
        cause: `changed`: a block of it is another one now. `moved`: it was served elsewhere.
            `expired`: its lifetime was over. `unmarked`: the request marks nothing to be read.
            `unread`: the provider did not read it, for reasons of its own.
        path: The first changed block, None when none is.
        tokens: How many were not read.
    """

    cause: Cause
    path: str | None
    tokens: int


class Served(NamedTuple):
    """How a session's next prompt was served.

    Attributes:
        cache: Where.
        cache_read: Tokens that were read there.
        marked: Whether the request marked what to read; True where nothing needs a mark.
        at_ns: When it was sent.
    """

    cache: Cache
    cache_read: int
    marked: bool
    at_ns: int


def missed(last: Last, prompt: Prompt, served: Served) -> Missed | None:
    """Return what of a session's last prefix was not read again; None when all that could be was.

    Args:
        last: What the session sent before.
        prompt: What it sends now.
        served: How that was served.
    """
    tokens = last.tokens - served.cache_read
    if tokens < MISSED_TOKENS_MIN:
        return None
    same = _same_blocks(last.prompt, prompt)
    if same < last.blocks:
        if same == len(prompt.digests):
            # It was taken back to an earlier point: nothing that is there now has changed.
            return None
        tokens = _readable(last, prompt, same) - served.cache_read
        if tokens < MISSED_TOKENS_MIN:
            return None
        return Missed("changed", _changed_path(last.prompt, prompt, same), tokens)
    if last.cache != served.cache:
        return Missed("moved", None, tokens)
    if last.until_ns <= served.at_ns:
        return Missed("expired", None, tokens)
    return Missed("unread" if served.marked else "unmarked", None, tokens)


def continues(last: Last, prompt: Prompt) -> bool:
    """Tell whether a prompt goes on where another ended: most of that conversation is in it.

    Two conversations may begin with the same words.
    """
    before = last.prompt.digests[last.prompt.turns_from :]
    now = frozenset(prompt.digests[prompt.turns_from :])
    return 2 * sum(digest in now for digest in before) > len(before)


def _same_blocks(before: Prompt, now: Prompt) -> int:
    """Return how many blocks both begin with: as hashes of all up to each, it can be halved."""
    low, high = 0, min(len(before.marks), len(now.marks))
    while low < high:
        middle = (low + high + 1) // 2
        if before.marks[middle - 1] == now.marks[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low


def _readable(last: Last, prompt: Prompt, same: int) -> int:
    """Return how many of the kept tokens are sent again: as many as their bytes are of all.

    The changed block counts too, for most of it is usually as before, unless it is the last one:
    what took the place of another end would have been new in any case.

    Args:
        last: What the session sent before.
        prompt: What it sends now.
        same: How many blocks both begin with.
    """
    ends = last.prompt.ends
    now = frozenset(prompt.digests)
    size = ends[same - 1] if same else 0
    for number in range(same, last.blocks):
        if last.prompt.digests[number] in now:
            size += last.prompt.size(number)
    if same < last.blocks - 1 and last.prompt.paths[same] == prompt.paths[same]:
        size += min(last.prompt.size(same), prompt.size(same))
    return last.tokens * size // max(1, ends[last.blocks - 1])


def _changed_path(before: Prompt, now: Prompt, at: int) -> str:
    """Name the first block that differs: the one that is gone where a section became shorter."""
    gone = before.paths[at]
    section = _section(gone)
    longer = any(_section(path) == section for path in islice(now.paths, at, None))
    return now.paths[at] if longer else gone


def _section(path: str) -> str:
    return path.partition("[")[0].partition(".")[0]
