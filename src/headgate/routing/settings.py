"""What the configuration says of routes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

REGION_ANY = "*"
PPM = 1_000_000

SettingKind = Literal[
    "share", "shares", "usd", "count", "policy", "policies", "choice", "deployment", "text"
]
"""What a key of a policy's table holds, and what the policy gets of it: `share` is a text from "0"
to "1" and arrives in millionths, `shares` has one for each of some deployments, `usd` a text and in
nano-dollars, `count` a whole number; `policy` names another policy, `policies` some by name, each
with a count; `choice` is one of `choices` and arrives as its place among them; `deployment` and
`text` arrive as they are, and nothing is ranked by them."""


class Setting(NamedTuple):
    """A key that a policy knows in its table of the configuration.

    Attributes:
        key: Its name.
        kind: What it holds.
        default: What the policy gets when it is not there; None for nothing, as if it were absent.
        required: Whether it has to be there.
        choices: What a `choice` may be.
    """

    key: str
    kind: SettingKind
    default: int | None = None
    required: bool = False
    choices: tuple[str, ...] = ()


class Fault(NamedTuple):
    """What is wrong with a policy's keys beside each other."""

    key: str
    problem: str
    fix: str


class PolicySettings(NamedTuple):
    """`[policies.ID]`: a policy with what the configuration says of it.

    Attributes:
        values: By key, as whole numbers; for a key of several policies as `key.policy`.
        parts: The names of the policies it is composed of, by their keys, `key.policy` likewise.
        texts: What else the file says, by key.
    """

    id: str
    kind: str
    values: Mapping[str, int] = MappingProxyType({})
    parts: Mapping[str, str] = MappingProxyType({})
    texts: Mapping[str, str] = MappingProxyType({})


class Route(NamedTuple):
    """An alias and the deployments that may serve it, with the policy that orders them.

    Attributes:
        weights: By deployment, for policies that know shares; one that is not named has 1.
        regions: Among which a call whose attempt failed may move; `*` for any. Without them it
            stays in the region of its first attempt.
        drops: Whether a translated call may leave out features that its target lacks; otherwise
            the target is passed over.
        marks: Whether prompts get cache breakpoints where they pay.
        keeps: Whose replies are kept to be given again: `never` any, of calls that have `asked`
            for it, or `always`.
        defers: Whether batch calls are put off to hours in which they cost less.
        mixes: Whether the policy ranks deployments that need a translation among those that speak
            the client's dialect, instead of behind them.
        call_nanos_max: What a call may be expected to cost; None for anything.
        latency_ms_max: How long an answer may be expected to take; None for any time.
        hedge_after_ms: After how long a silence a call is also sent to the next candidate; None
            for never.
        provider_shares: The most of the route's spend that a provider may have, in millionths.
        unbounded_nanos_max: What features without a bound may cost a call under a budget; None
            where such calls are refused.
    """

    alias: str
    deployments: tuple[str, ...]
    policy: str = "cheapest"
    weights: Mapping[str, int] = MappingProxyType({})
    regions: tuple[str, ...] = ()
    drops: bool = True
    marks: bool = False
    defers: bool = False
    mixes: bool = False
    keeps: Literal["never", "asked", "always"] = "never"
    unbounded_nanos_max: int | None = None
    call_nanos_max: int | None = None
    latency_ms_max: int | None = None
    hedge_after_ms: int | None = None
    provider_shares: Mapping[str, int] = MappingProxyType({})

    @property
    def measures(self) -> bool:
        """Whether it goes by what was measured, whatever its policy goes by."""
        return self.latency_ms_max is not None or bool(self.provider_shares)
