"""What a provider's reply says about itself: ids, served model, usage as reported."""

from typing import NamedTuple

from msgspec import Struct

from headgate.records.demand import STANDARD, Terms
from headgate.units.errors import Code
from headgate.units.usage import Usage


class Report(Struct, frozen=True, gc=False):
    """The metering facts of one reply, as the dialect found them.

    Attributes:
        upstream_id: The reply's own id, None when it has none.
        served_model: The model that answered, None when the reply does not say.
        usage_json: The reply's usage object as bytes, None when absent. Absent is not zero.
            Of a stream whose usage stands at head and tail (Anthropic), the two merged:
            later values win, fields missing in the later one are kept.
        tier: The service tier the reply names, as it spells it; None when it names none.
        complete: Whether the reply ended as its dialect says it must (always True of a reply
            that is not streamed and could be read).
        errored: Whether the provider itself ended the stream with an error event.
        units: What the reply itself shows was delivered, by meter of `units.usage.UNIT_METERS`:
            its images, the seconds that it says the sound lasts.
    """

    upstream_id: str | None = None
    served_model: str | None = None
    usage_json: bytes | None = None
    tier: str | None = None
    complete: bool = False
    errored: bool = False
    units: tuple[tuple[str, int], ...] = ()


class Metered(Struct, frozen=True, gc=False):
    """A provider's usage split into disjoint meters, and the terms it was served on.

    Attributes:
        reported_nanos: What the reply itself says it cost, None when it does not say. It is kept
            to reconcile by, and posted only where the provider's configuration says so.
    """

    usage: Usage
    terms: Terms = STANDARD
    reported_nanos: int | None = None


class Failure(NamedTuple):
    """How a provider's error reply is classified.

    Attributes:
        code: What the client is told when no other attempt follows.
        retryable: Whether another deployment (or the same, later) may serve the call.
        pass_through: Whether the provider's own error body is for the client's eyes (its
            request was wrong), rather than about us (our credential, our account).
    """

    code: Code
    retryable: bool
    pass_through: bool
