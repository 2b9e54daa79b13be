"""Compiled code remembers where it found a field or a name, and must notice when that is elsewhere.

Interpreted, the same holds anyway; `make test-compiled` is where this can fail.
"""

from typing import Any

import pytest
from msgspec import Struct

from headgate.providers import openai_compatible
from headgate.providers.openai_compatible import metered
from headgate.records.report import Report
from headgate.units.usage import UsageError

USAGE = b'{"prompt_tokens":%d,"completion_tokens":1}'


class Turned(Struct):
    """The fields of a report in another order, so that each lies elsewhere."""

    tier: str | None
    usage_json: bytes | None


class Plain:
    """The same fields in a dict."""

    def __init__(self, usage_json: bytes) -> None:
        self.tier: str | None = None
        self.usage_json = usage_json


def prompt_of(report: Any) -> int:
    """Return the prompt that compiled code reads of a report, whatever that is made of."""
    return metered(report).usage.input_uncached


def report_of(prompt: int) -> Report:
    """Return a report of so many prompt tokens."""
    return Report(None, None, USAGE % prompt, None, True, False)


def test_a_field_is_read_where_each_type_has_it() -> None:
    """One place in the code that meets several types reads the field of each."""
    for round_ in range(3):
        assert prompt_of(report_of(10 + round_)) == 10 + round_
        assert prompt_of(Turned(None, USAGE % (20 + round_))) == 20 + round_
        assert prompt_of(Plain(USAGE % (30 + round_))) == 30 + round_


def test_a_type_that_changes_is_looked_at_anew() -> None:
    """A field that becomes a property between two calls is read as the property it is."""

    class Changing:
        __slots__ = ("tier", "usage_json")

        def __init__(self, usage_json: bytes) -> None:
            self.tier: str | None = None
            self.usage_json = usage_json

    changing = Changing(USAGE % 1)
    before = [prompt_of(changing) for _ in range(2)]
    type.__setattr__(Changing, "usage_json", property(lambda _self: USAGE % 2))

    assert before == [1, 1]
    assert prompt_of(changing) == 2


def test_a_field_that_is_gone_is_missed() -> None:
    """A field that was deleted is an error, not what lay there before."""

    class Emptied:
        __slots__ = ("tier", "usage_json")

        def __init__(self, usage_json: bytes) -> None:
            self.tier: str | None = None
            self.usage_json = usage_json

    emptied = Emptied(USAGE % 1)
    assert prompt_of(emptied) == 1
    del emptied.usage_json

    with pytest.raises(AttributeError, match="usage_json"):
        prompt_of(emptied)


def test_a_name_that_means_something_else_is_looked_up_anew() -> None:
    """A name of the module that is bound anew is what it is bound to now."""

    class AnotherError(Exception):
        """In its place."""

    names = vars(openai_compatible)
    with pytest.raises(UsageError):
        metered(Report())
    names["UsageError"] = AnotherError
    try:
        with pytest.raises(AnotherError):
            metered(Report())
    finally:
        names["UsageError"] = UsageError
    with pytest.raises(UsageError):
        metered(Report())
