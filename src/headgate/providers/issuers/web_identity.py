"""`web_identity`: keys of AWS for a while, for a token in a file (`AssumeRoleWithWebIdentity`).

Kubernetes writes such files and renews them: `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN` say
where and for whom. Source:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html.
"""

from headgate.providers.issuers import sts
from headgate.providers.issuers.settings import Ask, IssuerError, IssuerSettings
from headgate.providers.issuers.sts import read

__all__ = ["read"]

NEEDS = ("role", "file")
TAKES = ("session", "region", "endpoint")


def ask(settings: IssuerSettings, file: bytes, _now_ns: int) -> Ask:
    """Return the request; the file's token is its proof.

    Raises:
        IssuerError: The file has no token.
    """
    proof = file.strip()
    if not proof or not proof.isascii():
        raise IssuerError("the file has no token")
    body = sts.form("AssumeRoleWithWebIdentity", settings, WebIdentityToken=proof.decode())
    return Ask(sts.endpoint_of(settings), {"content-type": sts.TYPE}, body)
