"""The routes that spend nothing: health, models, and what the steward answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

import msgspec

from headgate.capacity.health import BREAKER_OPEN, NO_CREDENTIAL, THROTTLED
from headgate.dialects.registry import Dialect
from headgate.gateway import control, own_budgets, unserved
from headgate.gateway.client import cors
from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.client.http_bytes import bodiless, whole
from headgate.gateway.client.request import Request
from headgate.gateway.hooks import PATH as HOOKS_PATH
from headgate.gateway.hooks import PREFIX as HOOKS
from headgate.gateway.refusals import NO_REALTIME, headers_of, stranger
from headgate.records.control import RESOURCES, ControlReply, ControlRequest
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.pipeline import Pipeline

REALTIME = b"/v1/realtime"
MODELS = (b"/v1/models", b"/v1beta/models")
WELL = "well"
PATHS: Final[tuple[bytes, ...]] = (
    *(b"/", b"/healthz", b"/readyz"),
    *MODELS,
    *control.PATHS,
    HOOKS_PATH,
)
"""Every path that spends nothing; all others are the dialects' and go through the pipeline."""

BASES = "Look at the base URL: some clients want it with /v1 at its end, others without."

_UNDER = tuple(b"%b/" % path for path in MODELS)
"""What paths begin with that end in the name of one model."""

_CODES = {code.code: code for code in errors.CODES}
_STEWARD_GONE = Refusal(errors.LEDGER_UNAVAILABLE, "The ledger is being restarted.", None, 2)


def answer(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    """Answer a request that is no call."""
    permitted = cors.preflight(request.head, client.clock.date_line)
    if permitted is not None:
        client.write(permitted)
        client.done(keep_alive=request.head.keep_alive)
    elif pipeline.batches.takes(request.head):
        pipeline.batches.answer(client, request)
    elif pipeline.stored.takes(request):
        pipeline.stored.answer(client, request)
    elif request.head.path.startswith(HOOKS):
        _hooked(pipeline, client, request)
    else:
        _answer(pipeline, client, request)


def _answer(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    path = request.head.path
    dialect = pipeline.world.dialect_of(request)
    resource = control.resource_of(path)
    if dialect is not None:
        _not_allowed(client, request, b"POST", dialect)
    elif (refusal := _unserved(request.head.method, path)) is not None:
        _refuse(client, request, refusal)
    elif resource is not None and request.credential is None:
        _refuse(client, request, stranger(pipeline.world.directory, request.head.key))
    elif resource is not None:
        _control(pipeline, client, request, resource)
    elif not _is_known(request):
        _unknown(pipeline, client, request)
    elif request.head.method != b"GET":
        _not_allowed(client, request, b"GET, HEAD", _spoken(client, request))
    elif path in (b"/", b"/healthz"):
        _send(client, request, 200, b'{"status":"ok"}')
    elif path == b"/readyz":
        _ready(pipeline, client, request)
    elif request.credential is None:
        _refuse(client, request, stranger(pipeline.world.directory, request.head.key))
    else:
        _models(pipeline, client, request)


def _is_known(request: Request) -> bool:
    """Tell whether a path is here, for whatever method: behind a model's name stands no other."""
    path = request.head.path
    if path.startswith(_UNDER):
        # A name may have a colon. So nothing but a POST tells that a method of it is meant.
        return request.head.method != b"POST" or b":" not in path
    return path in PATHS


def _unserved(method: bytes, path: bytes) -> Refusal | None:
    """Return why a path is not served that providers have; None for any other."""
    realtime = path == REALTIME or path.startswith(REALTIME + b"/")
    return NO_REALTIME if realtime else unserved.find(method, path)


def _ready(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    """Tell whether calls can be paid for, and how many deployments may be asked now."""
    world = pipeline.world
    away = pipeline.ending or pipeline.stopping or pipeline.lag.sheds
    ready = world.ready() and not away
    rules = Counter(each.health.rule(world.now_ns()) or WELL for each in world.targets.values())
    deployments = {name: rules[name] for name in (WELL, BREAKER_OPEN, THROTTLED, NO_CREDENTIAL)}
    body = {"status": "ready" if ready else "not ready", "deployments": deployments}
    _send(client, request, 200 if ready else 503, msgspec.json.encode(body))


def _unknown(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    paths = [path.decode() for path in PATHS]
    paths += [each.PATH for each in pipeline.world.dialects.values()]
    paths += pipeline.batches.paths()
    known = ", ".join(sorted(paths))
    asked = request.head.path[:128].decode("latin-1")
    meant = _meant(asked, paths)
    hint = f" Did you mean {meant}? {BASES}" if meant else ""
    message = f"There is no path {asked!r} here.{hint} The paths are {known}."
    _refuse(client, request, Refusal(errors.PATH_UNKNOWN, message))


def _meant(asked: str, paths: Iterable[str]) -> str | None:
    """Return the path that one was meant to be which has another beginning, or a slash behind."""
    ends = {path.removeprefix("/v1"): path for path in paths if path.startswith("/v1/")}
    written = asked.rstrip("/")
    return next((ends[end] for end in sorted(ends, key=len)[::-1] if written.endswith(end)), None)


def _not_allowed(client: ClientConnection, request: Request, allow: bytes, spoken: Dialect) -> None:
    """Say which methods a path takes, in the dialect of the path."""
    message, headers = f"Use {allow.decode()} here.", ((b"allow", allow),)
    refusal = Refusal(errors.METHOD_NOT_ALLOWED, message, headers=headers)
    body = spoken.render_refusal(refusal, None)
    _send(client, request, refusal.code.status, body, headers_of(refusal))


def _models(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    """Answer with the models a key may ask for, or one of them, in the dialect of the client."""
    assert request.credential is not None
    names = [
        (name, pipeline.started_ns)
        for name in pipeline.world.router.names
        if request.credential.may_use(name)
    ]
    spoken = _spoken(client, request)
    if request.head.path in MODELS:
        _send(client, request, 200, spoken.render_models(names))
        return
    asked = unquote(request.head.path.split(b"/", 3)[3].decode("latin-1"))
    found = next((each for each in names if each[0] == asked), None)
    if found is None:
        message = f"This key may use no model {asked[:128]!r}."
        _refuse(client, request, Refusal(errors.MODEL_UNKNOWN, message, "model"))
    else:
        _send(client, request, 200, spoken.render_model(*found))


def _spoken(client: ClientConnection, request: Request) -> Dialect:
    """Return the dialect whose models' path or sign the request bears, else the unsigned one."""
    names = {name for name, _ in request.head.forwarded} | {None}
    for each in client.dialects:
        base, _, rest = each.PATH.partition("/{model}")
        if rest and request.head.path.startswith(base.encode()):
            return each
    signed = [each for each in client.dialects if each.SIGN in names]
    return max(signed, key=lambda each: each.SIGN is not None)


def _control(pipeline: Pipeline, client: ClientConnection, request: Request, resource: str) -> None:
    """Have the steward answer a control request."""
    methods = RESOURCES[resource]
    if request.head.method.decode("latin-1") not in methods:
        allow = ", ".join(methods).replace("GET", "GET, HEAD")
        _not_allowed(client, request, allow.encode(), _spoken(client, request))
        return
    asked = control.read(request, resource)
    if resource == own_budgets.RESOURCE and not isinstance(asked, Refusal):
        asked = own_budgets.spending(pipeline.world.tagging, request, asked)
    if isinstance(asked, Refusal):
        _refuse(client, request, asked)
    else:
        _ask(pipeline, client, request, asked)


def _hooked(pipeline: Pipeline, client: ClientConnection, request: Request) -> None:
    """Take what a tracker tells; the steward keeps it."""
    if request.head.method != b"POST":
        _not_allowed(client, request, b"POST", _spoken(client, request))
        return
    heard = pipeline.hooks.hear(request)
    if isinstance(heard, Refusal):
        _refuse(client, request, heard)
    elif isinstance(heard, ControlReply):
        _send(client, request, heard.status, heard.body.encode())
    else:
        _ask(pipeline, client, request, heard)


def _ask(
    pipeline: Pipeline, client: ClientConnection, request: Request, asked: ControlRequest
) -> None:
    """Ask the steward, and answer with what it says."""

    def answered(reply: ControlReply | None) -> None:
        if reply is None:
            _refuse(client, request, _STEWARD_GONE)
        elif reply.code is None:
            if pipeline.cascading is not None and asked.resource == "feedback":
                pipeline.cascading.runs.hear_posted(asked.principal, asked.body)
            _send(client, request, reply.status, reply.body.encode())
        else:
            _refuse(client, request, Refusal(_CODES[reply.code], reply.body))

    if not pipeline.world.control.send(asked, answered):
        _refuse(client, request, _STEWARD_GONE)


def _refuse(client: ClientConnection, request: Request, refusal: Refusal) -> None:
    body = _spoken(client, request).render_refusal(refusal, None)
    _send(client, request, refusal.code.status, body, headers_of(refusal))


def _send(
    client: ClientConnection,
    request: Request,
    status: int,
    body: bytes,
    headers: list[tuple[bytes, bytes]] | None = None,
) -> None:
    keep = request.head.keep_alive
    lines = client.clock.date_line + request.head.lines
    answered = whole(status, body, lines, headers or (), close=not keep)
    client.write(bodiless(answered) if request.head.bodiless else answered)
    client.done(keep_alive=keep)
