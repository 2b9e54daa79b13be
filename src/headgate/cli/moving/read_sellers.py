"""`litellm_params` of an entry, as far as they say where it is asked: providers, each one once."""

import re
from decimal import Decimal
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from headgate.cli.moving.drafts import Provider
from headgate.cli.moving.load_sellers import Seller, sellers
from headgate.cli.moving.tables import Table, variable_of
from headgate.config.addresses import AddressError, is_loopback, parse_base_url
from headgate.dial.scope import is_permitted
from headgate.providers.registry import providers, setup_of

NO_SECRETS: Final = frozenset(
    ("none", "null", "na", "n/a", "empty", "dummy", "fake", "fake-key", "not-needed", "anything")
)
"""What people write where a server of their own asks for no key, and the file wants one."""
_SIGNS: Final = re.compile(r"[^A-Za-z0-9]+")
_BY_HAND: Final = "Write its address into [providers.ID] by hand, or correct it and run this again."


class Credential(NamedTuple):
    """Where a credential is: in a variable, or made by a command.

    Attributes:
        secret: One that stood in the file; it tells providers apart and goes nowhere else.
    """

    variable: str | None = None
    command: tuple[str, ...] = ()
    secret: str | None = None

    def __repr__(self) -> str:
        return f"Credential(variable={self.variable!r}, command={self.command!r})"


class _Place(NamedTuple):
    """What tells providers apart."""

    kind: str
    base_url: str
    api_version: str | None
    credential: Credential


class Providers:
    """The providers that entries need, each of them once.

    Args:
        taken: Variables that the file refers to, which stand for nothing else.
    """

    def __init__(self, taken: frozenset[str]) -> None:
        self._taken = taken
        self._by_place: dict[_Place, Provider] = {}

    def all(self) -> tuple[Provider, ...]:
        """Return them in the order of their first entries."""
        return tuple(self._by_place.values())

    def of(self, seller: Seller, params: Table) -> Provider | None:
        """Return the provider of an entry; None where it cannot be written, which is noted."""
        version = params.text("api_version") if seller.dated != seller.ends else None
        named = params.has("api_base") or params.has("base_url")
        base = params.text("api_base") or params.text("base_url")
        if base is None and named:
            # Noted: nothing of it may go to the address that the seller usually has.
            return None
        base = base or _usual_base(seller, params)
        url = _own_url(seller, params) if base is None else _ended(seller, base, version)
        if url is None or not _usable(url, params):
            return None
        own = base is None or urlsplit(seller.base_url).hostname == urlsplit(url).hostname
        kind = seller.kind if own else seller.elsewhere
        credential = _credential(seller, params, elsewhere=kind != seller.kind)
        place = _Place(kind, url.rstrip("/"), version, credential)
        if place not in self._by_place:
            self._by_place[place] = self._made(seller, place)
        return self._by_place[place]

    def _made(self, seller: Seller, place: _Place) -> Provider:
        base = seller.name.replace("_", "-")
        ids = {provider.id for provider in self._by_place.values()}
        names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(ids) + 2))
        name = next(name for name in names if name not in ids)
        secret, variable = place.credential.secret, place.credential.variable
        if secret is not None:
            variable = self._free_variable(f"{_SIGNS.sub('_', name).upper()}_API_KEY")
        host = urlsplit(place.base_url).hostname or ""
        return Provider(
            id=name,
            named=seller.name,
            kind=place.kind,
            base_url=place.base_url,
            variable=variable,
            literal=secret is not None,
            command=place.credential.command,
            api_version=place.api_version,
            plain_http=place.base_url.startswith("http:") and not is_loopback(host),
            own=seller.own,
        )

    def _free_variable(self, name: str) -> str:
        others = {one.variable for one in self._by_place.values()} | self._taken
        # An entry that names no key may come to mean one of these.
        others |= {variable for seller in sellers().values() for variable in seller.secrets}
        while name in others:
            name = f"MOVED_{name}"
        return name


def _usual_base(seller: Seller, params: Table) -> str | None:
    found = (params.environ.get(name, "").strip() for name in seller.bases)
    return next((base for base in found if base), None)


def _own_url(seller: Seller, params: Table) -> str | None:
    """Return the address that a seller is at; None where a part of it is not known."""
    if not seller.base_url:
        why = "It names no address, and there is none that it always has."
        params.note("api_base", why, _BY_HAND)
        return None
    parts: dict[str, str] = {}
    for name, part in seller.parts.items():
        named = any(params.has(setting) for setting in part.settings)
        told = [params.text(setting) for setting in part.settings]
        if named and not any(told):
            # Noted: what usually stands there is not what is meant.
            return None
        told += [params.environ.get(variable, "").strip() for variable in part.variables]
        found = next((each for each in (*told, part.usual) if each), None)
        if found is None or not re.fullmatch(r"[A-Za-z0-9._-]+", found):
            why = f"The address of {seller.name} has a part that is not said: {name}."
            params.note(part.settings[0], why, f"Export {part.variables[0]} and run this again.")
            return None
        parts[name] = found
    return seller.base_url.format(**parts)


def _ended(seller: Seller, base: str, version: str | None) -> str:
    """Return an address of the file as it stands in `base_url`."""
    base = base.rstrip("/")
    for cut in seller.cuts:
        base = base.removesuffix(cut)
    end = seller.ends if version is None else seller.dated
    if not end:
        return base
    scheme, slashes, rest = base.partition("://")
    host, slash, path = rest.partition("/")
    first = end.split("/")[1]
    kept = f"{slash}{path}".partition(f"/{first}")[0]
    return f"{scheme}{slashes}{host}{kept}{end}"


def _usable(url: str, params: Table) -> bool:
    try:
        parse_base_url(url, allow_plain_http=True)
    except AddressError:
        params.note("api_base", "Its address is none that can be called.", _BY_HAND)
        return False
    if not is_permitted(urlsplit(url).hostname or "", "routable"):
        why = "Its address is this machine's link alone, where clouds hand out credentials."
        params.note("api_base", why, 'Write it by hand, with addresses = "any", if it is meant.')
        return False
    return True


def _credential(seller: Seller, params: Table, *, elsewhere: bool) -> Credential:
    parts = [params.take(key) for key in seller.keys]
    told = params.take("api_key") or params.take("azure_ad_token")
    if isinstance(told, int | Decimal) and not isinstance(told, bool):
        told = str(told)
    if isinstance(told, str) and (name := variable_of(told)) is not None:
        return Credential(name)
    if isinstance(told, str) and told.strip().lower() not in NO_SECRETS and told.strip():
        return Credential(secret=told.strip())
    if any(parts):
        return _of_parts(seller, params, parts)
    if seller.command:
        return Credential(command=seller.command)
    if told is not None:
        return Credential()
    return _usual_credential(seller, params, elsewhere=elsewhere)


def _usual_credential(seller: Seller, params: Table, *, elsewhere: bool) -> Credential:
    """Return the credential that is used where the file names none."""
    if elsewhere and seller.secrets:
        why = f"It names no api_key, so {seller.secrets[0]} was sent to another address."
        fix = "If it wants one, give the provider a `credential`; none is sent here."
        params.note("api_key", why, fix)
        return Credential()
    setup = setup_of(providers()[seller.kind])
    named = next((one for one in seller.secrets if params.environ.get(one, "").strip()), None)
    if named is None and setup.command:
        return Credential(command=setup.command)
    return Credential(named or next(iter(seller.secrets), None))


def _of_parts(seller: Seller, params: Table, parts: list[object]) -> Credential:
    """Return a credential of several parts, as a command that puts them together."""
    names = [variable_of(part) for part in parts if part]
    if all(names) and len(names) >= 2:
        text = ":".join(f"${name}" for name in names)
        return Credential(command=("sh", "-c", f'echo "{text}"'))
    usual = setup_of(providers()[seller.kind])
    params.note(
        seller.keys[0],
        "A secret stands in the file, and is not copied.",
        f"Export {' and '.join(usual.parts)} instead.",
    )
    return Credential(command=usual.command)
