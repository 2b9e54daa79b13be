"""The grants that lie in this folder, and what each one must offer."""

import importlib
import pkgutil
from typing import Protocol, cast

import headgate.providers.grants
from headgate.providers.grants.settings import Ask, Granted, Token

_NO_GRANTS = frozenset({"registry", "settings", "sts"})


class Grant(Protocol):
    """What every module of a grant offers.

    Attributes:
        NEEDS: The keys that a token's table has to have.
        TAKES: Those it may have as well.
    """

    NEEDS: tuple[str, ...]
    TAKES: tuple[str, ...]

    def ask(self, token: Token, file: bytes, now_ns: int, /) -> Ask:
        """Return the request for a token; `file` is what the token's file has now.

        Raises:
            GrantError: What is configured, or the file, is of no use.
        """

    def read(self, status: int, body: bytes, now_ns: int, /) -> Granted:
        """Read the answer.

        Raises:
            GrantError: It grants nothing.
        """


def grants() -> tuple[str, ...]:
    """Return the names of all grants."""
    found = (info.name for info in pkgutil.iter_modules(headgate.providers.grants.__path__))
    return tuple(sorted(name for name in found if name not in _NO_GRANTS))


def grant_of(name: str) -> Grant:
    """Return a grant; only the one that is used is loaded, for one needs a large package."""
    assert name in grants(), name
    return cast(Grant, importlib.import_module(f"{headgate.providers.grants.__name__}.{name}"))
