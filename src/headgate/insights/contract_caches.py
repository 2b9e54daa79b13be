"""What is printed of caches, as types; a part of `contract.py`."""

from headgate.insights.printed import Printed, Usd


class CacheView(Printed, frozen=True, kw_only=True):
    """What a cache did for an attempt: the provider's of prompts, or our own of replies.

    `saved`: what it would have cost more without one (negative: writing cost more). `marked`:
    where Headgate set breakpoints. `cause`: why a prefix was not read, `path` the first changed
    block, `missed_tokens` and `missed` how much that was and what it cost. `given_from`: the call
    whose kept reply was given again, `saved` then being what that one cost.
    """

    saved: Usd
    marked: list[str]
    cause: str | None
    path: str | None
    missed_tokens: int
    missed: Usd
    given_from: str | None


class CacheSumsView(Printed, frozen=True, kw_only=True):
    """Sums over attempts that have `name` in common; `hit_permille` of their tokens were read.

    `given`: calls that got a kept reply again, besides; `given_saved` what that saved.
    """

    name: str
    attempts: int
    prompt_tokens: int
    read_tokens: int
    written_tokens: int
    hit_permille: int
    saved: Usd
    misses: int
    missed: Usd
    given: int
    given_saved: Usd


class MissView(Printed, frozen=True, kw_only=True):
    """Misses of one kind, and what to do about them."""

    route: str
    cause: str
    path: str | None
    times: int
    tokens: int
    missed: Usd
    advice: str


class CachesView(Printed, frozen=True, kw_only=True):
    """What caches did: `caches --json`."""

    total: CacheSumsView
    by: list[CacheSumsView]
    misses: list[MissView]
