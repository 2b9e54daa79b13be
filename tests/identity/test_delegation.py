"""Real tokens: what is refused and with which code, and that only whoever holds one appends."""

import base64
import hashlib
from collections.abc import Callable

import pytest
from biscuit_auth import Biscuit, BiscuitBuilder, BlockBuilder, KeyPair, PrivateKey, PublicKey
from hypothesis import given
from hypothesis import strategies as st

from headgate.identity.delegation import (
    TOKEN_BYTES_MAX,
    append,
    mint,
    public_root,
    read,
    split,
    verify,
)
from headgate.identity.directory import Credential, Directory
from headgate.identity.facts import NANOS_MAX, Block, parse, render
from headgate.identity.grant import Asked, Delegation, Grant
from headgate.identity.keys import digest
from headgate.units import errors
from headgate.units.errors import Code, Refusal

KEY = "hg_alice_0123456789abcdef0123456789abcdef"
OTHER = KEY[:-1] + "0"
ROOT = public_root(KEY)
UNTIL_NS = 1_800_000_000_000_000_000
CHILD = Asked("reviewer", models=frozenset({"fast"}), money_nanos=2_000_000_000, depth=2)


def pair() -> KeyPair:
    """Return the pair that `KEY` signs with, as a stranger gets it who reads the documentation."""
    seed = hashlib.blake2b(KEY.encode(), person=b"headgate-grant-1", digest_size=32)
    return KeyPair.from_private_key(PrivateKey(f"ed25519-private/{seed.hexdigest()}"))


def token_of(biscuit: Biscuit, key: str = "alice") -> str:
    root = base64.urlsafe_b64encode(bytes(pair().public_key.to_bytes())).decode().rstrip("=")
    return f"hgd_{key}.{root}.{biscuit.to_base64()}"


def signed(source: str, key: str = "alice") -> str:
    return token_of(BiscuitBuilder(source).build(pair().private_key), key)


def opened(token: str) -> Biscuit:
    _, root, body = split(token.encode())
    return Biscuit.from_base64(body, PublicKey(f"ed25519/{root.hex()}"))


def verified(token: str, above: Grant | None = None) -> Delegation | Refusal:
    return verify(token.encode(), ROOT, above or Grant())


def code(token: str, above: Grant | None = None) -> Code:
    refusal = verified(token, above)
    assert isinstance(refusal, Refusal), refusal
    return refusal.code


def test_a_chain_is_read_from_the_keys_child_down() -> None:
    """A grandchild has what every generation above left it, and is known by all their ids."""
    child = mint(KEY, "alice", CHILD)

    found = verified(append(child, Asked("helper", until_ns=UNTIL_NS)))

    assert isinstance(found, Delegation)
    assert found.names == ("reviewer", "helper")
    assert found.grant == Grant(frozenset({"fast"}), None, UNTIL_NS, 2_000_000_000, 1)
    above = verified(child)
    assert isinstance(above, Delegation) and found.ids[0] == above.ids[0] != found.ids[1]


def altered(token: str) -> str:
    """Return the token with one byte of its first block changed."""
    key_id, root, body = token.rsplit(".", 2)
    raw = bytearray(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    raw[raw.index(b"reviewer")] ^= 1
    return f"{key_id}.{root}.{base64.urlsafe_b64encode(raw).decode()}"


def third_party(token: str) -> str:
    biscuit, stranger = opened(token), KeyPair()
    block = biscuit.third_party_request().create_block(
        stranger.private_key, BlockBuilder('agent("x")')
    )
    return token_of(biscuit.append_third_party(stranger.public_key, block))


MINTED = mint(KEY, "alice", CHILD)
REFUSED: dict[str, tuple[Callable[[], str], Code]] = {
    "altered": (lambda: altered(MINTED), errors.DELEGATION_INVALID),
    "cut short": (lambda: MINTED[:-20], errors.DELEGATION_INVALID),
    "no token": (lambda: "hgd_", errors.DELEGATION_INVALID),
    "not base64": (lambda: MINTED.rpartition(".")[0] + ".%%%", errors.DELEGATION_INVALID),
    "of another gateway's key": (lambda: mint(OTHER, "alice", CHILD), errors.DELEGATION_FOREIGN),
    "of another key's name": (lambda: signed('key("bob"); agent("a")'), errors.DELEGATION_INVALID),
    "too large": (lambda: MINTED + "A" * TOKEN_BYTES_MAX, errors.DELEGATION_TOO_LARGE),
    "an unknown fact": (
        lambda: signed('key("alice"); agent("a"); admin(true)'),
        errors.DELEGATION_UNKNOWN,
    ),
    "a fact of another form": (
        lambda: signed('key("alice"); agent("a"); money("5")'),
        errors.DELEGATION_UNKNOWN,
    ),
    "a fact told twice": (
        lambda: signed('key("alice"); agent("a"); money(5); money(6)'),
        errors.DELEGATION_UNKNOWN,
    ),
    "less than nothing": (
        lambda: signed('key("alice"); agent("a"); money(-5)'),
        errors.DELEGATION_UNKNOWN,
    ),
    "a rule": (
        lambda: signed('key("alice"); agent("a"); money($x) <- key($x)'),
        errors.DELEGATION_UNKNOWN,
    ),
    "a check": (
        lambda: signed('key("alice"); agent("a"); check if agent("a")'),
        errors.DELEGATION_UNKNOWN,
    ),
    "no agent": (lambda: signed('key("alice")'), errors.DELEGATION_UNKNOWN),
    "a line within a name": (
        lambda: token_of(
            BiscuitBuilder('key("alice"); agent({a})', {"a": 'a");\nmoney(5);\nagent("b'}).build(
                pair().private_key
            )
        ),
        errors.DELEGATION_UNKNOWN,
    ),
    "a block of a third party": (lambda: third_party(MINTED), errors.DELEGATION_UNKNOWN),
    "a key named again": (
        lambda: token_of(opened(MINTED).append(BlockBuilder('key("alice"); agent("a")'))),
        errors.DELEGATION_INVALID,
    ),
    "more money": (
        lambda: append(MINTED, Asked("a", money_nanos=2_000_000_001)),
        errors.DELEGATION_WIDENED,
    ),
    "more models": (
        lambda: append(MINTED, Asked("a", models=frozenset({"fast", "deep"}))),
        errors.DELEGATION_WIDENED,
    ),
    "too deep": (
        lambda: append(append(append(MINTED, Asked("a")), Asked("b")), Asked("c")),
        errors.DELEGATION_TOO_DEEP,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_tokens_are_refused_with_their_code(name: str) -> None:
    """Whatever is wrong with a token has a code of its own kind."""
    token, wanted = REFUSED[name]

    assert code(token()) is wanted


def test_a_child_has_no_more_models_than_its_key() -> None:
    """The first child is measured against the key itself."""
    assert code(MINTED, Grant(models=frozenset({"careful"}))) is errors.DELEGATION_WIDENED


def test_a_key_that_can_be_guessed_signs_nothing() -> None:
    """A short secret has no root: its tokens would let their holders try guesses of it."""
    assert public_root("a-secret-of-bob") is None
    refusal = verify(MINTED.encode(), None, Grant())
    assert isinstance(refusal, Refusal) and refusal.code is errors.DELEGATION_INVALID


def test_reading_needs_no_gateway() -> None:
    """Anybody can read a whole token; an altered one cannot be read."""
    found = read(MINTED)

    assert found is not None and found.key == "alice"
    assert [block.asked for block in found.blocks] == [CHILD]
    assert read(altered(MINTED)) is None and read("hgd_x") is None


NAMES = st.frozensets(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True), max_size=3)
ASKED = st.builds(
    Asked,
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True),
    st.none() | NAMES,
    st.none() | NAMES,
    st.none() | st.integers(0, 4_000_000_000).map(lambda seconds: seconds * 1_000_000_000),
    st.none() | st.integers(0, NANOS_MAX),
    st.none() | st.integers(0, 8),
)


@given(ASKED)
def test_what_is_asked_is_what_is_read(asked: Asked) -> None:
    """Facts survive being written, and being signed, serialised and printed by the library."""
    assert parse(render(Block(asked, "alice"))) == Block(asked, "alice")
    found = read(mint(KEY, "alice", asked))
    assert found is not None and found.blocks == (Block(asked, "alice"),)


@pytest.mark.parametrize("name", ['a"b', "", "a b", "a\nb", "-a", "a" * 65])
def test_names_of_another_form_are_not_written(name: str) -> None:
    """Nothing is minted that a gateway would not understand."""
    with pytest.raises(ValueError, match="not a fact"):
        mint(KEY, "alice", Asked(name))


def directory(until_ns: int | None = None) -> Directory:
    made = Directory(b"pepper")
    alice = Credential("alice", "alice", "research", None, until_ns=until_ns)
    made.add(KEY.encode(), alice, ROOT)
    return made


def code_of(known: Directory, token: bytes) -> Code | None:
    """Return the code that somebody is refused with, None for a stranger."""
    refusal = known.why_not(token)
    return None if refusal is None else refusal.code


def test_a_directory_finds_who_sends_a_token() -> None:
    """A token's caller is its key's principal, narrowed, with its chain."""
    found = directory().find(MINTED.encode())

    assert found is not None and found.delegation is not None
    assert (found.principal, found.models) == ("alice", frozenset({"fast"}))
    assert not found.may_use("careful")


def test_revoking_one_refuses_it_and_its_descendants_alone() -> None:
    """A revoked delegation, met before or not, and its children are nobody; its sibling is not."""
    known = directory()
    child, sibling = append(MINTED, Asked("a")), append(MINTED, Asked("b"))
    grandchild = append(child, Asked("c"))
    for token in (child, sibling):
        assert known.find(token.encode()) is not None
    found = read(child)
    assert found is not None

    known.revoke(frozenset({found.ids[-1]}))

    assert known.find(child.encode()) is None and known.find(grandchild.encode()) is None
    assert code_of(known, grandchild.encode()) is errors.DELEGATION_REVOKED
    assert known.find(sibling.encode()) is not None and known.find(MINTED.encode()) is not None


def test_a_key_takes_all_its_descendants_along() -> None:
    """When a key goes, what it delegated is of no key of this gateway any more."""
    known = directory()
    token = append(MINTED, Asked("a")).encode()
    assert known.find(token) is not None

    known.remove_digest(digest(b"pepper", KEY.encode()))

    assert known.find(token) is None
    assert code_of(known, token) is errors.DELEGATION_FOREIGN


def test_an_ended_delegation_is_told_when_it_ended() -> None:
    """The directory has no clock; whoever has one asks why, and is told."""
    token = append(MINTED, Asked("a", until_ns=UNTIL_NS)).encode()
    found = directory().find(token)

    assert found is not None and found.until_ns == UNTIL_NS
    assert code_of(directory(), token) is errors.DELEGATION_EXPIRED


@pytest.mark.parametrize("own_ns", [None, UNTIL_NS, UNTIL_NS + 1_000_000_000])
def test_a_delegation_ends_no_later_than_its_key(own_ns: int | None) -> None:
    """One that says it lasts longer is no wider for it, and is told that its key has ended."""
    known = directory(until_ns=UNTIL_NS)
    token = append(MINTED, Asked("a", until_ns=own_ns)).encode()

    found = known.find(token)
    refusal = known.why_not(token)

    assert found is not None and found.until_ns == UNTIL_NS
    assert not found.ended(UNTIL_NS - 1) and found.ended(UNTIL_NS)
    assert refusal is not None and refusal.code is errors.DELEGATION_EXPIRED
    assert refusal.message.startswith("The key of this delegation ended at ")


def test_a_delegation_that_ends_before_its_key_is_told_its_own_end() -> None:
    """What ended is what has to be asked for anew."""
    known = directory(until_ns=UNTIL_NS + 1_000_000_000)
    token = append(MINTED, Asked("a", until_ns=UNTIL_NS)).encode()

    found, refusal = known.find(token), known.why_not(token)

    assert found is not None and found.until_ns == UNTIL_NS
    assert refusal is not None and refusal.message.startswith("This delegation ended at ")


def test_an_ended_key_is_told_to_who_has_it_alone() -> None:
    """Another key, however near, is nobody's; what stood below it does not stand any more."""
    known = directory(until_ns=UNTIL_NS)

    assert code_of(known, KEY.encode()) is errors.KEY_EXPIRED
    assert known.why_not(KEY.encode() + b"x") is None
    assert known.stands("alice", (), UNTIL_NS - 1) and not known.stands("alice", (), UNTIL_NS)
    assert not known.stands("bob", (), 0)


def test_a_key_that_is_told_of_with_another_end_has_that() -> None:
    """Whoever met it before, and all that descends from it, is looked up anew."""
    known = directory()
    for token in (KEY, MINTED):
        found = known.find(token.encode())
        assert found is not None and found.until_ns is None

    ending = Credential("alice", "alice", "research", None, until_ns=UNTIL_NS)
    known.add(KEY.encode(), ending, ROOT)

    for token in (KEY, MINTED):
        found = known.find(token.encode())
        assert found is not None and found.until_ns == UNTIL_NS
