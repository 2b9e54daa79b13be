"""What a router is given to decide by, beside what a call demands and the routes say."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from headgate.catalog.settings import Deployment
from headgate.governance.requirements import NOTHING, Required
from headgate.records.conversation import Bound
from headgate.records.demand import Terms
from headgate.routing.candidate import Estimated
from headgate.routing.policies.registry import NO_INPUTS, Inputs

BYTES_PER_TOKEN: Final = 4

Quote = Callable[[Deployment, Terms, int, int, int], int | None]
"""(deployment, terms, input tokens, output tokens, instant) -> expected nanos, None unpriced."""


NOT_WARM: Final[Mapping[str, int]] = MappingProxyType({})


def tokens_of(body_bytes: int) -> int:
    """Return about how many tokens a body's prompt has."""
    return max(1, body_bytes // BYTES_PER_TOKEN)


class Appraiser(Protocol):
    """Knows what is to be expected of deployments beside their prices."""

    def appraise(
        self, asked: str, text: str, deployments: Sequence[Deployment], now_ns: int, /
    ) -> Mapping[str, Estimated]:
        """Return estimates by deployment.

        Args:
            asked: The name that was asked for.
            text: What the model is asked, the ends of it that matter; empty for anything.
            deployments: The ones in question.
            now_ns: The present.
        """

    def shares(self, asked: str, now_ns: int, /) -> Mapping[str, int]:
        """Return what providers have had lately of what a name's calls cost, in millionths."""


class Given(NamedTuple):
    """What beside its demand says where a call may go, and what it costs there.

    Attributes:
        bound: Where the conversation may go because of what it carries, None for anywhere.
        warm: By deployment, what it saves that the prompt is cached there; those that are not
            named save nothing.
        required: What whoever serves it has to satisfy.
        text: What it asks, for policies that go by it; see `Router.needs`.
        unit: What stays together when calls are sent one way or another: session or principal.
        inputs: What else the policy is told of it.
    """

    bound: Bound | None = None
    warm: Mapping[str, int] = NOT_WARM
    required: Required = NOTHING
    text: str = ""
    unit: str = ""
    inputs: Inputs = NO_INPUTS


NOTHING_GIVEN: Final = Given()
