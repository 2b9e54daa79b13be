"""Which client can be served by which deployment: read from the providers and the translators."""

from headgate.dialects.translation.registry import translators
from headgate.providers.registry import providers

DEPLOYMENTS = {"mini": "openai", "haiku": "anthropic", "flash": "gemini"}
"""A deployment of each provider that the simulators stand in for, with the provider's kind."""

THINKERS = {"mini": "gpt-5-5"}
"""Who is asked to think instead, where the usual deployment is not made for it."""

FEATURES = ("plain", "stream", "tools", "streamed_tools", "image", "structured", "thinking")


def served(dialect: str, deployment: str) -> bool:
    """Tell whether a deployment can serve a dialect, by itself or by translation."""
    native = providers()[DEPLOYMENTS[deployment]].NATIVE_DIALECTS
    translated = translators().keys()
    return dialect in native or (dialect in translated and not translated.isdisjoint(native))
