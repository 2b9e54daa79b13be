"""`openai`: OpenAI itself: Chat Completions, Responses, Embeddings, images, sound, moderations."""

from headgate.providers import openai_compatible
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.setup import Model, Setup

KIND = "openai"
NATIVE_DIALECTS = (
    "openai_chat",
    "openai_responses",
    "openai_input_tokens",
    "embeddings",
    "images",
    "image_edits",
    "image_variations",
    "speech",
    "transcriptions",
    "translations",
    "moderations",
)
BATCHES = "openai_batches"
SETUP = Setup(
    base_url="https://api.openai.com/v1",
    secrets=("OPENAI_API_KEY",),
    models=(Model("gpt-mini", "gpt-5.4-mini"), Model("gpt", "gpt-5.5")),
    free_path="/models",
)
DEFAULTS = openai_compatible.DEFAULTS
PASSED = openai_compatible.PASSED
PASSED_PREFIXES = openai_compatible.PASSED_PREFIXES

seller = openai_compatible.seller
headers = openai_compatible.headers
failure = openai_compatible.failure
metered = openai_compatible.metered


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path a dialect's calls are posted to; `base_path` usually ends in `/v1`.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    return openai_compatible.path(dialect, base_path, place)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001 - the same at every address
    """Return the name of the output limit to add to a chat that has none.

    Reasoning models know only this one.
    """
    return "max_completion_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell whether the limit must be there beside another one, which OpenAI would refuse."""
    return False
