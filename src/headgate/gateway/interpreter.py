"""In which dialect an attempt speaks, and what that takes: a call may have to be translated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from headgate.dialects.opened import Members
from headgate.dialects.registry import Dialect, SpokenDialect
from headgate.dialects.translation.fields import TranslationError
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.registry import Teller, Translator
from headgate.dialects.translation.translated import Translated
from headgate.records.conversation import Bound, Call
from headgate.records.demand import Demand, Edit
from headgate.routing.candidate import Quoted
from headgate.routing.router import Router
from headgate.units.errors import FEATURE_UNSUPPORTED, MODEL_UNKNOWN, THREAD_UNSUPPORTED, Refusal
from headgate.units.instants import NANOS_PER_SECOND

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.target import Target


Saying = tuple[Dialect | Translated, bytes, Demand, tuple[str, ...]]
"""What an attempt speaks, the body it sends, that body's demand, and what the body leaves out."""


class Interpreter:
    """Knows every dialect, and which of them can be translated.

    Args:
        dialects: Those that clients speak, by kind.
        spoken: Those and others that providers speak, by kind.
        translators: By kind, for calls that come in.
        tellers: By kind, for calls that go out.

    Attributes:
        translators: The same.
    """

    def __init__(
        self,
        dialects: Mapping[str, Dialect],
        spoken: Mapping[str, SpokenDialect],
        translators: Mapping[str, Translator],
        tellers: Mapping[str, Teller],
    ) -> None:
        self.translators = translators
        self._dialects = dialects
        self._spoken = spoken
        self._tellers = tellers

    def bound(self, exchange: Exchange, router: Router) -> Bound | None:
        """Return where a conversation may go because of what it carries, None for anywhere."""
        kind = exchange.dialect.KIND
        if not router.is_mixed(exchange.asked, kind) or kind not in self.translators:
            return None
        return self.translators[kind].bound(exchange.body, exchange.meant)

    def understand(self, exchange: Exchange, router: Router) -> Iterator[None]:
        """Read what a large body means, with pauses, where its call may be translated.

        One that cannot be understood is refused when it is to be said.
        """
        translator = self.translators.get(exchange.dialect.KIND)
        if translator is None or not router.translates(exchange.asked, exchange.dialect.KIND):
            return
        try:
            members = exchange.own.members
            body = members if isinstance(members, Members) else dict(members)
            exchange.meant = yield from translator.parsing(body)
        except TranslationError:
            return

    def say(
        self, exchange: Exchange, quoted: Quoted, target: Target, now_ns: int
    ) -> Saying | Refusal:
        """Return how a call is said to a target, in a dialect it speaks; or why it cannot be."""
        own = exchange.own
        if quoted.via is None:
            if own.thread and not target.keeps_threads:
                name = target.deployment.provider
                message = f"thread: {name} may keep none; send the whole conversation."
                return Refusal(THREAD_UNSUPPORTED, message, "thread")
            return exchange.dialect, exchange.body, own, ()
        deployment = target.deployment
        wanted = deployment.output_tokens_default
        if own.output_tokens_max is not None:
            wanted = own.output_tokens_max
        limit = min(wanted, deployment.output_tokens_max)
        spoken = Translated(
            (exchange.dialect, self.translators[exchange.dialect.KIND]),
            (self._spoken[quoted.via], self._tellers[quoted.via]),
            now_ns // NANOS_PER_SECOND,
            exchange.call,
        )
        done = spoken.translate(
            exchange.meant or own.members,
            Edit(deployment.model, limit, target.limit_field, target.limit_needed),
            stream=own.stream,
            drop=exchange.decision.drops,
        )
        if isinstance(done, Refusal):
            return done
        return spoken, done.body, done.demand, done.lost

    def put(self, call: Call, target: Target) -> Saying | None:
        """Return how a call of our own is said to a target, in the first dialect that will do.

        Args:
            call: What is asked, with its limit.
            target: Who is asked.

        Returns:
            None when no dialect it speaks can say it.
        """
        deployment = target.deployment
        limit = min(call.output_tokens_max or 1, deployment.output_tokens_max)
        edit = Edit(deployment.model, limit, target.limit_field, target.limit_needed)
        for kind in deployment.dialects:
            translator, dialect = self.translators.get(kind), self._dialects.get(kind)
            if translator is None or dialect is None:
                continue
            try:
                new = translator.render_call(call, edit, Losses(()))
            except TranslationError:
                continue
            return dialect, new.body, new.demand, ()
        return None

    def why_unserved(self, exchange: Exchange, router: Router) -> Refusal:
        """Tell why no deployment of a name could be tried, and where it is served, if anywhere."""
        if exchange.unsaid is not None:
            return exchange.unsaid
        asked = exchange.asked
        if any(rule == "bound_state" for _, rule in exchange.decision.excluded):
            message = (
                f"The conversation carries signed thoughts, files or results that no deployment"
                f" of {asked!r} that is left can read. Begin a new one, or leave them out."
            )
            return Refusal(FEATURE_UNSUPPORTED, message, "messages")
        spoken = router.spoken(asked)
        paths = [each.PATH for kind, each in self._dialects.items() if kind in spoken]
        where = f"it is served at {' and '.join(sorted(paths))}" if paths else "nothing serves it"
        here = exchange.dialect.PATH
        return Refusal(MODEL_UNKNOWN, f"{asked!r} is not served at {here}; {where}.", "model")
