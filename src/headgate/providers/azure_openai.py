"""`azure_openai`: OpenAI's models on Azure, by its `v1` paths or by dated API versions.

Below a base that ends in `/openai/v1` the deployment's name is the `model` of the body. With an
`api_version` of the configuration it stands in the path instead, behind
`/openai/deployments/` (https://learn.microsoft.com/azure/foundry/openai/api-version-lifecycle).
Azure's models have names and prices of their own; `catalog` and `[[prices]]` say which.
"""

from urllib.parse import quote

from headgate.providers import openai_compatible
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.openai_compatible import failure, metered
from headgate.providers.replies import credential_bytes
from headgate.providers.setup import Setup

__all__ = ["failure", "metered"]

KIND = "azure_openai"
NATIVE_DIALECTS = ("openai_chat",)
BATCHES = "azure_batches"
SETUP = Setup(base_url="{AZURE_OPENAI_ENDPOINT}/openai/v1", secrets=("AZURE_OPENAI_API_KEY",))
DEFAULTS = openai_compatible.DEFAULTS
PASSED = openai_compatible.PASSED | {b"apim-request-id", b"x-ms-region"}
PASSED_PREFIXES = openai_compatible.PASSED_PREFIXES

_BASE = "/openai"


def seller(base_url: str) -> None:
    """Return None: data zones, regions and contracts decide the prices, so the owner must."""


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of Chat Completions: of a deployment with an API version, else of `v1`.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    base, query = batch_base(base_path, place.api_version)
    if not query:
        return openai_compatible.path(dialect, base)
    return f"{base}/deployments/{quote(place.model, safe='')}/chat/completions?{query}"


def batch_base(base_path: str, api_version: str | None) -> tuple[str, str]:
    """Return what the paths of files and batches begin with, and the query that they need."""
    base = base_path.rstrip("/")
    if api_version is None:
        return base if base.endswith("/v1") else f"{base}/v1", ""
    if not base.endswith(_BASE):
        base += _BASE
    return base, f"api-version={quote(api_version, safe='')}"


def headers(credential: str) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header that carries the credential: a key, or an access token, which has dots.

    Raises:
        ValueError: The credential cannot stand in a header.
    """
    if "." in credential:
        return ((b"authorization", b"Bearer " + credential_bytes(credential)),)
    return ((b"api-key", credential_bytes(credential)),)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001 - the same for every model
    """Return the newer name: reasoning models know only that, and the others take it too."""
    return "max_completion_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell that one limit is enough: both at once are refused."""
    return False
