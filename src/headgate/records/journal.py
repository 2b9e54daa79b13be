"""The records of the journal; their JSON is the format `docs/reference/journal.md` documents.

Money is whole nano-dollars, instants whole nanoseconds since 1970 UTC. A field that has its
default is left out of the JSON.
"""

from typing import Final, Literal

from msgspec import Struct

from headgate.records.charge import ChargeLine, State, quantities
from headgate.records.estimate import EstimateRecord, PolicyRecord
from headgate.records.priority import PRIORITY_USUAL, Priority
from headgate.units.ids import call_of

FORMAT: Final = 2

REFERENCES_MAX: Final = 4_096
"""A hold refers to one of so many callers and routes that its journal named last."""

Durability = Literal["process", "power"]
"""What a hold survives from its first upstream byte on, beside the death of every process."""


class _Record(Struct, frozen=True, omit_defaults=True, tag_field="k", gc=False):
    """Common settings of all records; they hold no cycles, so the collector may pass them by."""


class SegmentRecord(_Record, frozen=True, gc=False, tag="segment"):
    """First record of each segment.

    Attributes:
        durability: With `power`, each hold was on the disk before its first byte was sent.
    """

    format: int
    worker: str
    epoch: str
    seq: int
    boot_id: str
    at_ns: int
    durability: Durability = "process"


class CandidateRecord(Struct, frozen=True, omit_defaults=True, gc=False):
    """One deployment a decision weighed.

    Attributes:
        expected_nanos: Expected cost, None when it was excluded before it was quoted.
        excluded: The rule that excluded it, None when it was eligible.
        via: The dialect the call would be translated to there, None when it needs none.
        warm_nanos: What it would save there that a part of the prompt is cached; it is not taken
            off `expected_nanos`.
        place: Its place in the policy's order, from 1, before any were taken out of it; 0 when it
            was never ranked.
        resort: Whether it was ranked among those whose breaker is open.
        position: Its place in the route's list, from 0.
        weight: Its share of the calls.
        estimate: What else was expected of it; None where the policy did not ask.
    """

    deployment: str
    expected_nanos: int | None = None
    excluded: str | None = None
    via: str | None = None
    warm_nanos: int = 0
    place: int = 0
    resort: bool = False
    position: int = 0
    weight: int = 1
    estimate: EstimateRecord | None = None


class DecisionRecord(_Record, frozen=True, gc=False, tag="decision"):
    """A ranking of candidates; holds refer to it by its number within the journal.

    Attributes:
        input_tokens: The prompt tokens the candidates were quoted for.
        output_tokens: The output tokens they were quoted for.
        requirements: Ids of the requirements that held for the call.
        data_class: The class of data it carried, None for none.
        settings: The policy with all that the configuration says of it; None for one of which it
            says nothing.
        inputs: What the policy was told of the call, by name.
        notes: What the policy has to say of the decision, by name.
        mixes: Whether candidates that need a translation were ranked among the others.
    """

    number: int
    at_ns: int
    asked: str
    policy: str
    input_tokens: int
    output_tokens: int
    candidates: tuple[CandidateRecord, ...]
    requirements: tuple[str, ...] = ()
    data_class: str | None = None
    settings: PolicyRecord | None = None
    inputs: dict[str, int] = {}
    notes: dict[str, str | int] = {}
    mixes: bool = False


class CallerRecord(_Record, frozen=True, gc=False, tag="caller"):
    """Who asks, and what limits them; holds refer to it by its number within the journal.

    Attributes:
        windows: Keys of the windows a hold is on, from the run up to the root.
        key: Id of the key the caller showed.
        run: Name of the run, None outside of runs.
        chain: The delegations the caller showed, `<agent>~<id>` each, the key's own child first.
        above: Keys of the windows that `windows` was carved from, and those from theirs.
        tags: What the calls are tagged with, `NAME=VALUE` each, in order.
        waived: Keys of the shadow windows that a hold did not fit into, and is not on.
    """

    number: int
    principal: str
    team: str
    key: str
    windows: tuple[str, ...]
    run: str | None = None
    chain: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()


class RouteRecord(_Record, frozen=True, gc=False, tag="route"):
    """What was asked for and where it goes; holds refer to it by its number in the journal.

    Attributes:
        dialect: The client's.
        via: The dialect the call was translated to, None when the deployment speaks its own.
    """

    number: int
    asked: str
    deployment: str
    dialect: str
    via: str | None = None


class _OfAttempt(_Record, frozen=True, gc=False):
    """A record of one attempt, whose id is `<call>.<number>`."""

    attempt: str

    @property
    def call(self) -> str:
        """The call it is an attempt of."""
        return call_of(self.attempt)


class SizingNote(Struct, frozen=True, omit_defaults=True, gc=False):
    """How an expected hold was sized; see `headgate.gateway.money.sizing`.

    Attributes:
        output_tokens: The output that the hold covers before it is extended, the reserve included.
        percent: The quantile of earlier outputs that this goes by.
        calls: How many earlier outputs it was learned from.
    """

    output_tokens: int
    percent: int
    calls: int


class HoldRecord(_OfAttempt, frozen=True, gc=False, tag="hold"):
    """Money set aside for one attempt; written before the upstream sees a byte.

    Attributes:
        caller: Number of the caller: the amount is held on each of its windows.
        route: Number of the route.
        decision: Number of the decision the route was chosen by.
        input_tokens_max: Bound of the prompt that the amount covers.
        output_tokens_max: Output limit that is sent upstream (per choice).
        lost: JSON paths in the client's body of what the translation left out; bounded.
        priority: The class that the call has.
        waited_us: Microseconds that the call has waited for places, attempts before it included.
        session: What its client calls the session, where that is a name; else None.
        sizing: None when the amount covers the whole output limit.
        request_id: What the client calls the request, None when it does not say.
    """

    at_ns: int
    amount_nanos: int
    caller: int
    route: int
    decision: int
    input_tokens_max: int
    output_tokens_max: int
    choices: int = 1
    stream: bool = False
    lost: tuple[str, ...] = ()
    priority: Priority = PRIORITY_USUAL
    waited_us: int = 0
    session: str | None = None
    sizing: SizingNote | None = None
    request_id: str | None = None


class ExtendRecord(_OfAttempt, frozen=True, gc=False, tag="extend"):
    """More money set aside for an attempt that runs; written before more of it is let through.

    Attributes:
        amount_nanos: What the hold grows by, on each of its windows.
    """

    at_ns: int
    amount_nanos: int


class CacheNote(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a cache did for an attempt: the provider's of prompts, or our own of replies.

    Attributes:
        saved_nanos: What the attempt would have cost more without a cache; negative where
            writing to it cost more than reading saved.
        marked: JSON paths of the blocks behind which Headgate set a breakpoint.
        cause: Why a prefix that an earlier request had left in the cache was not read; None when
            it was, or there was none. See `headgate.caches.missed`.
        path: The first block that was changed, None when none was.
        missed_tokens: How many tokens were not read.
        missed_nanos: What that cost.
        given_from: The call whose kept reply was given again, so that nothing was sent; None for
            an attempt that was. `saved_nanos` is then what that call was posted at.
    """

    saved_nanos: int = 0
    marked: tuple[str, ...] = ()
    cause: str | None = None
    path: str | None = None
    missed_tokens: int = 0
    missed_nanos: int = 0
    given_from: str | None = None


class SettleRecord(_OfAttempt, frozen=True, gc=False, tag="settle"):
    """The end of an attempt that may have cost money: `amount_nanos` is posted, the rest freed.

    Attributes:
        state: `measured` (the provider's usage, our prices), `estimated` (posted at a bound),
            `unknown` (no price is known; nothing posted; only without a hard budget).
        usage: Quantities by meter; empty when the lines have them.
        reason: Why it is not measured, or how the attempt failed; None for a plain success.
        status: HTTP status of the provider, 0 when there was none.
        ttft_us: Microseconds from the send to the first byte of the reply, None when none came.
        by: `worker`, or `takeover` when the steward closed it for a dead worker.
        reported_nanos: What the provider's reply said it cost, None when it did not say; nothing
            is posted by it.
        cache: None when the provider's prompt cache did nothing and was not expected to.
        quarantined: What the reply gave as its usage, cut, where that cannot be right and so was
            not billed by; else None.
        trace: The span the client called in, as W3C Trace Context has it (`traceparent`); None
            when it did not say, or nobody is sent spans.
    """

    at_ns: int
    amount_nanos: int
    state: State
    lines: tuple[ChargeLine, ...] = ()
    usage: dict[str, int] = {}
    served_model: str | None = None
    upstream_id: str | None = None
    upstream_request_id: str | None = None
    status: int = 0
    reason: str | None = None
    ttft_us: int | None = None
    duration_us: int = 0
    final: bool = True
    by: str = "worker"
    reported_nanos: int | None = None
    cache: CacheNote | None = None
    quarantined: str | None = None
    trace: str | None = None

    @property
    def quantities(self) -> dict[str, int]:
        """What was metered, by meter."""
        return self.usage or quantities(self.lines)


class VoidRecord(_OfAttempt, frozen=True, gc=False, tag="void"):
    """The end of an attempt of which certainly no byte reached the provider: all is freed."""

    at_ns: int
    reason: str
    final: bool = True
    trace: str | None = None


class RefusalRecord(_Record, frozen=True, gc=False, tag="refusal"):
    """A call that an identified principal made and that was refused before its (next) attempt."""

    call: str
    at_ns: int
    principal: str
    team: str
    key: str
    asked: str
    code: str
    message: str
    budget: str | None = None
    run: str | None = None
    chain: tuple[str, ...] = ()


class AdjustmentRecord(_Record, frozen=True, gc=False, tag="adjustment"):
    """A correction: what was posted stays as it was, and a signed difference is added to it.

    The steward writes them, in journals of its own. One id counts once, in whatever journals it
    stands: the same correction twice is one.

    Attributes:
        id: What makes two corrections the same.
        amount_nanos: Added to what is posted; negative for a credit. Never 0.
        windows: Keys of the windows it moves: those of the attempt's hold, also of periods that
            are over.
        reason: Why, as a word: `reconciled`, `restated` ...
        source: What it is by, for a person: a provider's report, a corrected price.
        by: Who had it made, as the audit chain names them.
        attempt: What is corrected; None for a correction of windows alone.
    """

    id: str
    at_ns: int
    amount_nanos: int
    windows: tuple[str, ...]
    reason: str
    source: str
    by: str
    attempt: str | None = None


class SealedRecord(_Record, frozen=True, gc=False, tag="sealed"):
    """Last record of a segment.

    Attributes:
        last: True when the worker ended cleanly (or was taken over): no segment follows and
            no hold is open.
        by: `worker`, or `takeover` when the steward sealed it for a dead worker.
    """

    at_ns: int
    last: bool = False
    by: str = "worker"


Record = (
    SegmentRecord
    | DecisionRecord
    | CallerRecord
    | RouteRecord
    | HoldRecord
    | ExtendRecord
    | SettleRecord
    | VoidRecord
    | RefusalRecord
    | AdjustmentRecord
    | SealedRecord
)
