"""`headgate calls`, narrowed by when, where, whose and why."""

import json
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("narrowed", "found"),
    [
        (("--since", "2025-11-11"), ["call_d", "call_c"]),
        (("--until", "2025-11-11"), ["call_b", "call_b", "call_a"]),
        (("--since", "2025-11-10", "--until", "2025-11-11", "--deployment", "gpt"), ["call_b"]),
        (("--code", "budget_exceeded"), ["call_d"]),
        (("--key", "bob-laptop"), ["call_d"]),
        (("--team", "research", "--state", "held"), ["call_c"]),
    ],
)
def test_calls_are_narrowed(headgate: Any, narrowed: tuple[str, ...], found: list[str]) -> None:
    """By day, where they went, why they were refused, and whose they are."""
    listed = json.loads(headgate("calls", "--json", *narrowed).stdout)

    assert [each["call"] for each in listed] == found
