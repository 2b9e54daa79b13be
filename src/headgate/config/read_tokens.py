"""`[providers.ID.token]`: credentials that are got from whoever issues them."""

from pathlib import Path

from headgate.config.problems import Problems
from headgate.config.secrets import SecretReader
from headgate.config.shapes_providers import ProviderShape, TokenShape
from headgate.providers.grants.registry import Grant, grant_of, grants
from headgate.providers.grants.settings import GrantError, Token


def token_from(
    shape: ProviderShape, base: Path, key: str, secrets: SecretReader, problems: Problems
) -> Token | None:
    """Return how a provider's token is got, None when it has none or it is noted as wrong."""
    token = shape.token
    if token is None:
        return None
    secret = secrets.read(token.secret, f"{key}.secret") or ""
    known = grants()
    if token.grant not in known:
        problems.unknown(f"{key}.grant", "grant", token.grant, known)
        return None
    file = None if token.file is None else base / token.file
    if file is not None and not file.is_file():
        fix = "Name the file that the grant reads."
        problems.add(f"{key}.file", f"There is no file {file}.", fix)
    found = Token(
        grant=token.grant,
        endpoint=token.endpoint,
        file=None if file is None else str(file),
        scope=token.scope,
        tenant=token.tenant,
        client_id=token.client_id,
        secret=secret,
        role=token.role,
        session=token.session,
        region=token.region or shape.region,
    )
    if _has_its_keys(token, grant_of(token.grant), key, problems):
        _check(found, key, problems)
    return found


def _has_its_keys(token: TokenShape, grant: Grant, key: str, problems: Problems) -> bool:
    good = True
    for name in (name for name in token.__struct_fields__ if name != "grant"):
        given = getattr(token, name) is not None
        if name in grant.NEEDS and not given:
            problems.add(f"{key}.{name}", f"The grant {token.grant!r} needs it.", "Write it.")
            good = False
        elif given and name not in grant.NEEDS + grant.TAKES:
            fix = f"Take it out: it takes {', '.join(grant.NEEDS + grant.TAKES)}."
            problems.add(f"{key}.{name}", f"The grant {token.grant!r} has no use for it.", fix)
            good = False
    return good


def _check(token: Token, key: str, problems: Problems) -> None:
    """Try what would be asked, unless that depends on a file, or on a secret that is not read."""
    grant = grant_of(token.grant)
    if "file" in grant.NEEDS or not token.secret:
        return
    try:
        grant.ask(token, b"", 0)
    except GrantError as error:
        problems.add(key, f"Nothing can be asked for: {error}.", "Correct this table.")
