"""`client_credentials`: a token for a client with a secret (RFC 6749, section 4.4).

With `tenant` it is asked for at Entra ID, as services of Azure want it. Source:
https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
"""

from urllib.parse import quote, urlencode

from headgate.providers.grants.settings import (
    FORM,
    Ask,
    Granted,
    GrantError,
    Token,
    checked_endpoint,
    read_oauth,
)

NEEDS = ("client_id", "secret")
TAKES = ("tenant", "endpoint", "scope")

_ENTRA = "https://login.microsoftonline.com"
_SCOPE = "https://cognitiveservices.azure.com/.default"


def ask(token: Token, _file: bytes, _now_ns: int) -> Ask:
    """Return the request; the secret stands in its body.

    Raises:
        GrantError: There is neither `tenant` nor `endpoint`, or that is not https.
    """
    if token.tenant is None and token.endpoint is None:
        raise GrantError("it needs `tenant` or `endpoint`")
    url = token.endpoint or f"{_ENTRA}/{quote(token.tenant or '', safe='')}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": token.client_id or ""}
    scope = token.scope or (_SCOPE if token.tenant is not None else None)
    if scope is not None:
        form["scope"] = scope
    form["client_secret"] = token.secret
    return Ask(checked_endpoint(url), FORM, urlencode(form).encode())


def read(status: int, body: bytes, _now_ns: int) -> Granted:
    """Read the answer.

    Raises:
        GrantError: It grants nothing.
    """
    return read_oauth(status, body)
