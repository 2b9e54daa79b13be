"""What providers' APIs have beside what is served here, so that whoever asks is told by name.

None of it is passed on: what it spends, or keeps, could not be held.
"""

from typing import Final

from headgate.units import errors
from headgate.units.errors import Refusal

_BELOW: Final = {
    "/v1/assistants": "Assistants",
    "/v1/chatkit": "ChatKit",
    "/v1/complete": "Text Completions",
    "/v1/completions": "Completions",
    "/v1/containers": "Containers",
    "/v1/conversations": "Conversations",
    "/v1/evals": "Evals",
    "/v1/files": "Files of Messages",
    "/v1/fine_tuning": "Fine-tuning",
    "/v1/moderations": "Moderations",
    "/v1/organization": "Administration",
    "/v1/responses": "Responses kept by the provider",
    "/v1/skills": "Skills",
    "/v1/threads": "Threads",
    "/v1/uploads": "Uploads",
    "/v1/vector_stores": "Vector stores",
    "/v1/videos": "Videos",
    "/v1beta/batches": "Batches",
    "/v1beta/cachedContents": "Cached contents",
    "/v1beta/corpora": "Corpora",
    "/v1beta/files": "Files",
    "/v1beta/tunedModels": "Tuned models",
    "/upload": "Uploads",
}
"""By what their paths are or begin with, up to a slash."""

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
    name = _METHODS.get(text.rpartition(":")[2]) if method == b"POST" and ":" in text else None
    if name is None:
        parts = text.split("/")
        starts = ("/".join(parts[:count]) for count in (4, 3, 2))
        name = next((_BELOW[start] for start in starts if start in _BELOW), None)
    if name is None:
        return None
    message = f"Not served here: {name}. What it spends could not be held. See {DOCS}."
    return Refusal(errors.ENDPOINT_UNSUPPORTED, message)
