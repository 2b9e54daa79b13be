"""`deepseek`: DeepSeek itself, which speaks OpenAI's dialect and, below `/anthropic`, Anthropic's.

Its usage tells hits and misses of the prompt cache apart; what they cost at which hour is the price
book's business.
"""

from headgate.providers import anthropic, openai_compatible
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.openai_compatible import failure, headers, metered
from headgate.providers.setup import Model, Setup

__all__ = ["failure", "headers", "metered"]

KIND = "deepseek"
NATIVE_DIALECTS = ("openai_chat", "anthropic_messages")
SETUP = Setup(
    base_url="https://api.deepseek.com",
    secrets=("DEEPSEEK_API_KEY",),
    models=(Model("deepseek-flash", "deepseek-flash"), Model("deepseek-pro", "deepseek-v4-pro")),
    free_path="/models",
)
DEFAULTS = openai_compatible.DEFAULTS
PASSED = openai_compatible.PASSED
PASSED_PREFIXES = openai_compatible.PASSED_PREFIXES

_ANTHROPIC_BASE = "/anthropic"


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold."""
    return KIND


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a dialect below `base_path`, which may be empty or end in `/v1`.

    Raises:
        ValueError: Another dialect.
    """
    if dialect in anthropic.NATIVE_DIALECTS:
        base = base_path.rstrip("/").removesuffix("/v1").removesuffix(_ANTHROPIC_BASE)
        return anthropic.path(dialect, base + _ANTHROPIC_BASE, place)
    if dialect not in NATIVE_DIALECTS:
        raise ValueError(f"a provider of kind {KIND!r} does not speak {dialect!r}")
    return openai_compatible.path(dialect, base_path, place)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001 - the same for every model
    """Return the one name the output limit has here, in either dialect."""
    return "max_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell that `max_tokens` must be there: it is the only limit that is documented to count."""
    return True
