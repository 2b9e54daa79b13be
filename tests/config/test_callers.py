"""What the file says of callers: until when a key is good, and budgets on each agent."""

import re
from pathlib import Path

import pytest

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.units.errors import ConfigurationError
from headgate.units.instants import to_iso


def loaded(folder: Path, text: str) -> Snapshot:
    """Return what a file says."""
    file = folder / "headgate.toml"
    file.write_text(text)
    return load(file, {})


@pytest.mark.parametrize(
    ("node", "problem"),
    [
        ("agent:p/*", None),
        ("agent:p/bot/*", None),
        ("agent:*", "There is no principal '*'"),
        ("agent:p", "'p' names no agent"),
        ("agent:q/*", "There is no principal 'q'"),
        ("agent:p/*/bot", "'p/*/bot' names no agent"),
        ("agent:p/bo*", "'p/bo*' names no agent"),
    ],
)
def test_each_agent_stands_at_the_end_of_a_chain(
    tmp_path: Path, node: str, problem: str | None
) -> None:
    """Nothing but a whole name is left open, and nothing but the last."""
    budget = f'[principals.p]\n[budgets.b]\nnode = "{node}"\nlimit_usd = "1"\n'
    if problem is None:
        assert loaded(tmp_path, budget).budgets["b"].node == node
        return
    with pytest.raises(ConfigurationError, match=re.escape(problem)):
        loaded(tmp_path, budget)


def test_a_key_ends_when_a_day_begins_or_at_a_moment(tmp_path: Path) -> None:
    """The day is the organisation's; a moment may say its own zone; without one it never ends."""
    keys = loaded(
        tmp_path,
        """
[organisation]
timezone = "Europe/Berlin"
[principals.p]
[keys.day]
principal = "p"
until = 2027-01-01
[keys.local]
principal = "p"
until = 2027-01-01T09:00:00
[keys.moment]
principal = "p"
until = 2027-01-01T09:00:00Z
[keys.lasting]
principal = "p"
""",
    ).keys

    ends = {name: key.until_ns and to_iso(key.until_ns) for name, key in keys.items()}
    assert ends == {
        "day": "2026-12-31T23:00:00.000Z",
        "local": "2027-01-01T08:00:00.000Z",
        "moment": "2027-01-01T09:00:00.000Z",
        "lasting": None,
    }


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31T23:00:00-12:00", '"2027-01-01"'])
def test_a_day_that_cannot_be_told_is_refused(tmp_path: Path, day: str) -> None:
    """What has no year in UTC, or is no date at all, is noted before anybody has to show it."""
    key = f'[organisation]\ntimezone = "Europe/Berlin"\n[principals.p]\n[keys.k]\nuntil = {day}\n'

    with pytest.raises(ConfigurationError) as caught:
        loaded(tmp_path, key + 'principal = "p"\n')

    (problem,) = caught.value.problems
    assert (problem.key, problem.problem) == ("keys.k.until", "This is no day.")
    assert "without quotes" in problem.fix
