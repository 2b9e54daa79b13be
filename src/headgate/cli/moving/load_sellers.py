"""Whom the file means: what stands before the slash in its names of models, by kinds of ours."""

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from headgate.providers.registry import providers, setup_of

_NONE: Mapping[str, Any] = MappingProxyType({})


class Part(NamedTuple):
    """A part of an address: the settings and variables that give it, and what it usually is."""

    settings: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    usual: str | None = None


class Seller(NamedTuple):
    """A seller; each of its fields is explained in `sellers.toml`."""

    name: str
    kind: str
    elsewhere: str
    base_url: str
    bases: tuple[str, ...]
    cuts: tuple[str, ...]
    parts: Mapping[str, Part]
    secrets: tuple[str, ...]
    keys: tuple[str, ...]
    command: tuple[str, ...]
    ends: str
    dated: str
    drops: tuple[str, ...]
    plain: tuple[str, ...]
    own: bool


@cache
def sellers() -> Mapping[str, Seller]:
    """Return the sellers that there is a kind of provider for, by name."""
    text = resources.files(__package__).joinpath("sellers.toml").read_text("utf-8")
    return {name: _seller(name, table) for name, table in tomllib.loads(text).items()}


def _seller(name: str, table: Mapping[str, Any]) -> Seller:
    setup = setup_of(providers()[table["kind"]])
    parts = {
        part: Part(tuple(of.get("settings", ())), tuple(of["variables"]), of.get("usual"))
        for part, of in table.get("parts", _NONE).items()
    }
    return Seller(
        name=name,
        kind=table["kind"],
        elsewhere=table.get("elsewhere", table["kind"]),
        base_url=table.get("base_url", setup.base_url),
        bases=tuple(table.get("bases", ())),
        cuts=tuple(table.get("cuts", ())),
        parts=parts,
        secrets=tuple(table.get("secrets", setup.secrets)),
        keys=tuple(table.get("keys", ())),
        command=tuple(table.get("command", ())),
        ends=table.get("ends", ""),
        dated=table.get("dated", table.get("ends", "")),
        drops=tuple(table.get("drops", ())),
        plain=tuple(table.get("plain", ())),
        own=table.get("own", False),
    )


def sold_by(model: str, told: str | None) -> tuple[Seller, str] | None:
    """Return who sells a model and what it is called there; None where that is not known.

    Args:
        model: As the file names it, with a seller before a slash or without.
        told: The seller, where the file says it apart.
    """
    known = sellers()
    name, slash, rest = model.partition("/")
    if told is not None:
        found, bare = known.get(told), rest if name == told else model
    elif slash and name in known:
        found, bare = known[name], rest
    else:
        plain = (
            one for one in known.values() if any(fnmatchcase(model, each) for each in one.plain)
        )
        found, bare = next(plain, None), model
    if found is None:
        return None
    bare = _bare(found, bare)
    return (found, bare) if bare else None


def _bare(seller: Seller, model: str) -> str:
    """Return a name without the parts in front that are no part of it."""
    name, slash, rest = model.partition("/")
    while slash and any(fnmatchcase(name, pattern) for pattern in seller.drops):
        model = rest
        name, slash, rest = model.partition("/")
    return model
