"""What the demonstration and its processes tell each other; light, so that all may import it."""

from msgspec import Struct


class UpstreamsSetup(Struct, frozen=True):
    """For the simulated providers."""

    seed: int


class UpstreamsReady(Struct, frozen=True):
    """Where the simulated providers are.

    Attributes:
        admin: The control surface of the one that is paid.
        baseline: Base URL of the other's OpenAI, with `/v1`.
    """

    openai: str
    anthropic: str
    admin: str
    baseline: str


class GatewaySetup(Struct, frozen=True):
    """For the node: paths."""

    config: str
    data_dir: str


class GatewayReady(Struct, frozen=True):
    """Where the node answers."""

    gateway: str
    console: str


class TrafficSetup(Struct, frozen=True):
    """For the callers."""

    gateway: str
    data_dir: str
    keys: dict[str, str]
    seed: int


class Tally(Struct, frozen=True):
    """What the callers saw: replies, and errors by their class; at first neither."""

    replies: int = 0
    errors: dict[str, int] = {}


class ProbeSetup(Struct, frozen=True):
    """For the probe.

    Attributes:
        direct: Base URL of the provider to compare with, with `/v1`.
        pause_s: Between two pairs.
    """

    gateway: str
    direct: str
    key: str
    pause_s: float


class Added(Struct, frozen=True):
    """What the probe measured so far: medians of the newest pairs, None before the first.

    Attributes:
        added_ms: `through_ms` less `direct_ms`.
    """

    pairs: int = 0
    direct_ms: float | None = None
    through_ms: float | None = None
    added_ms: float | None = None
