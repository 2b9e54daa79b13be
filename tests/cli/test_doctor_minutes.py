"""What `headgate doctor` says of limits of a minute."""

from pathlib import Path

from headgate.cli.doctor_minutes import check_minutes
from headgate.config.load import load
from tests.gateway.calls import config

CALLER = """
[teams.lab]
requests_per_minute = 50
[teams.bench]
parent = "lab"
requests_per_minute = {team}
[principals.dora]
team = "bench"
tokens_per_minute = {principal}
[keys.dora]
principal = "dora"
requests_per_minute = {key}
tokens_per_minute = 2000
"""


def told(folder: Path, *, team: int, principal: int, key: int) -> list[str]:
    """Return what is said of a configuration with such limits."""
    file = folder / "headgate.toml"
    more = CALLER.format(team=team, principal=principal, key=key)
    file.write_text(config("http://127.0.0.1:9/v1", "http://127.0.0.1:9", more=more))
    checks = list(check_minutes(load(file, {})))
    assert {each.status for each in checks} <= {"warning"}
    return [each.message for each in checks]


def test_limits_that_get_smaller_downwards_are_well(tmp_path: Path) -> None:
    """Nothing is said of them."""
    assert told(tmp_path, team=40, principal=2000, key=40) == []


def test_a_limit_above_which_there_is_a_smaller_one_never_holds(tmp_path: Path) -> None:
    """It is named beside the next one above that is smaller, once."""
    assert told(tmp_path, team=60, principal=1000, key=100) == [
        "requests_per_minute of key:dora is 100, that of team:bench 60: it never holds.",
        "tokens_per_minute of key:dora is 2000, that of principal:dora 1000: it never holds.",
        "requests_per_minute of team:bench is 60, that of team:lab 50: it never holds.",
    ]


def test_a_limit_that_no_call_without_an_output_limit_fits_into_is_told(tmp_path: Path) -> None:
    """With what such a call counts as."""
    (void, small) = told(tmp_path, team=40, principal=512, key=40)
    assert "never holds" in void
    assert small.startswith("principal:dora may take 512 tokens a minute")
    assert "counts as 512 and its input" in small
