"""`headgate delegate`: what is minted offline, refused where it is minted, and shown."""

import json
from pathlib import Path

import pytest

from headgate.cli.output import EXIT_CONFIGURATION, EXIT_NO
from headgate.identity.delegation import public_root, read, verify
from headgate.identity.grant import Delegation, Grant
from headgate.identity.keys import make_key
from headgate.identity.registry import kept_keys
from headgate.store.database import open_store_readonly
from tests.cli.conftest import Headgate

KEY = "hg_alice_0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def parent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that is delegated from, unless a test says otherwise."""
    monkeypatch.setenv("HEADGATE_KEY", KEY)


def verified(token: str, key: str = KEY) -> Delegation:
    found = verify(token.encode(), public_root(key), Grant())
    assert isinstance(found, Delegation), found
    return found


def test_every_option_is_in_the_token(headgate: Headgate) -> None:
    """What is asked for on the command line is what a gateway reads."""
    token = headgate(
        *("delegate", "create", "reviewer", "--models", "fast, careful", "--money", "2.50"),
        *("--until", "2027-01-15T08:00:00Z", "--tools", "", "--depth", "1"),
    ).stdout.strip()

    assert verified(token).grant == Grant(
        frozenset({"fast", "careful"}), frozenset(), 1_800_000_000_000_000_000, 2_500_000_000, 1
    )


def test_a_made_key_shows_its_id_whatever_is_in_it(headgate: Headgate) -> None:
    """Ids and secrets may hold underscores; the id is found all the same."""
    for key in (make_key("a_b-c.d"), "hg_a_b-c.d_" + "_a-" * 14 + "_"):
        token = headgate("delegate", "create", "x", env={"HEADGATE_KEY": key}).stdout.strip()
        found = read(token)
        assert found is not None and found.key == "a_b-c.d"
        assert verified(token, key).names == ("x",)


def test_a_key_made_here_can_delegate(headgate: Headgate, books: Path) -> None:
    """`keys create` keeps the root that the key's delegations are verified with."""
    key = headgate("keys", "create", "alice-laptop").stdout.splitlines()[0]

    with open_store_readonly(books / "data").connect() as connection:
        (kept,) = kept_keys(connection)

    root = public_root(key)
    assert root is not None and kept.root == root.hex()


@pytest.mark.parametrize(
    ("arguments", "problem", "status"),
    [
        (("x", "--money", "lots"), "not an amount of dollars", EXIT_CONFIGURATION),
        (("x", "--for", "soon"), "no length of time", EXIT_CONFIGURATION),
        (("x", "--for", "0s"), "no life", EXIT_CONFIGURATION),
        (("x", "--until", "tomorrow"), "no instant", EXIT_CONFIGURATION),
        (
            ("x", "--for", "1h", "--until", "2027-01-15T08:00:00Z"),
            "say the same",
            EXIT_CONFIGURATION,
        ),
        (("x", "--models", "a b"), "not a fact", EXIT_CONFIGURATION),
        (('a"b',), "not a fact", EXIT_CONFIGURATION),
        (("x", "--parent", KEY), "can be seen by others", EXIT_CONFIGURATION),
        (("x", "--depth", "8"), "further generations", EXIT_NO),
        (
            ("x", "--models", ",".join(f"model-{n:050}" for n in range(200))),
            "longer",
            EXIT_CONFIGURATION,
        ),
    ],
)
def test_what_cannot_be_minted_is_told_with_a_fix(
    headgate: Headgate, arguments: tuple[str, ...], problem: str, status: int
) -> None:
    """Nothing is printed that a gateway would refuse; the complaint names the fix."""
    result = headgate("delegate", "create", *arguments)

    assert (result.exit_code, result.stdout) == (status, "")
    assert problem in result.stderr and "Fix: " in result.stderr


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "no parent"),
        ("a-short-secret", "fewer than 32"),
        ("x" * 40, "does not show its id"),
        ("hgd_alice.x.y", "no delegation token"),
    ],
)
def test_a_parent_that_cannot_delegate_is_told(headgate: Headgate, key: str, problem: str) -> None:
    """A key that is missing, short or nameless, and a token that is none, mint nothing."""
    result = headgate("delegate", "create", "x", env={"HEADGATE_KEY": key})

    assert result.exit_code == EXIT_CONFIGURATION and problem in result.stderr


def test_an_own_secret_delegates_with_its_id_named(headgate: Headgate) -> None:
    """A configured secret of any form can be named by `--key`."""
    secret = "x" * 40

    token = headgate(
        "delegate", "create", "y", "--key", "alice", env={"HEADGATE_KEY": secret}
    ).stdout.strip()

    assert verified(token, secret).names == ("y",)


def test_a_chain_is_shown_generation_by_generation(headgate: Headgate) -> None:
    """What is left out reads `as above`; JSON has null there."""
    first = headgate("delegate", "create", "first", "--money", "1").stdout.strip()
    token = headgate(
        "delegate", "create", "second", "--tools", "search", env={"HEADGATE_KEY": first}
    ).stdout.strip()

    shown = headgate("delegate", "show", token).stdout
    views = json.loads(headgate("delegate", "show", token, "--json").stdout)

    assert "From the key alice:" in shown and "as above" in shown
    assert [view["agent"] for view in views] == ["first", "second"]
    assert (views[0]["money"], views[1]["money"]) == ("1.000000000", None)
    assert views[1]["tools"] == ["search"]


def test_revoking_twice_says_so(headgate: Headgate) -> None:
    """A delegation is revoked by its token or its id, once, and the audit chain tells."""
    token = headgate("delegate", "create", "x").stdout.strip()
    found = read(token)
    assert found is not None

    first = headgate("delegate", "revoke", token)
    again = headgate("delegate", "revoke", found.ids[0])

    assert first.exit_code == 0 and found.ids[0] in first.stdout
    assert again.exit_code == EXIT_NO and "revoked already" in again.stderr
    entries = json.loads(headgate("audit", "show", "--json").stdout)
    assert [entry["action"] for entry in entries] == ["delegation.revoked"]
    assert headgate("delegate", "revoke", "nonsense").exit_code == EXIT_NO
