"""`mistral`: Mistral itself, which speaks most of OpenAI's Chat Completions and refuses the rest.

It refuses `stream_options` (a stream's last chunk has its usage unasked) and the newer name of the
output limit, so neither is sent (https://docs.mistral.ai/api).
"""

from headgate.providers import openai_compatible
from headgate.providers.envelope import ANY_PLACE, Envelope, Place
from headgate.providers.openai_compatible import failure, headers, metered
from headgate.providers.setup import Model, Setup

__all__ = ["failure", "headers", "metered"]

KIND = "mistral"
NATIVE_DIALECTS = ("openai_chat",)
SETUP = Setup(
    base_url="https://api.mistral.ai/v1",
    secrets=("MISTRAL_API_KEY",),
    models=(
        Model("mistral-small", "mistral-small-latest"),
        Model("mistral-medium", "mistral-medium-latest"),
    ),
    free_path="/models",
)
DEFAULTS = openai_compatible.DEFAULTS
PASSED = openai_compatible.PASSED | {b"mistral-correlation-id"}
PASSED_PREFIXES = (
    *openai_compatible.PASSED_PREFIXES,
    b"x-ratelimitbysize-",
    b"ratelimitbysize-",
)
ENVELOPE = Envelope(dropped=frozenset({"stream_options", "max_completion_tokens"}), ask_usage=False)


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold."""
    return KIND


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of Chat Completions below `base_path`, which usually ends in `/v1`.

    Raises:
        ValueError: Another dialect.
    """
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    return openai_compatible.path(dialect, base_path, place)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001 - the same for every model
    """Return the one name the output limit has here."""
    return "max_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell that it must be there: the other name is taken out of the body."""
    return True
