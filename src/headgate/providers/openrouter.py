"""`openrouter`: OpenRouter, which resells many providers and says with each reply what it charged.

Its usage is OpenAI's, with `cost` in dollars of credit. With a key of one's own at the provider
behind it (`is_byok`) that is OpenRouter's fee alone, and `cost_details.upstream_inference_cost` is
what the provider bills. Both are recorded beside the charge, to reconcile by; with
`prices = "reported"` they are the charge, and the price book is what is held by
(https://openrouter.ai/docs/use-cases/usage-accounting).
"""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from headgate.providers import anthropic, openai_compatible
from headgate.providers.envelope import ANY_PLACE, Place
from headgate.providers.openai_compatible import headers
from headgate.providers.setup import Setup
from headgate.records.demand import STANDARD, Terms
from headgate.records.report import Failure, Metered, Report
from headgate.units.money import NANOS_PER_USD, USD_MAX

__all__ = ["headers"]

KIND = "openrouter"
NATIVE_DIALECTS = ("openai_chat", "anthropic_messages")
SETUP = Setup(
    base_url="https://openrouter.ai/api/v1",
    secrets=("OPENROUTER_API_KEY",),
    free_path="/key",  # its list of models asks for no key
)
DEFAULTS = openai_compatible.DEFAULTS
REPORTS_COST = True
PASSED = openai_compatible.PASSED
PASSED_PREFIXES = openai_compatible.PASSED_PREFIXES

_CODE = re.compile(rb'"code"\s*:\s*([45]\d\d)\b')
_NULL = Raw(b"null")


class _Details(Struct, gc=False):
    upstream_inference_cost: Raw = _NULL


class _Cost(Struct, gc=False):
    """What the usage object says of money; numbers stay text, so that none becomes binary."""

    cost: Raw = _NULL
    is_byok: bool | None = None
    cost_details: _Details | None = None


_COST = msgspec.json.Decoder(_Cost)


def seller(base_url: str) -> str:  # noqa: ARG001 - the kind is the seller
    """Return whose prices hold."""
    return KIND


def path(dialect: str, base_path: str, place: Place = ANY_PLACE) -> str:
    """Return the path of a dialect below `base_path`, which usually is `/api/v1`.

    Raises:
        ValueError: Another dialect.
    """
    if dialect in anthropic.NATIVE_DIALECTS:
        return anthropic.path(dialect, base_path, place)
    return openai_compatible.path(dialect, base_path, place)


def limit_field(base_url: str, model: str) -> str:  # noqa: ARG001 - the same for every model
    """Return the name of the output limit it documents for every model."""
    return "max_tokens"


def limit_needed(base_url: str) -> bool:  # noqa: ARG001 - the same at every address
    """Tell that one limit is enough: it takes either name."""
    return False


def failure(status: int, body: bytes) -> Failure:
    """Classify an error reply, or with status 200 one whose body or first event is an error.

    What goes wrong after the head is sent is told in the body, as a number that is the status
    (https://openrouter.ai/docs/api-reference/errors).
    """
    code = _CODE.search(body) if status == 200 else None
    return openai_compatible.failure(int(code[1]) if code else status, body)


def metered(report: Report, asked: Terms = STANDARD) -> Metered:
    """Split reported usage into disjoint meters, and read the cost it reports.

    Raises:
        UsageError: Usage is absent, unreadable, or contradicts itself.
    """
    found = openai_compatible.metered(report, asked)
    return replace(found, reported_nanos=reported_nanos(report.usage_json or b""))


def reported_nanos(usage_json: bytes) -> int | None:
    """Return what a reply says it cost in all, in nano-dollars; None when it does not say.

    The amount is rounded half up to a nano-dollar.
    """
    try:
        cost = _COST.decode(usage_json)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    total = _dollars(cost.cost)
    if total is None:
        return None
    if cost.is_byok and cost.cost_details is not None:
        total += _dollars(cost.cost_details.upstream_inference_cost) or 0
    return int((total * NANOS_PER_USD).quantize(Decimal(1), ROUND_HALF_UP))


def _dollars(number: Raw) -> Decimal | None:
    """Return a JSON number as dollars; None for what is no number or no likely amount."""
    try:
        amount = Decimal(bytes(number).decode("ascii"))
    except (InvalidOperation, UnicodeDecodeError):
        return None
    return amount if amount.is_finite() and 0 <= amount <= USD_MAX else None
