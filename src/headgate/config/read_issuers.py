"""`[providers.ID.issuer]`: credentials that are got from whoever issues them."""

from pathlib import Path

from headgate.config.problems import Problems
from headgate.config.read_reach import trust_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes_providers import IssuerShape, ProviderShape
from headgate.dial.settings import Trust
from headgate.providers.issuers.registry import Issuer, issuer_of, issuers
from headgate.providers.issuers.settings import IssuerError, IssuerSettings

ANY_KIND = frozenset({"kind", "ca_file"})
"""The keys that every kind of issuer has."""


def issuer_from(
    shape: ProviderShape, base: Path, key: str, secrets: SecretReader, problems: Problems
) -> IssuerSettings | None:
    """Return who issues a provider's credential, None for nobody or when it is noted as wrong."""
    given = shape.issuer
    if given is None:
        return None
    secret = secrets.read(given.secret, f"{key}.secret") or ""
    known = issuers()
    if given.kind not in known:
        problems.unknown(f"{key}.kind", "kind of issuer", given.kind, known)
    file = None if given.file is None else base / given.file
    if file is not None and not file.is_file():
        fix = "Name the file that it reads."
        problems.add(f"{key}.file", f"There is no file {file}.", fix)
    found = IssuerSettings(
        kind=given.kind,
        endpoint=given.endpoint,
        file=None if file is None else str(file),
        scope=given.scope,
        tenant=given.tenant,
        client_id=given.client_id,
        secret=secret,
        role=given.role,
        session=given.session,
        region=given.region or shape.region,
        ca_file=trust_from(Trust(given.ca_file), base, key, problems).ca_file,
    )
    if given.kind in known and _has_its_keys(given, issuer_of(given.kind), key, problems):
        _check(found, key, problems)
    return found


def _has_its_keys(shape: IssuerShape, issuer: Issuer, key: str, problems: Problems) -> bool:
    good = True
    for name in (name for name in shape.__struct_fields__ if name not in ANY_KIND):
        given = getattr(shape, name) is not None
        if name in issuer.NEEDS and not given:
            problems.add(f"{key}.{name}", f"An issuer of {shape.kind!r} needs it.", "Write it.")
            good = False
        elif given and name not in issuer.NEEDS + issuer.TAKES:
            fix = f"Take it out: it takes {', '.join(issuer.NEEDS + issuer.TAKES)}."
            problems.add(f"{key}.{name}", f"An issuer of {shape.kind!r} has no use for it.", fix)
            good = False
    return good


def _check(settings: IssuerSettings, key: str, problems: Problems) -> None:
    """Try what would be asked, unless that depends on a file, or on a secret that is not read."""
    issuer = issuer_of(settings.kind)
    if "file" in issuer.NEEDS or not settings.secret:
        return
    try:
        issuer.ask(settings, b"", 0)
    except IssuerError as error:
        problems.add(key, f"Nothing can be asked for: {error}.", "Correct this table.")
