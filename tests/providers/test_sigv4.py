"""AWS's signatures, against its published vectors (aws-c-auth, aws-signing-test-suite/v4)."""

import pytest

from headgate.providers.envelope import Unsigned
from headgate.providers.sigv4 import Keys, parse_keys, sign

AT_NS = 1_440_938_160 * 1_000_000_000
"""2015-08-30T12:36:00Z, the instant of every vector."""

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
FORM = (
    (b"content-type", b"application/x-www-form-urlencoded"),
    (b"content-length", b"13"),
    (
        b"x-amz-content-sha256",
        b"9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
    ),
)
UNRESERVED = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

VECTORS = [
    (
        "post-vanilla",
        "POST",
        "/",
        (),
        b"",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    (
        "post-header-key-sort",
        "POST",
        "/",
        ((b"my-header1", b"value1"),),
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "post-header-value-case",
        "POST",
        "/",
        ((b"my-header1", b"VALUE1"),),
        b"",
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    (
        "post-x-www-form-urlencoded",
        "POST",
        "/",
        FORM,
        b"Param1=value1",
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
    (
        "get-unreserved",
        "GET",
        UNRESERVED,
        (),
        b"",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "get-utf8",
        "GET",
        "/\u1234",
        (),
        b"",
        "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
    ),
    (
        "get-space",
        "GET",
        "/example space/",
        (),
        b"",
        "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
    ),
]


def asked(path: str, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> Unsigned:
    return Unsigned("example.amazonaws.com", path, headers, body, None, AT_NS)


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "signature"),
    [pytest.param(*vector[1:], id=vector[0]) for vector in VECTORS],
)
def test_the_published_requests_are_signed_as_published(
    method: str, path: str, headers: tuple[tuple[bytes, bytes], ...], body: bytes, signature: str
) -> None:
    """Time and signature are those of the suite."""
    keys = Keys("AKIDEXAMPLE", SECRET)

    added = dict(
        sign(keys, asked(path, headers, body), method=method, region="us-east-1", service="service")
    )

    names = b";".join(sorted([b"host", b"x-amz-date", *(name for name, _ in headers)]))
    assert added[b"x-amz-date"] == b"20150830T123600Z"
    assert added[b"authorization"] == (
        b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request,"
        b" SignedHeaders=%b, Signature=%b" % (names, signature.encode())
    )


def test_a_session_token_is_sent_and_signed() -> None:
    """Keys that expire come with a token, which the signature covers."""
    keys = parse_keys(f"AKIDEXAMPLE:{SECRET}:{TOKEN}")

    added = dict(
        sign(keys, asked("/", (), b""), method="GET", region="us-east-1", service="service")
    )

    assert added[b"x-amz-security-token"] == TOKEN.encode()
    assert added[b"authorization"].endswith(
        b"SignedHeaders=host;x-amz-date;x-amz-security-token, "
        b"Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"
    )


@pytest.mark.parametrize(
    "credential", ["AKID:", ":secret", "a:b:c:d", "AKID:a b", "AKID:x\r\ny: z"]
)
def test_what_is_no_pair_of_keys_is_refused(credential: str) -> None:
    """Keys that cannot be right are noticed before they are used."""
    with pytest.raises(ValueError, match="credential"):
        parse_keys(credential)


def test_a_secret_is_not_shown() -> None:
    """What is printed by accident does not give the secret away."""
    assert SECRET not in repr(Keys("AKIDEXAMPLE", SECRET))
