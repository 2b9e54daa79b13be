"""Commands that change something, in the store itself while no steward runs."""

import json
import time
from pathlib import Path
from typing import Any

from headgate.identity.keys import digest, load_pepper
from headgate.identity.registry import frozen_nodes, kept_keys
from headgate.node.commands import state
from headgate.store.database import open_store_readonly
from headgate.units.instants import to_iso

DAY_NS = 86_400 * 10**9


def kept(folder: Path) -> dict[str, Any]:
    """Return the keys made at run time, by id."""
    engine = open_store_readonly(folder / "data")
    with engine.connect() as connection:
        found = {key.id: key for key in kept_keys(connection)}
    engine.dispose()
    return found


def frozen(folder: Path) -> dict[str, str]:
    """Return the frozen nodes and why."""
    engine = open_store_readonly(folder / "data")
    with engine.connect() as connection:
        found = {node.node: node.reason for node in frozen_nodes(connection)}
    engine.dispose()
    return found


def test_a_key_is_printed_once_and_kept_as_a_hash(headgate: Any, books: Path) -> None:
    """What is printed opens; what is kept is its keyed hash, with the configured rights."""
    result = headgate("keys", "create", "alice-laptop")

    secret = result.stdout.strip()
    key = kept(books)["alice-laptop"]
    assert secret.startswith("hg_alice-laptop_")
    assert key.digest == digest(load_pepper(books / "data"), secret.encode()).hex()
    assert (key.principal, key.models) == ("alice", ("fast",))
    assert secret.encode() not in (books / "data" / "headgate.db").read_bytes()


def test_a_key_beside_the_configuration(headgate: Any, books: Path) -> None:
    """A principal can have more keys than the file names."""
    arguments = ("keys", "create", "ci", "--principal", "bob", "--model", "fast", "--json")
    printed = json.loads(headgate(*arguments).stdout)

    assert (printed["principal"], printed["models"]) == ("bob", ["fast"])
    assert kept(books)["ci"].models == ("fast",)


def test_wrong_wishes_for_a_key(headgate: Any, books: Path) -> None:
    """Each is told with its fix, and nothing is kept."""
    wishes = {
        ("x y", "--principal", "bob"): "cannot name a key",
        ("ci",): "--principal",
        ("ci", "--principal", "bbo"): "Did you mean 'bob'?",
        ("ci", "--principal", "bob", "--model", "fsat"): "Did you mean 'fast'?",
        ("alice-laptop", "--principal", "bob"): "Leave the options out.",
        ("bob-laptop",): "has its secret in the configuration",
    }

    for wish, told in wishes.items():
        result = headgate("keys", "create", *wish)
        assert result.exit_code == 2, wish
        assert told in result.stderr, wish
    assert not kept(books)


def test_an_id_is_never_used_twice(headgate: Any) -> None:
    """Also not after it was revoked; exit code 1."""
    headgate("keys", "create", "alice-laptop")
    headgate("keys", "revoke", "alice-laptop")

    result = headgate("keys", "create", "alice-laptop")

    assert result.exit_code == 1
    assert "never used twice" in result.stderr


def test_keys_are_listed_with_where_they_come_from(headgate: Any) -> None:
    """Configured ones first, made and revoked ones with their instants."""
    headgate("keys", "create", "ci", "--principal", "bob")
    headgate("keys", "revoke", "ci")

    rows = {row["id"]: row for row in json.loads(headgate("keys", "list", "--json").stdout)}

    assert rows["bob-laptop"]["source"] == "configuration"
    assert rows["ci"]["source"] == "made"
    assert rows["ci"]["revoked_at"] >= rows["ci"]["created_at"]
    assert "hg_" not in headgate("keys", "list").stdout


def test_a_key_can_be_made_to_end(headgate: Any, books: Path) -> None:
    """At a day in the organisation's zone, at a moment, or after a while; what ended is told."""
    create = ("keys", "create", "--principal", "bob", "--json")
    at_day = json.loads(headgate(*create, "day", "--until", "2099-12-31").stdout)
    at_moment = json.loads(headgate(*create, "moment", "--until", "2099-12-31T06:00:00Z").stdout)
    before_ns = time.time_ns()
    after = headgate(*create[:-1], "while", "--for", "30d")

    rows = {row["id"]: row for row in json.loads(headgate("keys", "list", "--json").stdout)}
    ends_ns = kept(books)["while"].until_ns

    assert at_day["ends_at"] == rows["day"]["ends_at"] == "2099-12-31T08:00:00.000Z"
    assert at_moment["ends_at"] == rows["moment"]["ends_at"] == "2099-12-31T06:00:00.000Z"
    assert 0 <= ends_ns - before_ns - 30 * DAY_NS < DAY_NS
    assert f"It ends at {rows['while']['ends_at']}." in after.stderr
    assert rows["bob-laptop"]["ends_at"] is None
    told = json.loads(headgate("audit", "show", "--json").stdout)
    (entry,) = [each for each in told if each["subject"] == "key:moment"]
    assert entry["detail"]["until"] == "2099-12-31T06:00:00.000Z"


def test_what_is_no_end_of_a_key(headgate: Any, books: Path) -> None:
    """Each is told with its fix, and no key is made."""
    wishes = {
        ("--until", "2020-01-01"): "has ended already",
        ("--until", "9999-01-01"): "too far",
        ("--until", "someday"): "is not a date",
        ("--until", "0001-01-01T00:00:00+01:00"): "is not a date",
        ("--until", "9999-12-31T23:00:00-12:00"): "is not a date",
        ("--for", "a while"): "no length of time",
        ("--for", "30d", "--until", "2099-01-01"): "Use one of them.",
    }

    for wish, told in wishes.items():
        result = headgate("keys", "create", "ci", "--principal", "bob", *wish)
        assert (result.exit_code, result.stdout) == (2, ""), wish
        assert told in result.stderr, wish
    assert not kept(books)


def test_the_end_that_the_configuration_has_is_obeyed_as_it_stands_there(
    headgate: Any, books: Path
) -> None:
    """It is not kept with the key, so that the file can move it both ways; a sooner one is."""
    file = books / "headgate.toml"
    text = file.read_text()
    head = "[keys.alice-laptop]\n"
    assert head in text
    file.write_text(text.replace(head, head + "until = 2099-01-01T00:00:00Z\n"))

    printed = json.loads(headgate("keys", "create", "alice-laptop", "--json").stdout)
    file.write_text(text.replace(head, head + "until = 2020-01-01T00:00:00Z\n"))

    assert printed["ends_at"] == "2099-01-01T00:00:00.000Z"
    assert kept(books)["alice-laptop"].until_ns is None
    shown = headgate("keys", "list", env={"COLUMNS": "250"}).stdout
    assert "ended 2020-01-01T00:00:00.000Z" in shown


def test_doctor_warns_of_keys_that_end_within_a_week(headgate: Any, books: Path) -> None:
    """Of valid ones alone; with what to do, by where the end stands."""
    file = books / "headgate.toml"
    soon = to_iso(time.time_ns() + 2 * DAY_NS)
    more = f'\n[keys.brief]\nprincipal = "bob"\nuntil = {soon}\n'
    file.write_text(file.read_text() + more)
    for name, life in {"near": "6d", "far": "8d", "gone": "1d"}.items():
        headgate("keys", "create", name, "--principal", "bob", "--for", life)
    headgate("keys", "revoke", "gone")

    printed = json.loads(headgate("doctor", "--json").stdout)["checks"]
    found = [each for each in printed if each["name"] == "keys"]

    assert [each["message"].split("'")[1] for each in found] == ["brief", "near"]
    assert {each["status"] for each in found} == {"warning"}
    assert found[0]["message"] == f"The key 'brief' ends at {soon}."
    assert "[keys.brief]" in found[0]["fix"] and "keys create near-2" in found[1]["fix"]


def test_revoking_what_is_not_there(headgate: Any) -> None:
    """An unknown key, and one of the configuration: exit code 1 and what to do."""
    unknown = headgate("keys", "revoke", "nobody")
    configured = headgate("keys", "revoke", "bob-laptop")

    assert (unknown.exit_code, configured.exit_code) == (1, 1)
    assert "Take [keys.bob-laptop] out of" in configured.stderr


def test_freeze_and_thaw(headgate: Any, books: Path) -> None:
    """A node is frozen with its reason, and thawed again; twice thawed is exit code 1."""
    assert headgate("freeze", "team:research", "--reason", "odd spend").exit_code == 0
    assert frozen(books) == {"team:research": "odd spend"}

    assert headgate("thaw", "team:research").exit_code == 0
    assert frozen(books) == {}
    assert headgate("thaw", "team:research").exit_code == 1


def test_a_purge_is_told_to_workers_by_its_time(headgate: Any, books: Path) -> None:
    """Those that start later see the same, and the audit chain says why."""
    engine = open_store_readonly(books / "data")
    assert state(engine, 1).purged_ns == 0

    done = headgate("purge", "--reason", "new hours")

    assert done.exit_code == 0
    first = state(engine, 2).purged_ns
    headgate("purge")
    assert 0 < first < state(engine, 3).purged_ns
    engine.dispose()
    told = json.loads(headgate("audit", "show", "--json").stdout)
    assert [each["action"] for each in told].count("responses.purged") == 2


def test_what_is_frozen_is_told(headgate: Any) -> None:
    """By `freeze` alone, by `doctor`, and beside each budget that a frozen node stands above."""
    assert headgate("freeze").stdout == "Nothing is frozen.\n"
    headgate("freeze", "team:research", "--reason", "odd spend")

    [row] = json.loads(headgate("freeze", "--json").stdout)
    budgets = json.loads(headgate("budgets", "--json").stdout)
    shown = headgate("budgets").stdout

    assert (row["node"], row["reason"]) == ("team:research", "odd spend")
    told = f"team:research since {row['since']}: odd spend"
    assert headgate("freeze").stdout.splitlines()[1].split()[0] == "team:research"
    assert told in headgate("doctor").stdout
    assert f"Frozen: {told}" in shown
    assert {one["id"]: one["frozen"] for one in budgets} == {
        "run-cap/alice/r42": True,
        "launch": False,
    }
    assert [line.endswith("  frozen") for line in shown.splitlines()[1:3]] == [True, False]


def test_a_second_freeze_changes_nothing(headgate: Any, books: Path) -> None:
    """It says since when and why the node was frozen, and how to give another reason."""
    headgate("freeze", "organisation", "--reason", "first")

    result = headgate("freeze", "organisation", "--reason", "second")

    assert result.exit_code == 1
    assert "organisation was frozen already, since 20" in result.stderr
    assert ": first." in result.stderr
    assert "headgate thaw organisation" in result.stderr
    assert frozen(books) == {"organisation": "first"}


def test_thawing_a_slip_of_the_pen(headgate: Any) -> None:
    """The near one of what is frozen is told, or that nothing is."""
    assert "Nothing is frozen" in headgate("thaw", "team:research").stderr
    headgate("freeze", "team:research")

    assert "Did you mean 'team:research'?" in headgate("thaw", "team:reserch").stderr


def test_refused_changes_have_real_fixes(headgate: Any) -> None:
    """A lost key is replaced; only keys that are still valid are offered for revoking."""
    assert "--principal ID (one of alice, bob)" in headgate("keys", "create", "new").stderr
    headgate("keys", "create", "ci", "--principal", "bob")
    again = headgate("keys", "create", "ci", "--principal", "bob")
    assert "headgate keys create ci-2 --principal bob" in again.stderr

    assert "Did you mean 'ci'?" in headgate("keys", "revoke", "cii").stderr
    headgate("keys", "revoke", "ci")
    assert "No key made here is valid" in headgate("keys", "revoke", "ci").stderr


def test_freezing_an_unknown_node(headgate: Any, books: Path) -> None:
    """A slip of the pen freezes nothing and is told."""
    result = headgate("freeze", "team:reserch")

    assert result.exit_code == 2
    assert "Did you mean 'team:research'?" in result.stderr
    assert frozen(books) == {}
