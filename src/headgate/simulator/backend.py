"""What stands behind a provider's API: generates, charges, and goes wrong on demand."""

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from headgate.simulator.answers import Answer, Wish, compose
from headgate.simulator.batches import Batched
from headgate.simulator.bill import Bill, BillEntry, Usage
from headgate.simulator.dialect import ApiError, Dialect, Generation
from headgate.simulator.examples import example
from headgate.simulator.faults import Fault, FaultBoard, FaultKind
from headgate.simulator.gate import Gate
from headgate.simulator.markers import Markers, parse_markers
from headgate.simulator.pace import Pace, Tempo
from headgate.simulator.received import Received, ReceivedRequests
from headgate.simulator.replies import (
    Ending,
    Framing,
    Reply,
    Step,
    body_reply,
    json_reply,
    silent_reply,
)
from headgate.simulator.script import Act
from headgate.simulator.server import Exchange, Request
from headgate.simulator.skills import Skills
from headgate.simulator.tokens import LEXICON_WORDS, Lexicon

_SSE_HEADERS = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
_PAGES = {FaultKind.BAD_GATEWAY: 502, FaultKind.NONSENSE: 200}
_PAGE = b"<html><head><title>Bad Gateway</title></head><body>Bad Gateway</body></html>"
_SILENT = {FaultKind.STALL: Ending.STALL, FaultKind.RESET: Ending.RESET}
_BREAKING = {
    FaultKind.CUT: Ending.CUT,
    FaultKind.STALL_STREAM: Ending.STALL,
    FaultKind.ERROR_EVENT: Ending.COMPLETE,
}


@dataclass(slots=True)
class Shared:
    """What the providers of a simulator share.

    Attributes:
        pace: May be exchanged at any time.
        output_tokens: Visible tokens of an answer, unless a marker says otherwise.
        generating: Generations that began and have not been charged yet.
        skills: What models can do.
    """

    pace: Pace
    output_tokens: int
    random: random.Random
    lexicon: Lexicon
    bill: Bill
    faults: FaultBoard
    gate: Gate
    received: ReceivedRequests
    generating: int = 0
    skills: Skills = field(default_factory=Skills)


@dataclass(frozen=True, slots=True)
class _Job:
    """One generation on its way."""

    generation: Generation
    markers: Markers
    request_id: str
    fault: Fault | None = None

    def struck_by(self, *kinds: FaultKind) -> bool:
        return self.fault is not None and self.fault.kind in kinds


class Backend:
    """One provider.

    Attributes:
        batched: Its batches, None where it takes none.
    """

    def __init__(self, dialect: Dialect, shared: Shared) -> None:
        self._dialect = dialect
        self._shared = shared
        self.batched: Batched | None = None

    def handle(self, request: Request, exchange: Exchange) -> None:
        """Answer one request, now or when the gate lets it go."""
        self._record(request)
        request_id = self._dialect.request_id()
        try:
            if self.batched is not None and self.batched.handles(request):
                exchange.reply(self.batched.reply(request))
                return
            opened = self._open(request)
            if isinstance(opened, dict):
                headers = self._dialect.headers(request_id, None)
                exchange.reply(json_reply(200, headers, opened))
                return
            job = _Job(opened, _markers(opened), request_id)
        except ApiError as error:
            exchange.reply(self._dialect.error_reply(error, request_id))
            return
        exchange.on_cancel = self._shared.gate.enter(partial(self._start, job, exchange))

    def run_batched(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Run a line of a batch, at once and at batch rates; return status and document."""
        request_id = self._dialect.request_id()
        try:
            opened = self._open(request)
            assert not isinstance(opened, dict), "lines of batches generate"
            job = _Job(opened, _markers(opened), request_id)
        except ApiError as error:
            reply = self._dialect.error_reply(error, request_id)
            (body,) = next(reply.steps).frames
            return error.status, json.loads(body)
        answers = self._answers(job)
        usage = replace(
            opened.read_cache(),
            output=sum(answer.output_tokens for answer in answers),
            reasoning=sum(answer.thinking for answer in answers),
        )
        self._shared.generating += 1
        self._charge(job, usage, completed=True, batched=True)
        return 200, opened.document(answers, usage)

    def _open(self, request: Request) -> Generation | dict[str, Any]:
        """Understand a request as the dialect does.

        Raises:
            ApiError: It is refused, or a field that is read here has another form than it has
                at the provider, which refuses that too.
        """
        try:
            return self._dialect.open(request)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            message = f"A field of the request has a form that is not understood: {error}."
            raise ApiError(400, self._dialect.bad_request, message) from error

    def _record(self, request: Request) -> None:
        self._shared.received.add(
            Received(
                self._dialect.provider,
                request.method,
                request.target,
                request.headers,
                request.body,
                time.time_ns(),
            )
        )

    def _start(self, job: _Job, exchange: Exchange) -> None:
        if exchange.ended:
            return
        exchange.reply(self._reply(self._with_fault(job)))

    def _with_fault(self, job: _Job) -> _Job:
        board = self._shared.faults
        fault = job.markers.fault
        if fault is not None:
            fault = board.take_marked(fault, job.generation.standing.text)
        else:
            fault = board.take(self._dialect.provider, job.generation.asked)
        return _Job(job.generation, job.markers, job.request_id, fault)

    def _reply(self, job: _Job) -> Reply:
        if job.fault is None:
            return self._generate(job)
        fault = job.fault
        status = _PAGES.get(fault.kind)
        if status is not None:
            return body_reply(status, (("content-type", "text/html"),), _PAGE)
        if fault.kind is FaultKind.ERROR_EVENT and not job.generation.stream:
            fault = replace(fault, kind=FaultKind.SERVER_ERROR)
        error = self._dialect.fault_error(fault, job.generation.asked)
        if error is not None:
            return self._dialect.error_reply(error, job.request_id)
        if fault.kind in _SILENT:
            return silent_reply(_SILENT[fault.kind])
        return self._generate(job)

    def _generate(self, job: _Job) -> Reply:
        generation = job.generation
        self._shared.generating += 1
        answers = self._answers(job)
        prompt = generation.read_cache()
        usage = replace(
            prompt,
            output=prompt.output + sum(answer.output_tokens for answer in answers),
            reasoning=sum(answer.thinking for answer in answers),
        )
        tempo = Tempo(job.markers.apply(self._shared.pace), self._shared.random)
        if generation.stream:
            return self._streamed(job, answers, usage, tempo)
        return self._whole(job, answers, usage, tempo)

    def _answers(self, job: _Job) -> tuple[Answer, ...]:
        generation, markers, shared = job.generation, job.markers, self._shared
        limit: int | None = generation.limit or generation.model.output_tokens_max
        act = shared.skills.act(markers, generation)
        wish = _wish(generation, markers, act, shared.output_tokens)
        if job.struck_by(FaultKind.IGNORE_LIMIT):
            wished = wish.text if isinstance(wish.text, int) else shared.output_tokens
            wish = replace(wish, text=2 * (generation.limit or wished) + 10)
            limit = None
        return tuple(
            compose(
                wish, limit, lexicon=shared.lexicon, offset=shared.random.randrange(LEXICON_WORDS)
            )
            for _ in range(generation.choices)
        )

    def _whole(self, job: _Job, answers: tuple[Answer, ...], usage: Usage, tempo: Tempo) -> Reply:
        shown = None if job.struck_by(FaultKind.NO_USAGE) else usage
        body = job.generation.rendered(answers, shown)
        length = len(body)
        ending = Ending.COMPLETE
        if job.struck_by(FaultKind.CUT, FaultKind.STALL_STREAM):
            assert job.fault is not None, "a fault struck"
            ending = _BREAKING[job.fault.kind]
            body = body[: length // 2]
        step = Step(tempo.whole_ms(usage.output), (body,), usage.output)
        return Reply(
            status=200,
            headers=(
                ("content-type", job.generation.content_type),
                *self._dialect.headers(job.request_id, usage),
            ),
            steps=iter((step,)),
            framing=self._framing(job, Framing.LENGTH),
            content_length=length,
            ending=ending,
            # The model has done its work whether or not anyone waits for the reply.
            on_end=lambda _, completed: self._charge(job, usage, completed=completed),
        )

    def _streamed(
        self, job: _Job, answers: tuple[Answer, ...], usage: Usage, tempo: Tempo
    ) -> Reply:
        with_usage = not job.struck_by(FaultKind.NO_USAGE)
        steps = job.generation.steps(answers, usage, tempo, with_usage=with_usage)
        ending = Ending.COMPLETE
        broken = job.struck_by(*_BREAKING)
        if broken:
            assert job.fault is not None, "a fault struck"
            ending = _BREAKING[job.fault.kind]
            last = job.generation.error_frame(job.request_id)
            last = last or self._dialect.error_frame(job.request_id)
            is_error = job.fault.kind is FaultKind.ERROR_EVENT
            steps = _break_off(steps, job.fault.after_chunks, last if is_error else None)
        return Reply(
            status=200,
            headers=_SSE_HEADERS + self._dialect.headers(job.request_id, usage),
            steps=steps,
            framing=self._framing(job, Framing.CHUNKED),
            ending=ending,
            on_end=lambda tokens, completed: self._charge(
                job, usage.with_output(tokens), completed=completed and not broken
            ),
        )

    def _framing(self, job: _Job, usual: Framing) -> Framing:
        return Framing.CLOSE if job.struck_by(FaultKind.CLOSE_DELIMITED) else usual

    def _charge(self, job: _Job, usage: Usage, *, completed: bool, batched: bool = False) -> None:
        self._shared.generating -= 1
        self._shared.bill.add(
            BillEntry(
                request_id=job.request_id,
                reply_id=job.generation.reply_id,
                provider=self._dialect.provider,
                model=job.generation.model.served,
                usage=usage,
                completed=completed,
                at_ns=time.time_ns(),
                batched=batched,
                called=job.markers.called,
            )
        )


def _wish(generation: Generation, markers: Markers, act: Act, usual_tokens: int) -> Wish:
    """Return what a model does here: what the script says, else what the request demands."""
    offered = {tool.name: tool for tool in generation.tools}
    first = next(iter(offered), None)
    calls = tuple(
        (offered[name], call.arguments)
        for call in act.calls
        if (name := call.name or first) in offered
    )
    if generation.tool_forced and generation.tools and not calls:
        calls = ((generation.tools[0], None),)
    text: int | str = usual_tokens
    if markers.tokens is not None:
        text = markers.tokens
    elif act.text is not None:
        text = act.text
    elif calls:
        text = generation.tool_text
    elif generation.schema is not None:
        text = json.dumps(example(generation.schema, "text"), ensure_ascii=True)
    thinking = generation.thinking if markers.thinking is None else markers.thinking
    return Wish(thinking, text, calls)


def _markers(generation: Generation) -> Markers:
    try:
        return parse_markers(generation.standing.text)
    except ValueError as error:
        raise ApiError(400, "invalid_request_error", str(error)) from error


def _break_off(steps: Iterator[Step], after: int, last_frame: bytes | None) -> Iterator[Step]:
    """Yield the first `after` steps, never the last one of all, and then `last_frame`."""
    tokens = 0
    held = next(steps, None)
    for following in islice(steps, after):
        assert held is not None, "a step precedes this one"
        tokens = held.output_tokens
        yield held
        held = following
    if last_frame is not None:
        yield Step(0, (last_frame,), tokens)
