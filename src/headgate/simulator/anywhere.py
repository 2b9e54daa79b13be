"""A port where all APIs answer, below any path and with any credential: for stand-ins.

Whoever sells the models of others serves their APIs below paths of its own; what a path ends in
tells which API is meant.
"""

import re
from dataclasses import replace

from headgate.simulator.models import ProviderName
from headgate.simulator.server import Request

_ENDS = (
    (ProviderName.OPENAI, "/v1", re.compile(r".*(/chat/completions|/responses|/embeddings)")),
    (ProviderName.ANTHROPIC, "/v1", re.compile(r".*(/messages(?:/count_tokens)?)")),
    (
        ProviderName.GOOGLE,
        "/v1beta",
        re.compile(r".*(/models/[^/:]+:(?:g|streamG)enerateContent|/models/[^/:]+:countTokens)"),
    ),
)
_CREDENTIALS = (
    ("authorization", "Bearer stand-in"),
    ("x-api-key", "stand-in"),
    ("x-goog-api-key", "stand-in"),
    ("anthropic-version", "2023-06-01"),
)


def placed(target: str) -> tuple[ProviderName, str] | None:
    """Return whose API a target means, and where that has it; None when nobody's is meant."""
    path, mark, query = target.partition("?")
    for provider, base, ends in _ENDS:
        if (found := ends.fullmatch(path)) is not None:
            return provider, f"{base}{found[1]}{mark}{query}"
    return None


def credited(request: Request, target: str) -> Request:
    """Return a request at another target, with a credential that every API takes."""
    return replace(request, target=target, headers=(*_CREDENTIALS, *request.headers))
