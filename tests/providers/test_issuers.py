"""Issuers: what is asked for a credential, and what is read in the answer."""

import json
from urllib.parse import parse_qs

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.providers.issuers import assume_role, client_credentials, sts, web_identity
from headgate.providers.issuers.registry import issuer_of, issuers
from headgate.providers.issuers.settings import IssuerError, IssuerSettings, checked_endpoint
from headgate.providers.sigv4 import parse_keys
from headgate.units.instants import NANOS_PER_SECOND

NOW_NS = 1_795_670_000 * NANOS_PER_SECOND
KEYS = "AKIDEXAMPLE:wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
ROLE = "arn:aws:iam::123456789012:role/gate"
ANSWER = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
  <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/gate/headgate</Arn></AssumedRoleUser>
  <Credentials>
    <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
    <SecretAccessKey>secret+/=</SecretAccessKey>
    <SessionToken>AQoDYXdzEPT//////////wEX+/==</SessionToken>
    <Expiration>2026-11-26T06:13:20Z</Expiration>
  </Credentials>
</AssumeRoleResult></AssumeRoleResponse>"""


def form(body: bytes) -> dict[str, str]:
    """Return the fields of a form."""
    return {name: value for name, (value,) in parse_qs(body.decode()).items()}


@pytest.mark.parametrize("name", issuers())
def test_each_issuer_says_what_it_takes(name: str) -> None:
    """Every file of the folder is a kind of issuer, with keys that its table has."""
    issuer = issuer_of(name)
    keys = {*IssuerSettings._fields} - {"kind", "ca_file"}

    assert {*issuer.NEEDS, *issuer.TAKES} <= keys
    assert not {*issuer.NEEDS} & {*issuer.TAKES}


def test_a_client_of_entra_asks_its_tenant() -> None:
    """Address and scope are those of Azure's services unless others are given."""
    settings = IssuerSettings(
        "client_credentials", tenant="a b", client_id="gate", secret="s3&cret"
    )
    ask = client_credentials.ask(settings, b"", NOW_NS)

    assert ask.url == "https://login.microsoftonline.com/a%20b/oauth2/v2.0/token"
    assert form(ask.body) == {
        "grant_type": "client_credentials",
        "client_id": "gate",
        "client_secret": "s3&cret",
        "scope": "https://cognitiveservices.azure.com/.default",
    }
    assert "s3" not in repr(ask)
    assert "s3" not in repr(settings)


def test_another_endpoint_of_oauth_is_asked_as_it_wants() -> None:
    """Without a tenant there is no scope but the one that is given."""
    settings = IssuerSettings(
        "client_credentials", endpoint="https://id.example/token", client_id="gate"
    )

    assert "scope" not in form(client_credentials.ask(settings, b"", NOW_NS).body)
    assert (
        form(client_credentials.ask(settings._replace(scope="x"), b"", NOW_NS).body)["scope"] == "x"
    )
    with pytest.raises(IssuerError, match="`tenant` or `endpoint`"):
        client_credentials.ask(settings._replace(endpoint=None), b"", NOW_NS)


def test_a_role_is_asked_for_as_botocore_asks() -> None:
    """The signature is the one that AWS's own library makes over the same request."""
    settings = IssuerSettings("assume_role", role=ROLE, secret=KEYS, region="eu-central-1")
    ask = assume_role.ask(settings, b"", NOW_NS)

    keys = parse_keys(KEYS)
    signer = botocore.auth.SigV4Auth(
        botocore.credentials.Credentials(keys.access_key_id, keys.secret_access_key),
        "sts",
        "eu-central-1",
    )
    request = botocore.awsrequest.AWSRequest(
        "POST", ask.url, {"content-type": ask.headers["content-type"]}, ask.body
    )
    request.context["timestamp"] = ask.headers["x-amz-date"]
    request.headers["X-Amz-Date"] = ask.headers["x-amz-date"]
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)

    assert ask.url == "https://sts.eu-central-1.amazonaws.com/"
    assert form(ask.body)["Action"] == "AssumeRole"
    assert form(ask.body)["RoleArn"] == ROLE
    assert ask.headers["authorization"].endswith(f"Signature={signature}")


def test_a_token_of_a_file_is_the_proof() -> None:
    """It is asked without a signature, with what the file has at that moment."""
    ask = web_identity.ask(
        IssuerSettings("web_identity", role=ROLE, session="gate-1"), b"eyJ.x.y\n", NOW_NS
    )

    fields = form(ask.body)
    assert (fields["WebIdentityToken"], fields["RoleSessionName"]) == ("eyJ.x.y", "gate-1")
    assert "authorization" not in ask.headers
    with pytest.raises(IssuerError, match="no token"):
        web_identity.ask(IssuerSettings("web_identity", role=ROLE), b" \n", NOW_NS)


def test_keys_are_read_with_their_time() -> None:
    """They sign as keys with a session token do, until they expire."""
    issued = sts.read(200, ANSWER, NOW_NS)

    assert issued.credential == "ASIAEXAMPLE:secret+/=:AQoDYXdzEPT//////////wEX+/=="
    assert parse_keys(issued.credential).session_token is not None
    assert 0 < issued.life_s < 86_400
    with pytest.raises(IssuerError, match="expired"):
        sts.read(200, ANSWER, NOW_NS + 86_400 * NANOS_PER_SECOND)


DENIED = b"<Error><Code>AccessDenied</Code><Message>key AKID</Message></Error>"
UNKNOWN = b'{"error":"invalid_client","error_description":"s3"}'
REFUSED = [
    ("assume_role", 403, DENIED, "AccessDenied"),
    ("web_identity", 200, b"<html>", "no keys"),
    ("client_credentials", 401, UNKNOWN, "invalid_client"),
    ("client_credentials", 401, b'{"error":"<script>s3"}', "401"),
    ("client_credentials", 200, b'{"access_token":""}', "no token"),
    ("client_credentials", 200, b"[]", "cannot be read"),
]


@pytest.mark.parametrize(("name", "status", "body", "told"), REFUSED)
def test_a_refusal_is_told_by_its_code_alone(
    name: str, status: int, body: bytes, told: str
) -> None:
    """What else stands in it may be a secret, and is not repeated."""
    with pytest.raises(IssuerError, match=told) as caught:
        issuer_of(name).read(status, body, NOW_NS)

    assert "s3" not in str(caught.value)
    assert "AKID" not in str(caught.value)


@given(st.binary(max_size=300))
def test_no_answer_is_a_bug(body: bytes) -> None:
    """Whatever an endpoint answers is a credential or a refusal."""
    for read in (sts.read, client_credentials.read):
        for status in (200, 400):
            with pytest.raises(IssuerError):
                read(status, body, NOW_NS)


@pytest.mark.parametrize(
    "url", ["http://id.example/token", "ftp://id.example", "https://me:word@id.example", "https://"]
)
def test_secrets_go_nowhere_in_the_clear(url: str) -> None:
    """Plain http is for this machine."""
    with pytest.raises(IssuerError):
        checked_endpoint(url)
    assert checked_endpoint("http://127.0.0.1:1/token")


def test_a_life_that_is_a_text_is_read() -> None:
    """Some endpoints write numbers in quotes."""
    body = json.dumps({"access_token": "t", "expires_in": "60"}).encode()
    assert client_credentials.read(200, body, NOW_NS).life_s == 60
