"""The issuers that lie in this folder, and what each one must offer."""

import importlib
import pkgutil
from typing import Protocol, cast

import headgate.providers.issuers
from headgate.providers.issuers.settings import Ask, Issued, IssuerSettings

_NO_ISSUERS = frozenset({"registry", "settings", "sts"})


class Issuer(Protocol):
    """What every module of an issuer offers.

    Attributes:
        NEEDS: The keys that its table has to have.
        TAKES: Those it may have as well.
    """

    NEEDS: tuple[str, ...]
    TAKES: tuple[str, ...]

    def ask(self, settings: IssuerSettings, file: bytes, now_ns: int, /) -> Ask:
        """Return the request for a credential; `file` is what the configured file has now.

        Raises:
            IssuerError: What is configured, or the file, is of no use.
        """

    def read(self, status: int, body: bytes, now_ns: int, /) -> Issued:
        """Read the answer.

        Raises:
            IssuerError: Nothing was issued.
        """


def issuers() -> tuple[str, ...]:
    """Return the names of all kinds."""
    found = (info.name for info in pkgutil.iter_modules(headgate.providers.issuers.__path__))
    return tuple(sorted(name for name in found if name not in _NO_ISSUERS))


def issuer_of(name: str) -> Issuer:
    """Return an issuer; only the one that is used is loaded, for one needs a large package."""
    assert name in issuers(), name
    return cast(Issuer, importlib.import_module(f"{headgate.providers.issuers.__name__}.{name}"))
