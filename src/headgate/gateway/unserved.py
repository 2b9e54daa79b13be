"""What providers' APIs have beside what is served here, so that whoever asks is told by name.

None of it is passed on: what it spends could not be held, and what it keeps or shows is the
account's, whoever of its users asks.
"""

from typing import Final

from headgate.units import errors
from headgate.units.errors import Refusal

_BELOW: Final = {
    "/v1/agents": "Agents",
    "/v1/assistants": "Assistants",
    "/v1/audio/voice_consents": "Voices",
    "/v1/audio/voices": "Voices",
    "/v1/auth_tokens": "Tokens for clients",
    "/v1/batches": "Batches",
    "/v1/cachedContents": "Cached contents",
    "/v1/chat/completions": "Chat completions kept by the provider",
    "/v1/chatkit": "ChatKit",
    "/v1/complete": "Text Completions",
    "/v1/completions": "Completions",
    "/v1/containers": "Containers",
    "/v1/content_provenance_checks": "Content provenance",
    "/v1/conversations": "Conversations",
    "/v1/corpora": "Corpora",
    "/v1/deployment_runs": "Agents",
    "/v1/deployments": "Agents",
    "/v1/dreams": "Agents",
    "/v1/environments": "Agents",
    "/v1/evals": "Evals",
    "/v1/fileSearchStores": "File search stores",
    "/v1/files": "Files",
    "/v1/fine_tuning": "Fine-tuning",
    "/v1/interactions": "Interactions",
    "/v1/live": "Live sessions",
    "/v1/memory_stores": "Agents",
    "/v1/operations": "Operations",
    "/v1/organization": "Administration",
    "/v1/organizations": "Administration",
    "/v1/projects": "Administration",
    "/v1/responses": "Responses kept by the provider",
    "/v1/sessions": "Agents",
    "/v1/skills": "Skills",
    "/v1/threads": "Threads",
    "/v1/tunedModels": "Tuned models",
    "/v1/tunnels": "Agents",
    "/v1/uploads": "Uploads",
    "/v1/user_profiles": "Agents",
    "/v1/vaults": "Agents",
    "/v1/vector_stores": "Vector stores",
    "/v1/videos": "Videos",
    "/v1/webhook_endpoints": "Webhooks",
    "/upload": "Uploads",
}
"""By what their paths are or begin with, up to a slash; Google's are below `/v1beta` as well."""

_METHODS: Final = {
    "embedContent": "Embeddings",
    "batchEmbedContents": "Embeddings",
    "asyncBatchEmbedContent": "Embeddings",
    "batchGenerateContent": "Batches",
    "predict": "Images",
    "predictLongRunning": "Videos",
}
"""By what stands behind the name of a model in paths that have one."""

DOCS: Final = "docs/reference/http.md#not-served"


def find(method: bytes, path: bytes) -> Refusal | None:
    """Return why a path is not served that a provider has; None for one that is just unknown."""
    text = path.decode("latin-1")
    if text.endswith("/"):
        # It is more likely a path that is served, written wrongly.
        return None
    name = _METHODS.get(text.rpartition(":")[2]) if method == b"POST" and ":" in text else None
    if name is None:
        parts = text.replace("/v1beta/", "/v1/", 1).split("/")
        starts = ("/".join(parts[:count]) for count in (4, 3, 2))
        name = next((_BELOW[start] for start in starts if start in _BELOW), None)
    if name is None:
        return None
    message = (
        f"Not served here: {name}. Only what can be held on a budget is passed on. See {DOCS}."
    )
    return Refusal(errors.ENDPOINT_UNSUPPORTED, message)
