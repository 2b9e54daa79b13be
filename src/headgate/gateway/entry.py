"""What a call asks for, and whether it may: the reading behind step 2, and step 3, permit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from headgate.catalog.facts import near_names
from headgate.dialects.opened import LONG_BYTES
from headgate.dialects.registry import ConversationDialect, Dialect, FormDialect, dialects
from headgate.gateway.client.http_bytes import JSON
from headgate.gateway.client.request import Head
from headgate.gateway.learning.feedback import pass_on
from headgate.gateway.money.own_terms import note_contracts
from headgate.gateway.money.paths import NO_TAGS, SpendPath
from headgate.gateway.refusals import barred_tool
from headgate.governance.requirements import Caller, Rulebook
from headgate.identity.directory import Credential
from headgate.identity.tags import Tagging
from headgate.records.demand import Demand
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.ids import is_run

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.world import World
    from headgate.routing.router import Router

_CONVERSATIONS: Final = frozenset(
    each.KIND for each in dialects().values() if hasattr(each, "CONVERSATION")
)
_FORMS: Final = frozenset(each.KIND for each in dialects().values() if hasattr(each, "tell"))
"""The dialects whose bodies are forms: to ask each call's whether it is one takes longer."""


def read(world: World, exchange: Exchange) -> Refusal | None:
    """Read what a call asks for: its headers that matter, and its body by its dialect."""
    request = exchange.request
    head = request.head
    if (encoded := refuse_coding(head)) is not None:
        return encoded
    if request.upload is None and (unread := _unread(head, exchange.dialect)) is not None:
        return unread
    if head.run is not None:
        run = read_run(head.run)
        if isinstance(run, Refusal):
            return run
        exchange.run = run
    named = request.named
    if isinstance(named, Refusal):
        return named
    body = _body(exchange)
    if isinstance(body, Refusal):
        return body
    exchange.body = body
    demand = _demand(world, exchange)
    if isinstance(demand, Refusal):
        return demand
    if named is not None:
        demand = replace(demand, model=named.model, stream=named.stream)
    exchange.demand = exchange.own = demand
    exchange.asked = demand.model
    return None


def read_run(told: bytes) -> str | Refusal:
    """Return the run that a header names; why it is refused, when it names none."""
    run = told.decode("latin-1")
    if is_run(run):
        return run
    name = "A run is named by 1 to 64 of A-Z a-z 0-9 . _ : -, a letter or digit first."
    return Refusal(errors.RUN_INVALID, name, "x-headgate-run")


def _demand(world: World, exchange: Exchange) -> Demand | Refusal:
    """Read a body; a long one as the conversation it may go on with."""
    dialect, credential = exchange.dialect, exchange.request.credential
    if len(exchange.body) < LONG_BYTES or credential is None or dialect.KIND not in _CONVERSATIONS:
        return dialect.read(exchange.body)
    theirs = world.conversations.of(credential.principal, dialect.KIND)
    return cast(ConversationDialect, dialect).read(exchange.body, theirs)


UNENCODED: Final = ((b"accept-encoding", b"identity"),)
"""What a refused coding is answered with (RFC 9110, 12.5.3)."""


def refuse_coding(head: Head) -> Refusal | None:
    """Refuse a body that is compressed or coded otherwise; None for one that is as it is."""
    if head.content_encoding in (b"", b"identity"):
        return None
    message = "Send the body as it is, without a content-encoding."
    return Refusal(errors.CONTENT_UNSUPPORTED, message, headers=UNENCODED)


def _unread(head: Head, dialect: Dialect) -> Refusal | None:
    """Tell why a body that is no form is not read, None when it is."""
    if dialect.KIND in _FORMS:
        message = "Send a form with `content-type: multipart/form-data`; other bodies are not read."
        return Refusal(errors.CONTENT_UNSUPPORTED, message)
    kind = head.content_type
    if kind and kind != JSON and not kind.lower().startswith(JSON):
        sent = kind[:64].decode("latin-1")
        message = f"Send JSON with `content-type: application/json`, not {sent!r}."
        return Refusal(errors.CONTENT_UNSUPPORTED, message)
    return None


def _body(exchange: Exchange) -> bytes | Refusal:
    """Return the body as its dialect reads it: that of a form is told as JSON."""
    upload = exchange.request.upload
    if upload is None:
        return exchange.request.body()
    return upload.told(cast(FormDialect, exchange.dialect))


def permit(pipeline: Pipeline, exchange: Exchange) -> Refusal | None:
    """Tell why a call may not be made; None when it may. Finds what it is held on."""
    world = pipeline.world
    credential, demand = exchange.request.credential, exchange.demand
    assert credential is not None
    tags = tags_of(world.tagging, credential, exchange.request.head)
    if isinstance(tags, Refusal):
        return tags
    find_path(pipeline, exchange, tags)
    if credential.delegation is not None:
        refusal = barred_tool(exchange.dialect, exchange.body, credential.delegation)
        if refusal is not None:
            return refusal
    # Most keys may use all; to ask one takes longer than to look.
    may_use = credential.models is None or credential.may_use(demand.model)
    if not may_use or not world.router.knows(demand.model):
        return _not_offered(world.router, credential, demand.model)
    if exchange.request.head.outcome is not None and exchange.phase == "receive":
        cascading = pipeline.cascading
        runs = None if cascading is None else cascading.runs
        refusal = pass_on(world.control, exchange, runs)
        if refusal is not None:
            return refusal
    if pipeline.frozen or exchange.run is not None:
        refusal = _stopped(pipeline, exchange)
        if refusal is not None:
            return refusal
    if not world.rulebook.is_empty or exchange.request.head.data_class is not None:
        return _require(world.rulebook, credential, exchange) or unbounded(world, exchange)
    return unbounded(world, exchange)


def _not_offered(router: Router, credential: Credential, model: str) -> Refusal:
    """Return why a model may not be asked for: there is none, or the key may not use it."""
    if router.knows(model):
        message = f"The key {credential.key!r} may not use {model!r}."
        return Refusal(errors.NOT_PERMITTED, message, "model")
    near = near_names(model, [name for name in router.names if credential.may_use(name)])
    hint = f" Did you mean {' or '.join(near)}?" if near else " See GET /v1/models."
    return Refusal(errors.MODEL_UNKNOWN, f"There is no model {model[:128]!r}.{hint}", "model")


def tags_of(tagging: Tagging, credential: Credential, head: Head) -> tuple[str, ...] | Refusal:
    """Return what a call is tagged with; why it may not be made, for what it says."""
    told = head.tags
    if told is None and tagging.is_empty:
        return NO_TAGS
    return tagging.tags_of(credential.key, told)


def unbounded(world: World, exchange: Exchange) -> Refusal | None:
    """Refuse what has no bounded cost where a hard budget limits it, and nothing caps it."""
    demand = exchange.demand
    if demand.unbounded is None or not exchange.path.hard:
        return None
    return world.caps.refuse(demand)


def find_path(pipeline: Pipeline, exchange: Exchange, tags: tuple[str, ...]) -> None:
    """Find what a call that is made now is held on, wherever it goes, and by whose prices."""
    world = pipeline.world
    exchange.path = _path(world, exchange, tags, pipeline.now_ns())
    if world.contract_nodes:
        note_contracts(exchange, world.contract_nodes)


def _path(world: World, exchange: Exchange, tags: tuple[str, ...], now_ns: int) -> SpendPath:
    credential = exchange.request.credential
    assert credential is not None
    if credential.delegation is None:
        path = world.paths.find(credential, exchange.run, tags, now_ns)
    else:
        path = world.allotments.path(credential, exchange.run, tags, now_ns)
    return path.unpaid() if exchange.demand.free else path


def steer(world: World, exchange: Exchange) -> Refusal | None:
    """Find what an attempt is held on that begins now; or tell why it cannot be bounded there.

    Where it goes matters, and its period: it may have waited for its place over midnight.
    """
    path = _path(world, exchange, exchange.path.tags, exchange.sent_ns)
    exchange.path = path.toward(exchange.target.deployment)
    return unbounded(world, exchange)


def _stopped(pipeline: Pipeline, exchange: Exchange) -> Refusal | None:
    """Tell whether a guard or a person has stopped what a call is of."""
    guards = pipeline.world.guards
    # A call with an idempotency key comes by twice: it counts when it arrives, not when it goes on.
    if exchange.run is not None and guards is not None and exchange.phase == "receive":
        refusal = guards.refuse(exchange, pipeline.now_ns())
        if refusal is not None:
            return refusal
    return pipeline.why_frozen((*exchange.path.nodes, f"model:{exchange.asked}"))


def _require(rulebook: Rulebook, credential: Credential, exchange: Exchange) -> Refusal | None:
    """Find what is required of who serves a call; why it may not be made, for its data."""
    told = exchange.request.head.data_class
    data_class = rulebook.class_of(credential.key, None if told is None else told.decode("latin-1"))
    if isinstance(data_class, Refusal):
        return data_class
    caller = Caller(credential.key, credential.principal, credential.team)
    exchange.required = rulebook.find(caller, data_class)
    return None
