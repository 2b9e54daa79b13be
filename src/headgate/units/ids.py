"""Ids: how things are named in records, replies and logs."""

import re
from typing import Final

NAME_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
"""What teams, principals, deployments, budgets, keys and providers may be called."""

ALIAS_PATTERN: Final = NAME_PATTERN + "(?:/" + NAME_PATTERN + "){0,4}"
"""What clients may ask for: a name, or up to five with slashes between, such as `maker/model`.

Only aliases have slashes. Elsewhere one means "below": in chains of agents, runs and windows.
"""

RUN_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}"
"""What a client may call a run in the `x-headgate-run` header."""

IDEMPOTENCY_KEY_PATTERN: Final = r"[!-~]{1,255}"
"""What a client may send as the key that names a call among its repeats."""

_ONE: Final = 1 << 32
_PAIRS: Final[tuple[str, ...]] = tuple(hex(256 + number)[3:] for number in range(256))
"""The last two digits of the numbers of calls."""
_FIRST: Final = ".1"
_NAME: Final = re.compile(NAME_PATTERN)
_ALIAS: Final = re.compile(ALIAS_PATTERN)
_RUN: Final = re.compile(RUN_PATTERN)
_IDEMPOTENCY_KEY: Final = re.compile(IDEMPOTENCY_KEY_PATTERN)


def is_name(text: str) -> bool:
    """Tell whether `text` may name a thing of the configuration."""
    return _NAME.fullmatch(text) is not None


def is_alias(text: str) -> bool:
    """Tell whether `text` may name a route, which clients ask for."""
    return _ALIAS.fullmatch(text) is not None


def is_run(text: str) -> bool:
    """Tell whether `text` may name a run."""
    return _RUN.fullmatch(text) is not None


def is_idempotency_key(text: str) -> bool:
    """Tell whether `text` may name a call among its repeats."""
    return _IDEMPOTENCY_KEY.fullmatch(text) is not None


def call_id(worker_tag: str, number: int) -> str:
    """Return the id of a worker's n-th call; unique as `worker_tag` is unique to a process."""
    # No format with a width: compiled, it costs as much as deciding where the call goes. Behind a
    # one, a number has all its digits.
    digits = hex(_ONE + number)[3:] if number < _ONE else hex(number)[2:]
    return f"call_{worker_tag}{digits}"


class CallIds:
    """Names a process's calls, one after the other.

    Args:
        tag: Unique to the process.
    """

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self._number = 0
        # What 256 of them have in common, so that it is put together once.
        self._begin = call_id(tag, 0)[:-2]

    def next(self) -> str:
        """Return the id of the next call."""
        number = self._number = self._number + 1
        last = number & 0xFF
        if not last:
            self._begin = call_id(self._tag, number)[:-2]
        return self._begin + _PAIRS[last]


def attempt_id(call: str, number: int) -> str:
    """Return the id of a call's n-th attempt, counted from 1."""
    # Most calls have one.
    return call + _FIRST if number == 1 else f"{call}.{number}"


def call_of(attempt: str) -> str:
    """Return the id of the call that an attempt is of."""
    return attempt.rpartition(".")[0]


def window_key(budget: str, period: str) -> str:
    """Return the key of a budget's window, such as `acme-month@2026-11`."""
    return f"{budget}@{period}"


CARVED: Final = "~"
"""Between what a window is of and what it was carved from; no name has it."""


def is_carved(window: str) -> bool:
    """Tell whether a window is a delegation's, or a budget's that is carved from another."""
    return CARVED in window
