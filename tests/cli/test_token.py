"""`headgate token`: a key of a service account becomes an access token."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


class TokenServer:
    """Checks signed claims and gives tokens.

    Attributes:
        claims: Those that were signed as they should be.
        status: What it answers with.
    """

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.claims: list[dict[str, Any]] = []
        self.status = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                owner.check(parse_qs(body))
                answer = b'{"access_token":"ya29.token","expires_in":3599}'
                self.send_response(owner.status)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/token"

    def check(self, form: dict[str, list[str]]) -> None:
        """Verify a claim as the endpoint would; it raises when it is not as it should be."""
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        head, claims, signature = form["assertion"][0].split(".")
        self.key.public_key().verify(
            decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        assert json.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
        self.claims.append(json.loads(decoded(claims)))


def decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


@pytest.fixture(scope="module")
def running() -> Iterator[TokenServer]:
    one = TokenServer()
    thread = threading.Thread(target=one.server.serve_forever, daemon=True)
    thread.start()
    yield one
    one.server.shutdown()
    thread.join()
    one.server.server_close()


@pytest.fixture
def endpoint(running: TokenServer) -> TokenServer:
    running.claims.clear()
    running.status = 200
    return running


def key_file(folder: Path, endpoint: TokenServer, **changed: str) -> str:
    path = folder / "account.json"
    account = {
        "type": "service_account",
        "client_email": "gate@project.iam.example",
        "private_key_id": "k1",
        "private_key": pem(endpoint.key),
        "token_uri": endpoint.url,
        **changed,
    }
    path.write_text(json.dumps(account))
    return str(path)


def test_a_signed_claim_is_exchanged_for_a_token(
    headgate: Any, tmp_path: Path, endpoint: TokenServer
) -> None:
    """The token alone is printed, so that the command can be a `credential_command`."""
    result = headgate("token", key_file(tmp_path, endpoint))

    assert (result.exit_code, result.stdout) == (0, "ya29.token\n")
    (claims,) = endpoint.claims
    assert claims["iss"] == "gate@project.iam.example"
    assert claims["aud"] == endpoint.url
    assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
    assert claims["exp"] - claims["iat"] == 3600


def test_an_endpoint_that_refuses_is_told(
    headgate: Any, tmp_path: Path, endpoint: TokenServer
) -> None:
    """The status is named, nothing is printed as a token."""
    endpoint.status = 400
    result = headgate("token", key_file(tmp_path, endpoint))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "answered 400" in result.stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"private_key": "no key"},
        {"private_key": pem(ec.generate_private_key(ec.SECP256R1()))},
        {"token_uri": "file:///etc/passwd"},
        {"token_uri": "http://elsewhere.example/token"},
    ],
)
def test_a_file_that_is_no_key_is_told(
    headgate: Any, tmp_path: Path, endpoint: TokenServer, changed: dict[str, str]
) -> None:
    """No key that cannot sign, and no address a token may not be fetched from, is tried."""
    result = headgate("token", key_file(tmp_path, endpoint, **changed))

    assert result.exit_code == 1
    assert "is no key of a service account" in result.stderr
    assert endpoint.claims == []
