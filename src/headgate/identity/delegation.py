"""Delegation tokens: minted and narrowed offline, verified here; `hgd_<key id>.<root>.<biscuit>`.

The Biscuit (https://doc.biscuitsec.org, format 3) carries a chain of blocks, each signed with a
key that the block before it names, so that whoever holds a token can append to it and nobody can
take away. Its root key pair is derived from a Headgate key, of which the gateway keeps the public
half beside the digest; the token carries it as `root`, so that its holder can append without
asking. Of Biscuit only signatures and facts are used, none of its Datalog.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple

from headgate.identity.facts import Block, parse, render
from headgate.identity.grant import Asked, Delegation, Grant, Link, narrow
from headgate.units import errors
from headgate.units.errors import Refusal

try:
    from biscuit_auth import (
        Biscuit,
        BiscuitBuilder,
        BiscuitValidationError,
        BlockBuilder,
        KeyPair,
        PrivateKey,
        PublicKey,
    )
except ModuleNotFoundError:  # The extra `delegation` is not installed: see `MISSING`.
    CAN_DELEGATE = False
else:
    CAN_DELEGATE = True

PREFIX = b"hgd_"
ROOT_BYTES = 32
TOKEN_BYTES_MAX = 8 << 10
ID_CHARS = 32
"""Of a revocation id, which is a signature: half of the part of it that nobody can vary."""

SECRET_CHARS_MIN = 32
"""A token lets its holder try guesses of the key it came from, so a short one signs none."""

PERSON = b"headgate-grant-1"
"""Sets this use of BLAKE2b (RFC 7693) apart from all others."""

MISSING = "This gateway lacks a package for delegations: pip install 'headgate[delegation]'."


class Read(NamedTuple):
    """What a token says: whose key it names, its blocks and their delegation ids."""

    key: str
    blocks: tuple[Block, ...]
    ids: tuple[str, ...]


def _seed(key: str) -> bytes:
    return hashlib.blake2b(key.encode(), person=PERSON, digest_size=32).digest()


def _root(key: str) -> "KeyPair":
    return KeyPair.from_private_key(PrivateKey(f"ed25519-private/{_seed(key).hex()}"))


def public_root(key: str) -> bytes | None:
    """Return the public half of the key pair a key signs with; None when it can sign none."""
    if not CAN_DELEGATE or len(key) < SECRET_CHARS_MIN:
        return None
    return bytes(_root(key).public_key.to_bytes())


def mint(key: str, key_id: str, asked: Asked) -> str:
    """Return the token of a key's child.

    Raises:
        ValueError: Something in `asked` is not of the documented form.
    """
    pair = _root(key)
    token = BiscuitBuilder(render(Block(asked, key_id))).build(pair.private_key)
    return _text(key_id, bytes(pair.public_key.to_bytes()), token)


def append(token: str, asked: Asked) -> str:
    """Return the token of a token's child.

    Raises:
        ValueError: Something in `asked`, or the token, is not of the documented form.
    """
    key_id, root, body = split(token.encode())
    parent = _verified(body, root)
    if parent is None:
        raise ValueError("this is no delegation token, or it was altered")
    return _text(key_id, root, parent.append(BlockBuilder(render(Block(asked, None)))))


def _text(key_id: str, root: bytes, token: "Biscuit") -> str:
    signer = base64.urlsafe_b64encode(root).decode().rstrip("=")
    return f"{PREFIX.decode()}{key_id}.{signer}.{token.to_base64().rstrip('=')}"


class Parts(NamedTuple):
    """A token taken apart; `root` is empty when it is not of this form."""

    key: str
    root: bytes
    body: str


def split(token: bytes) -> Parts:
    """Return the id of the key a token came from, its root, and the Biscuit in base64."""
    *names, signer, body = ("", "", *token[len(PREFIX) :].decode("latin-1").rsplit(".", 2))
    try:
        root = base64.urlsafe_b64decode(signer + "=" * (-len(signer) % 4))
    except (binascii.Error, ValueError):
        root = b""
    return Parts(names[-1], root if len(root) == ROOT_BYTES else b"", body)


def verify(token: bytes, root: bytes | None, above: Grant) -> Delegation | Refusal:
    """Return a token's chain, or why it is none that can be used.

    Args:
        token: As the client sent it.
        root: Public half of the pair its key signs with, None when that key signs none.
        above: What the key itself may do.
    """
    if not CAN_DELEGATE:
        return Refusal(errors.DELEGATION_INVALID, MISSING)
    if len(token) > TOKEN_BYTES_MAX:
        message = f"A delegation token may have {TOKEN_BYTES_MAX} bytes."
        return Refusal(errors.DELEGATION_TOO_LARGE, message)
    key_id, signer, body = split(token)
    if root is None:
        message = f"The key {key_id!r} cannot delegate: it is too short, or older than delegation."
        return Refusal(errors.DELEGATION_INVALID, message)
    if signer and signer != root:
        message = f"This token comes from another key {key_id!r} than this gateway's."
        return Refusal(errors.DELEGATION_FOREIGN, message)
    found = _verified(body, root)
    if found is None:
        message = "This token is cut short or was altered: its signatures do not fit."
        return Refusal(errors.DELEGATION_INVALID, message)
    blocks = _blocks(found)
    if isinstance(blocks, str):
        message = f"This gateway does not understand all of this token: {blocks[:100]!r}."
        return Refusal(errors.DELEGATION_UNKNOWN, message)
    if blocks[0].key != key_id or any(block.key is not None for block in blocks[1:]):
        return Refusal(errors.DELEGATION_INVALID, "This token names another key than its own.")
    return _chain(blocks, _ids(found), above)


def _chain(blocks: tuple[Block, ...], ids: tuple[str, ...], above: Grant) -> Delegation | Refusal:
    links: list[Link] = []
    for block, delegation_id in zip(blocks, ids, strict=True):
        grant = narrow(above, block.asked)
        if isinstance(grant, Refusal):
            return grant
        links.append(Link(delegation_id, block.asked, grant))
        above = grant
    return Delegation(tuple(links))


def read(token: str) -> Read | None:
    """Return what a token says, if it is whole by its own root; None when it cannot be read.

    Only a gateway knows whether that root is of a key of its own.
    """
    key_id, root, body = split(token.encode())
    found = _verified(body, root)
    blocks = "" if found is None else _blocks(found)
    return None if found is None or isinstance(blocks, str) else Read(key_id, blocks, _ids(found))


def _verified(body: str, root: bytes) -> "Biscuit | None":
    if not body or not root:
        return None
    try:
        return Biscuit.from_base64(body, PublicKey(f"ed25519/{root.hex()}"))
    except (BiscuitValidationError, ValueError):
        return None


def _blocks(token: "Biscuit") -> tuple[Block, ...] | str:
    """Return the blocks, or the first line that is not understood."""
    blocks: list[Block] = []
    for at in range(token.block_count()):
        if token.block_external_key(at) is not None:
            return f"block {at} of a third party"
        block = parse(token.block_source(at) or "")
        if isinstance(block, str):
            return block
        blocks.append(block)
    return tuple(blocks)


def _ids(token: "Biscuit") -> tuple[str, ...]:
    return tuple(each[:ID_CHARS] for each in token.revocation_ids)
