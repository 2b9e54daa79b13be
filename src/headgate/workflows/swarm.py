"""Plain async functions as durable runs: `@workflow`, `@step`, and the swarm that runs them.

    @step
    async def ask(question: str) -> str:
        client = openai_client()
        reply = await client.chat.completions.create(model="fast", messages=[...])
        return reply.choices[0].message.content

    @workflow
    async def research(topics: list[str]) -> list[str]:
        agents = [await agent.spawn(topic) for topic in topics]
        return [await each.result() for each in agents]

A workflow has to do the same each time it is run: whatever asks the world is a step. Steps are
numbered in the order they are called, so steps that are to run at once belong into workflows of
their own, by `spawn`.
"""

import hashlib
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Generic, NamedTuple, ParamSpec, TypeVar, cast

from headgate.workflows.gateway import Gateway, Step
from headgate.workflows.port import WorkflowPort

P = ParamSpec("P")
R = TypeVar("R")

APPROVAL_TIMEOUT_S = 30 * 86_400


class _Current(NamedTuple):
    swarm: "Swarm"
    run: str


_current: ContextVar[_Current] = ContextVar("headgate_run")
_step: ContextVar[Step] = ContextVar("headgate_step")
_sources: dict[str, str] = {}
_workflows: dict[str, "Workflow[..., Any]"] = {}


class RunCodeChangedError(Exception):
    """A run's code changed under it (`run_code_changed`)."""

    code = "run_code_changed"


class Handle(NamedTuple, Generic[R]):
    """A workflow that was spawned."""

    id: str

    async def result(self) -> R:
        """Wait for what it returns; raises what it raised."""
        return cast(R, await _current.get().swarm.engine.result(self.id))


class Workflow(Generic[P, R]):
    """A function that is a workflow."""

    def __init__(self, function: Callable[P, Coroutine[Any, Any, R]]) -> None:
        self.name = function.__name__
        self.function = function

    async def spawn(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R]:
        """Start it below the workflow that runs, in the same run."""
        current = _current.get()
        given = (current.run, list(args), dict(kwargs), False)
        return Handle(await current.swarm.engine.spawn(self.name, given))


def workflow(function: Callable[P, Coroutine[Any, Any, R]]) -> Workflow[P, R]:
    """Make a function a workflow.

    Raises:
        ValueError: A workflow of another module has its name, by which runs are taken up.
    """
    made = Workflow(function)
    known = _workflows.get(made.name)
    if known is not None and known.function.__module__ != function.__module__:
        raise ValueError(f"There is a workflow {made.name!r} in {known.function.__module__}.")
    _workflows[made.name] = made
    _sources[f"workflow {made.name}"] = _source(function)
    return made


def step(function: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Make a function a step of workflows: done once, its result kept."""
    name = getattr(function, "__name__", "step")
    _sources[f"step {function.__module__}.{name}"] = _source(function)

    async def run(*args: P.args, **kwargs: P.kwargs) -> R:
        current = _current.get()

        async def once(number: str) -> R:
            token = _step.set(Step(current.swarm.gateway, current.run, number))
            try:
                return await function(*args, **kwargs)
            finally:
                _step.reset(token)

        return cast(R, await current.swarm.engine.step(name, once))

    return run


def current_step() -> Step:
    """Return the step that runs.

    Raises:
        LookupError: None does.
    """
    return _step.get()


async def approval(topic: str = "approval", timeout_s: int = APPROVAL_TIMEOUT_S) -> Any:
    """Wait for what a person says: `headgate runs approve RUN`; None when nobody does in time.

    It is for the workflow that the run was started with, not for those it spawns. Nothing is held
    meanwhile, and the wait outlives the process.
    """
    swarm, run = _current.get()
    await swarm.became(run, "waiting")
    said = await swarm.engine.wait(topic, timeout_s)
    await swarm.became(run, "running")
    return said


def _source(function: Any) -> str:
    """Return what a function's code is known by: its source, or what was compiled of it."""
    try:
        return inspect.getsource(function)
    except OSError:
        code = function.__code__
        return f"{code.co_code!r} {code.co_consts!r} {code.co_names!r}"


def code_of_all() -> str:
    """Return a hash of the source of every workflow and step."""
    text = "\n".join(f"{name}\n{_sources[name]}" for name in sorted(_sources))
    return hashlib.sha256(text.encode()).hexdigest()


class Swarm:
    """Runs workflows: an engine that keeps them, and the gateway that pays their calls."""

    def __init__(self, engine: WorkflowPort, gateway: Gateway) -> None:
        self.engine = engine
        self.gateway = gateway

    def __enter__(self) -> "Swarm":
        """Launch the engine and take up what was left."""
        for made in _workflows.values():
            self.engine.define(made.name, self._body(made))
        self.engine.launch(code_of_all())
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the engine."""
        self.engine.close()

    async def start(
        self,
        made: Workflow[P, R],
        *args: Any,
        run: str,
        budget_usd: str | None = None,
        parent: str | None = None,
    ) -> None:
        """Start a run; one that is known already goes on as it is.

        Raises:
            GatewayRefusedError: The gateway refuses the run or its budget: nothing was started.
        """
        await self.gateway.open_run(run, agent=made.name, parent=parent, budget_usd=budget_usd)
        await self.engine.start(run, made.name, (run, list(args), {}, True))

    async def result(self, run: str) -> Any:
        """Wait for what a run returns; raises what it raised.

        Raises:
            RunCodeChangedError: It was refused, as its code changed.
        """
        if any(each.id == run for each in self.engine.refused):
            raise RunCodeChangedError(f"The code of run {run!r} changed under it: it is cancelled.")
        return await self.engine.result(run)

    async def became(self, run: str, state: str) -> None:
        """Tell the gateway what became of a run, as a step of its workflow."""

        async def tell(_number: str) -> None:
            await self.gateway.change_run(run, state)

        await self.engine.step(f"became {state}", tell)

    def _body(self, made: Workflow[..., Any]) -> Callable[..., Awaitable[Any]]:
        async def body(run: str, args: list[Any], kwargs: dict[str, Any], is_run: bool) -> Any:
            _current.set(_Current(self, run))
            try:
                returned = await made.function(*args, **kwargs)
            except Exception:
                if is_run:
                    await self.became(run, "failed")
                raise
            if is_run:
                await self.became(run, "done")
            return returned

        return body
