"""`[providers.ID]`: how providers are reached."""

from pathlib import Path

from headgate.config.addresses import AddressError, parse_base_url
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.read_compliance import treatment_from
from headgate.config.read_issuers import issuer_from
from headgate.config.read_reach import Network, addresses_from, proxy_from, trust_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes_providers import ProviderShape
from headgate.dial.settings import Trust
from headgate.dialects.registry import spoken_dialects
from headgate.providers.registry import Provider as Kind
from headgate.providers.registry import providers
from headgate.providers.settings import Provider


def providers_from(
    tables: object, network: Network, secrets: SecretReader, base: Path, problems: Problems
) -> dict[str, Provider]:
    """Return the good providers by id."""
    kinds = providers()
    found: dict[str, Provider] = {}
    for name, shape in checked_by_id(tables, "providers", ProviderShape, problems):
        key = f"providers.{name}"
        credential = secrets.read(shape.credential, f"{key}.credential") or ""
        base_url = _base_url(shape, key, problems)
        _check_one(shape, key, problems)
        named = Trust(shape.ca_file, shape.client_cert, shape.client_key)
        trust = trust_from(named, base, key, problems)
        proxy = proxy_from(shape.proxy, shape.proxy_credential, key, secrets, problems)
        addresses = addresses_from(shape, base_url, network, key, problems)
        issuer = issuer_from(shape, base, f"{key}.issuer", secrets, problems)
        treatment = treatment_from(shape, key, problems)
        kind = kinds.get(shape.kind)
        dialects = _dialects(shape, kind, key, problems)
        if kind is None:
            problems.unknown(f"{key}.kind", "kind of provider", shape.kind, kinds)
            continue
        _check_credential(credential, kind, key, problems)
        if shape.prices == "reported" and not getattr(kind, "REPORTS_COST", False):
            problems.add(
                f"{key}.prices",
                f"The replies of a provider of kind {shape.kind!r} do not say what they cost.",
                'Leave it out: `prices = "book"` is meant.',
            )
        found[name] = Provider(
            id=name,
            kind=shape.kind,
            base_url=base_url,
            credential=credential,
            credential_command=shape.credential_command or (),
            credential_refresh_ms=shape.credential_refresh_ms,
            issuer=issuer,
            dialects=dialects,
            seller=shape.seller or kind.seller(base_url) or name,
            prices=shape.prices,
            on_disconnect=shape.on_disconnect,
            limit_field=shape.output_limit_field,
            api_version=shape.api_version,
            region=shape.region,
            treatment=treatment,
            trust=trust,
            proxy=proxy or network.proxy_for(base_url),
            connect_timeout_ms=shape.connect_timeout_ms,
            first_byte_timeout_ms=shape.first_byte_timeout_ms,
            idle_timeout_ms=shape.idle_timeout_ms,
            total_timeout_ms=shape.total_timeout_ms,
            keep_alive_ms=shape.keep_alive_ms,
            addresses=addresses,
        )
    return found


def _check_one(shape: ProviderShape, key: str, problems: Problems) -> None:
    names = ("credential", "credential_command", "issuer")
    given = [name for name in names if getattr(shape, name) is not None]
    for name in given[1:]:
        problems.add(
            f"{key}.{name}",
            f"There is a {given[0]} as well, and only one of the two can count.",
            "Take one of them out.",
        )


def _check_credential(credential: str, kind: Kind, key: str, problems: Problems) -> None:
    if not credential:
        return
    try:
        kind.headers(credential)
    except ValueError as error:
        fix = "Give the credential as the provider issued it, without blanks."
        problems.add(f"{key}.credential", f"It cannot be used: {error}.", fix)


def _base_url(shape: ProviderShape, key: str, problems: Problems) -> str:
    if not shape.base_url:
        return ""
    try:
        return parse_base_url(shape.base_url, allow_plain_http=shape.allow_plain_http)
    except AddressError as error:
        fix = 'Write "https://HOST/PATH".'
        if "Plain http" in str(error):
            fix = "Use https, or write allow_plain_http = true if that network is yours."
        problems.add(f"{key}.base_url", str(error), fix)
        return ""


def _dialects(
    shape: ProviderShape, kind: Kind | None, key: str, problems: Problems
) -> tuple[str, ...]:
    if shape.dialects is None:
        return () if kind is None else kind.NATIVE_DIALECTS
    known = spoken_dialects()
    for dialect in shape.dialects:
        if dialect not in known:
            problems.unknown(f"{key}.dialects", "dialect", dialect, known)
        elif kind is not None and not _speaks(kind, dialect):
            native = ", ".join(kind.NATIVE_DIALECTS)
            problems.add(
                f"{key}.dialects",
                f"A provider of kind {kind.KIND!r} does not speak {dialect!r}.",
                f"It speaks {native}; choose another kind for other dialects.",
            )
    return shape.dialects


def _speaks(kind: Kind, dialect: str) -> bool:
    try:
        kind.path(dialect, "")
    except ValueError:
        return False
    return True
