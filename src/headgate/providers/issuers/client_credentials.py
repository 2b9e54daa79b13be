"""`client_credentials`: a token for a client with a secret (RFC 6749, section 4.4).

With `tenant` it is asked for at Entra ID, as services of Azure want it. Source:
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

from urllib.parse import quote, urlencode

from headgate.providers.issuers.settings import (
    FORM,
    Ask,
    Issued,
    IssuerError,
    IssuerSettings,
    checked_endpoint,
    read_oauth,
)

NEEDS = ("client_id", "secret")
TAKES = ("tenant", "endpoint", "scope")

_ENTRA = "https://login.microsoftonline.com"
_SCOPE = "https://cognitiveservices.azure.com/.default"


def ask(settings: IssuerSettings, _file: bytes, _now_ns: int) -> Ask:
    """Return the request; the secret stands in its body.

    Raises:
        IssuerError: There is neither `tenant` nor `endpoint`, or that is not https.
    """
    if settings.tenant is None and settings.endpoint is None:
        raise IssuerError("it needs `tenant` or `endpoint`")
    url = settings.endpoint or f"{_ENTRA}/{quote(settings.tenant or '', safe='')}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": settings.client_id or ""}
    scope = settings.scope or (_SCOPE if settings.tenant is not None else None)
    if scope is not None:
        form["scope"] = scope
    form["client_secret"] = settings.secret
    return Ask(checked_endpoint(url), FORM, urlencode(form).encode())


def read(status: int, body: bytes, _now_ns: int) -> Issued:
    """Read the answer.

    Raises:
        IssuerError: Nothing was issued.
    """
    return read_oauth(status, body)
