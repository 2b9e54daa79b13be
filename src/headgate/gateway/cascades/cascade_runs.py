"""Calls that cascade: what is known of each while it runs, and of the latest until they are judged.

An outcome that is reported for one tells of its verifier, and where that is `reported`, the
session's next call begins a step further.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec

from headgate.dialects.translation.fields import TranslationError
from headgate.dialects.translation.gathered import Gathered
from headgate.gateway.cascades.cascade_memory import CHECKED, JUDGED, TOLD, CascadeMemory, Judged
from headgate.gateway.learning.feedback import GOOD_MIN
from headgate.routing.cascades.beliefs import KEPT_MAX as COUNTED_MAX
from headgate.routing.policies import cascade
from headgate.routing.policies.cascade import EXHAUSTED, PROBE, SKIP, WHOLE
from headgate.routing.verifiers.agreement import normal
from headgate.routing.verifiers.registry import KINDS, Verifier, verifiers

if TYPE_CHECKING:
    from headgate.caches.prompt import Prompt
    from headgate.experience.rows import Key as Named
    from headgate.experience.rows import Value as Known
    from headgate.gateway.cascades.hearing import Hearing
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.records.conversation import Call
    from headgate.records.reply import Reply
    from headgate.routing.policies.registry import Chosen, Inputs, Settings
    from headgate.units.errors import Refusal

CALL_CHARS_MAX: Final = 128
KEPT_MAX: Final = 4_096
"""So many finished calls and sessions are remembered; then the oldest are forgotten."""

PROBE_EVERY: Final = 32
"""One call in so many may try a chain that does not pay."""

COMPARED_CHARS_MAX: Final = 200
"""Longer answers in words are not compared: they differ even where they mean the same."""

Key = TypeVar("Key")
Value = TypeVar("Value")

VOTE, SKIPPED = "vote", "skip"
"""What is told in the notebook: votes on calls that another worker served, and what they led to."""

DAY_NS: Final = 86_400_000_000_000
REPORTED: Final = "reported"


class Kept(NamedTuple):
    """A reply that can be sent: what it cost in all is told when it is.

    Attributes:
        step: The how-manieth of the chain it is, from 1.
        streamed: Whether the body is events.
    """

    content_type: bytes
    lines: bytes
    body: bytes
    step: int
    said: bytes
    streamed: bool


class Finished(NamedTuple):
    """A call that was served: by which policy, to whom, and what was verified on the way."""

    policy: Named
    principal: str
    session: bytes | None
    steps: tuple[Judged, ...]
    served: bytes
    is_reported: bool
    skip_max: int


class Run:
    """One call of a cascade.

    Attributes:
        chain: The deployments that are asked in turn; empty until it is decided.
        before: What the steps so far answered.
        kept: The reply so far, None before there is one.
        hearing: The stream that comes, None while there is none.
        paid_nanos: What all its attempts cost.
        question: The body that the judge is asked with, None when it was not.
        prompt: The client's, while the judge is asked.
        pending: The step whose verdict is not yet known; `pending_said` what it said.
        refuses: Whether its client gets no reply that nobody let pass.
        refused: What its client is told when nobody is left, None for the reply so far.
    """

    __slots__ = (
        "before",
        "call",
        "chain",
        "hearing",
        "kept",
        "memory",
        "paid_nanos",
        "pending",
        "pending_said",
        "prompt",
        "question",
        "refused",
        "refuses",
        "settings",
        "steps",
        "verifier",
    )

    def __init__(self, settings: Settings, call: Call, memory: CascadeMemory) -> None:
        self.settings, self.call, self.memory = settings, call, memory
        self.verifier: Verifier = verifiers()[KINDS[settings.value("verifier")]]
        self.refuses = settings.value("exhausted") == EXHAUSTED.index("refuse")
        self.chain: tuple[str, ...] = ()
        self.before: tuple[Reply, ...] = ()
        self.steps: tuple[Judged, ...] = ()
        self.kept: Kept | None = None
        self.hearing: Hearing | None = None
        self.paid_nanos = 0
        self.question: bytes | None = None
        self.prompt: Prompt | None = None
        self.pending, self.pending_said = "", b""
        self.refused: Refusal | None = None

    def judged(self, *, accepted: bool) -> None:
        """Note what was said of the pending step."""
        self.steps = (*self.steps, Judged(self.pending, self.pending_said, accepted))
        self.memory.judged(self.pending, accepted=accepted)


class Runs:
    """The calls that cascade, and what their policies remember."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._router = pipeline.world.router
        self._translators = pipeline.world.interpreter.translators
        self._running: dict[Exchange, Run] = {}
        self._notebook = notebook = pipeline.world.notebook
        self._memories: dict[Named, CascadeMemory] = {}
        for part in (TOLD, JUDGED):
            notebook.counts(part, self._hear_counts, COUNTED_MAX)
        notebook.latest(CHECKED, self._hear_checked)
        notebook.latest(VOTE, self._hear_vote)
        notebook.latest(SKIPPED, self._hear_skip)
        self._finished: dict[str, Finished] = {}
        self._skips: dict[tuple[str, int], int] = {}
        self._turn = 0
        self._day = 0
        self._probed_nanos: dict[str, int] = {}

    def of(self, exchange: Exchange) -> Run | None:
        """Return what is known of a call, None when it does not cascade."""
        return self._running.get(exchange)

    def keep(self, run: Run, kept: Kept | None) -> None:
        """Keep a reply in place of the one so far; it counts as bodies in memory do."""
        if run.kept is not None:
            self._pipeline.unbuffer(len(run.kept.body))
        run.kept = kept
        if kept is not None:
            self._pipeline.buffer(len(kept.body))

    def drop(self, exchange: Exchange) -> None:
        """Forget a call that is over, or does not cascade."""
        run = self._running.pop(exchange, None)
        if run is not None:
            self.keep(run, None)
        hearing = None if run is None else run.hearing
        if hearing is not None:
            hearing.drop()
            # What was held back is no beginning of an answer.
            exchange.begun = exchange.begun and not hearing.withholds

    def inputs(self, exchange: Exchange, unit: str, now_ns: int) -> Inputs:
        """Return what a cascade is told of a call; nothing where the name has none."""
        one = _cascade_of(self._router.chosen(exchange.asked), unit)
        if one is None:
            return {}
        settings = one.settings
        memory = self._memory((settings.name, KINDS[settings.value("verifier")]))
        held = cascade.holds_streams(settings)
        call = self._read_call(exchange) if held or not exchange.own.stream else None
        if call is None:
            return {}
        self._running[exchange] = Run(settings, call, memory)
        found = {WHOLE: 1, **memory.inputs()}
        principal, session = _session_of(exchange)
        skip = self._skips.get((principal, hash(session)))
        if skip:
            found[SKIP] = skip
        if self._may_probe(exchange, settings, now_ns):
            found[PROBE] = 1
        return found

    def _memory(self, name: Named) -> CascadeMemory:
        memory = self._memories.get(name)
        if memory is None:
            _bound(self._memories)
            memory = self._memories[name] = CascadeMemory(name, self._notebook)
        return memory

    def _hear_counts(self, key: Named, counts: dict[int, int], whole: bool) -> None:
        self._memory(key[1:3]).hear(key, counts, whole)

    def _hear_checked(self, key: Named, _at_ns: int, value: Known) -> None:
        self._memory(key[1:3]).hear_checked(value)

    def _hear_vote(self, key: Named, _at_ns: int, value: Known) -> None:
        if key[2] in self._finished:
            self.heard(key[2], key[1], good=bool(value[0]))

    def _hear_skip(self, key: Named, _at_ns: int, value: Known) -> None:
        (skip,) = value
        if isinstance(skip, int):
            self._skip((key[1], int(key[2])), skip)

    def _read_call(self, exchange: Exchange) -> Call | None:
        """Return what is asked; None where the answer could not be verified as a whole."""
        own, kind = exchange.own, exchange.dialect.KIND
        if own.choices != 1 or own.free or own.pieces is not None:
            return None
        if kind not in self._translators or exchange.request.upload is not None:
            return None
        try:
            return self._translators[kind].parse_call(exchange.body)
        except (TranslationError, ValueError, RecursionError):
            return None

    def _may_probe(self, exchange: Exchange, settings: Settings, now_ns: int) -> bool:
        """Tell whether a call may try what does not pay; chance may not touch every call."""
        self._turn += 1
        limit = settings.value("probe_usd_per_day")
        if not limit or self._turn % PROBE_EVERY or exchange.required.ids:
            return False
        if exchange.request.head.data_class is not None:
            return False
        day = now_ns // DAY_NS
        if day != self._day:
            self._day = day
            self._probed_nanos.clear()
        spent = self._probed_nanos.get(settings.name, 0)
        return spent * self._pipeline.edge.workers < limit

    def probed(self, run: Run, nanos: int) -> None:
        """Count what a decision says that trying a chain costs."""
        name = run.settings.name
        self._probed_nanos[name] = self._probed_nanos.get(name, 0) + nanos

    def read(self, exchange: Exchange, body: bytes, kind: str | None = None) -> Reply | None:
        """Return what a reply says, in the client's dialect or another; None when unreadable."""
        try:
            return self._translators[kind or exchange.dialect.KIND].parse_reply(body)
        except (ValueError, RecursionError):
            return None

    def gathered(self, exchange: Exchange, kind: str | None = None) -> Gathered:
        """Return what reads a stream, in the client's dialect or another."""
        return Gathered(self._translators[kind or exchange.dialect.KIND].StreamParser())

    def digest(self, reply: Reply | None) -> bytes:
        """Return what an answer comes to, in a few bytes; none for a long one in words."""
        if reply is None:
            return b""
        said = normal(reply)
        if len(said[0]) > COMPARED_CHARS_MAX and said[0][:1] not in ("{", "["):
            return b""
        return blake2b("\0".join(said).encode(errors="replace"), digest_size=16).digest()

    def served(self, exchange: Exchange, run: Run, said: bytes) -> None:
        """Remember a call whose client has got its reply, for what will be reported of it."""
        principal, session = _session_of(exchange)
        _bound(self._finished)
        self._finished[exchange.call] = Finished(
            (run.settings.name, run.verifier.KIND),
            principal,
            session or None,
            run.steps,
            said,
            run.verifier.KIND == REPORTED,
            max(0, run.settings.value("steps_max") - 1),
        )

    def hear_posted(self, principal: str, body: str) -> None:
        """Learn from a vote that the steward has taken; one on a run or session says nothing."""
        told = msgspec.json.decode(body)
        call, score, verdict = told.get("call"), told.get("score"), told.get("verdict")
        if not isinstance(call, str):
            return
        good = verdict == "good" if score is None else score >= GOOD_MIN
        if not self.heard(call, principal, good=good):
            # Another worker served it, perhaps, and knows what was verified.
            key = (VOTE, principal, call[:CALL_CHARS_MAX])
            self._notebook.note(key, self._pipeline.now_ns(), (int(good),))

    def heard(self, call: str, principal: str, *, good: bool) -> bool:
        """Learn how a call went, if it is the principal's; False of one that is not known here."""
        finished = self._finished.get(call)
        if finished is None:
            return False
        if finished.principal == principal:
            del self._finished[call]
            self._memory(finished.policy).told(finished.steps, finished.served, good=good)
            self._report(finished, good=good)
        return True

    def _report(self, finished: Finished, *, good: bool) -> None:
        """Have the session's next calls begin where the report says."""
        if not finished.is_reported or finished.session is None:
            return
        key = (finished.principal, hash(finished.session))
        skip = 0 if good else min(self._skips.get(key, 0) + 1, finished.skip_max)
        self._skip(key, skip)
        note = (SKIPPED, finished.principal, str(key[1]))
        self._notebook.note(note, self._pipeline.now_ns(), (skip,))

    def _skip(self, key: tuple[str, int], skip: int) -> None:
        """Have a session's next calls begin so many steps further."""
        self._skips.pop(key, None)
        if skip:
            _bound(self._skips)
            self._skips[key] = skip


def _cascade_of(one: Chosen, unit: str) -> Chosen | None:
    """Return the cascade that serves a unit's calls, or only watches them; None for none.

    One inside of a policy that serves by its order alone is told nothing: nobody would verify.
    """
    serving = one.leaf(one.arms_for(unit))
    if serving.has(cascade.KIND):
        return serving if serving.policy.KIND == cascade.KIND else None
    for part in one.settings.parts.values():
        found = _cascade_of(part, unit)
        if found is not None:
            return found
    return None


def _session_of(exchange: Exchange) -> tuple[str, bytes]:
    credential = exchange.request.credential
    assert credential is not None, exchange.call
    return credential.principal, exchange.request.head.session or b""


def _bound(kept: dict[Key, Value]) -> None:
    """Make room for one more: whoever was remembered first goes."""
    if len(kept) >= KEPT_MAX:
        del kept[next(iter(kept))]
