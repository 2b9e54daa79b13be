"""Sessions as the policy `session` meets them: which one a call is of, and what it shows.

Only calls of aliases whose policy goes by sessions are looked at. A worker knows the calls that it
served at once, those that others served a moment later, and whatever a request carries.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from headgate.budgets.settings import RUN_ANY
from headgate.caches.worth import warm_nanos, written_nanos
from headgate.dialects.courses.course import Course
from headgate.dialects.courses.registry import course_dialects
from headgate.gateway.caching import BODY_BYTES_MIN, TOKENS_STEP, Caching
from headgate.gateway.learning.feedback import votes_of
from headgate.gateway.learning.session_news import SessionNews
from headgate.records.charge import Settlement
from headgate.records.report import Report
from headgate.routing.given import tokens_of
from headgate.routing.policies.registry import NO_INPUTS, Inputs
from headgate.routing.policies.session import LEFT
from headgate.routing.router import Router
from headgate.routing.sessions.horizon import CALLS, horizon_of, is_side
from headgate.routing.sessions.memory import USUAL_PERCENT, Key, Memory, Session
from headgate.routing.sessions.signs import OVERLONG_PERCENT, Record, ends_task, signs
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.notebook import Notebook
    from headgate.gateway.upstream.target import Target

IDLE_NS: Final = 300 * NANOS_PER_SECOND
"""A session that pauses for longer has lost its caches, as providers keep prefixes."""
NAME_BITS: Final = 48


class SessionCall(NamedTuple):
    """A call of a session.

    Attributes:
        key: The session's.
        name: What it is called in records: its client's name for it, or what stands for its key.
        session: What is known of it before the call; a new one when nothing is.
        turns: How many turns of the model the request holds.
        fresh: Whether it begins a task.
        side: Whether it is beside the session's work.
        circle: Whose work it is, where the client says so; None where it does not.
    """

    key: Key
    name: str | None
    session: Session
    turns: int
    fresh: bool
    side: bool
    circle: Key | None


class Sessions:
    """The sessions that this worker serves.

    Args:
        targets: By deployment id.
        router: Knows which deployments a name stands for.
        caching: Knows what providers keep of a prompt.
        aliases: Those whose policy goes by sessions.
        notebook: Tells the other workers of sessions, and hears of theirs.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        router: Router,
        caching: Caching,
        aliases: Collection[str],
        notebook: Notebook,
    ) -> None:
        self._targets = targets
        self._router = router
        self._caching = caching
        self._aliases = frozenset(aliases)
        self._dialects = course_dialects()
        self._memory = Memory()
        self._news = SessionNews(self._memory, notebook, targets)

    def inputs(self, exchange: Exchange, warm: Mapping[str, int], now_ns: int) -> Inputs:
        """Find a call's session; return what the policy is told of it.

        Args:
            exchange: The call; its turn keeps the session.
            warm: By deployment, what it saves where its prompt is warm.
            now_ns: The present.
        """
        if exchange.asked not in self._aliases:
            return NO_INPUTS
        course = self._course(exchange)
        if course is None:
            return NO_INPUTS
        call = self._call(exchange, course)
        if call is None:
            return NO_INPUTS
        exchange.turn.session = call
        session = call.session
        horizon = self._horizon(exchange, course)
        found = {"horizon": horizon, "done": session.calls, "switches": session.switches}
        if (left := _left_nanos(exchange)) is not None:
            found[LEFT] = left
        found |= self._prices(exchange, warm, now_ns)
        for deployment in self._router.candidates(exchange.asked):
            lane = self._memory.lane(exchange.asked, deployment.id)
            found[f"calls:{deployment.id}"] = lane.calls_of(USUAL_PERCENT) or horizon
        if call.side:
            return found | {"side": 1}
        if session.serving is None:
            return found | {"fresh": 1}
        found |= {f"serving:{session.serving}": 1, f"home:{session.home}": 1}
        found |= {f"alike:{name}": 1 for name in self._alike(exchange.asked, session.serving)}
        if call.fresh:
            return found | {"fresh": 1}
        if session.warm_until_ns <= now_ns:
            found["idle"] = 1
        shown = [step for step in course.steps if step.turn > session.began_turn]
        record = self._record(exchange.asked, session)
        return found | {f"sign:{name}": milli for name, milli in signs(shown, record).items()}

    def settle(self, exchange: Exchange, settlement: Settlement, report: Report) -> None:
        """Learn from an attempt of a session's call that it was served, and what it cost."""
        call = exchange.turn.session
        if call is None or settlement.reason is not None:
            return
        memory, news, at_ns = self._memory, self._news, exchange.sent_ns
        for reply in (report.upstream_id, exchange.call):
            if reply is not None:
                memory.replied(reply, call.key)
                news.replied(reply, call.key, at_ns)
        if call.side:
            return
        session = call.session
        if call.fresh:
            took = memory.end_task(exchange.asked, session)
            if took is not None:
                news.ended(exchange.asked, session, took)
            session.begin_task(_hashed(exchange.request.head.task))
        session.serve(exchange.target.deployment.id, call.turns, settlement.amount_nanos)
        session.warm_until_ns, session.at_ns = at_ns + IDLE_NS, at_ns
        memory.keep(call.key, session)
        news.served(call.key, session)
        if call.circle is not None and exchange.own.tools:
            memory.saw_tools(call.circle)
            news.saw_tools(call.circle, at_ns)

    def _course(self, exchange: Exchange) -> Course | None:
        dialect = self._dialects.get(exchange.dialect.KIND)
        if dialect is None:
            return None
        try:
            return dialect.read(exchange.own.members)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # Odd, and the provider's to judge.
            return None

    def _call(self, exchange: Exchange, course: Course) -> SessionCall | None:
        """Return which session a call is of, None when there is no telling."""
        credential, head = exchange.request.credential, exchange.request.head
        assert credential is not None
        who, circle = credential.principal, _circle(credential.principal, head.session, course)
        own = exchange.own
        side = circle is not None and is_side(
            tools=own.tools,
            output_tokens_max=own.output_tokens_max,
            works_with_tools=self._memory.works_with_tools(circle),
        )
        key: Key | None = circle
        if head.session is None:
            key = self._key(course, who)
        if key is None:
            return None
        session = Session() if side else self._memory.get(key) or Session()
        rejects = head.outcome is not None and self._judge(head.outcome, key, session)
        is_new_task = head.task is not None and _hashed(head.task) != session.task
        # A result that was just found wrong is no end of a task.
        ends = ends_task(course.steps) and not rejects
        fresh = session.serving is None or is_new_task or ends
        return SessionCall(
            key, _name(head.session, key), session, course.turns, fresh, side, circle
        )

    def _judge(self, votes: bytes, key: Key, session: Session) -> bool:
        """Take what a call says of the session's earlier ones; tell whether it rejects any."""
        own = [
            (call, good) for call, good in votes_of(votes) if self._memory.goes_on_from(call) == key
        ]
        for call, good in own:
            session.judge(call, good=good)
        return any(not good for _, good in own)

    def _key(self, course: Course, who: str) -> Key | None:
        """Return the key of a session that no header names."""
        if course.after is not None:
            key = self._memory.goes_on_from(course.after)
            # Whoever names somebody else's reply does not come into their session.
            return key if key is not None and key[0] == who else None
        if course.first is None:
            return None
        return who, hash((course.identity or "", course.first))

    def _alike(self, asked: str, serving: str) -> list[str]:
        """Return the other deployments of the model that serves a session."""
        model = self._targets[serving].deployment.priced_as
        listed = self._router.candidates(asked)
        return [each.id for each in listed if each.priced_as == model and each.id != serving]

    def _horizon(self, exchange: Exchange, course: Course) -> int:
        named = exchange.request.head.horizon
        told = None if named is None else named.decode("latin-1").strip().lower()
        return CALLS[horizon_of(told, tools=exchange.own.tools, turns=course.turns)]

    def _record(self, alias: str, session: Session) -> Record:
        assert session.serving is not None
        lane = self._memory.lane(alias, session.serving)
        return Record(
            len(session.rejected),
            session.calls,
            lane.calls_of(OVERLONG_PERCENT),
            session.spent_nanos,
            lane.nanos_of(OVERLONG_PERCENT),
        )

    def _prices(self, exchange: Exchange, warm: Mapping[str, int], now_ns: int) -> dict[str, int]:
        """Return what later calls save where the prompt is kept, and what keeping it costs."""
        found: dict[str, int] = {}
        if len(exchange.body) < BODY_BYTES_MIN:
            return found
        prompt_tokens = tokens_of(len(exchange.body))
        for deployment in self._router.candidates(exchange.asked):
            target = self._targets[deployment.id]
            card = target.card(None, exchange.own.terms, now_ns)
            kept = self._caching.kept_of(exchange, target, prompt_tokens - TOKENS_STEP)
            if card is None or not kept.tokens:
                continue
            found[f"kept:{deployment.id}"] = warm_nanos(card, kept.tokens, prompt_tokens)
            if kept.written and deployment.id not in warm:
                found[f"enter:{deployment.id}"] = written_nanos(card, kept.tokens)
        return {name: nanos for name, nanos in found.items() if nanos}


def _circle(who: str, named: bytes | None, course: Course) -> Key | None:
    """Return what tells a client's work from others', None where it does not say."""
    if named is not None:
        return who, hash(("named", named))
    return None if course.identity is None else (who, hash(("said", course.identity)))


def _left_nanos(exchange: Exchange) -> int | None:
    """Return what the budgets of a call's run have left, as far as this worker has seen.

    None where it has none, and where more was spent than its limit: somebody has raised that.
    """
    if exchange.run is None:
        return None
    path = exchange.path
    left = [
        budget.limit_nanos - piece.posted_nanos - piece.held_nanos
        for piece, budget in zip(path.slices, path.budgets, strict=True)
        if budget.node.startswith(RUN_ANY) and budget.mode == "hard"
    ]
    return min(left) if left and min(left) > 0 else None


def _hashed(text: bytes | None) -> int | None:
    return None if text is None else hash(text)


def _name(told: bytes | None, key: Key) -> str | None:
    if told is not None:
        # The client's own name is in the record by itself.
        return None
    return f"~{hash(key) & ((1 << NAME_BITS) - 1):012x}"
