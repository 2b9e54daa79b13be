"""What is asked of an engine that keeps workflows: small, so that another can take its place."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

Flow = Callable[..., Awaitable[Any]]
"""A workflow's function; what it is given and returns has to be JSON or picklable."""


class FlowState(NamedTuple):
    """A workflow as the engine keeps it.

    Attributes:
        state: `running`, `done`, `failed` or `cancelled`.
        node: Whose it is, as `NODE-EPOCH`; None before anyone took it.
        code: What its code was when it started.
    """

    id: str
    name: str
    state: str
    node: str | None
    code: str


class WorkflowPort(Protocol):
    """An engine. Everything but `define` and `launch` needs it launched.

    Attributes:
        refused: Workflows that it did not take up again, as their code changed: cancelled.
    """

    refused: list[FlowState]

    def define(self, name: str, function: Flow) -> None:
        """Make a workflow known by its name, before `launch`."""

    def launch(self, code: str) -> None:
        """Start as a node with a lease, and take up what dead ones left, now and later.

        Args:
            code: Tells the program's code from any other's.
        """

    def close(self) -> None:
        """Stop; what runs goes on at the next launch."""

    async def start(self, id: str, name: str, args: Sequence[Any]) -> None:
        """Start a workflow; one of this id that is known already stays as it is."""

    async def spawn(self, name: str, args: Sequence[Any]) -> str:
        """Start a workflow below the one that runs; returns its id, the same at each replay."""

    async def result(self, id: str) -> Any:
        """Wait for what a workflow returns; raises what it raised."""

    async def step(self, name: str, function: Callable[[str], Awaitable[Any]]) -> Any:
        """Run a function once, kept: it gets `ID/NUMBER`, the same at each replay."""

    async def wait(self, topic: str, timeout_s: int) -> Any:
        """Wait, within a workflow, for a signal; None when none comes in time."""

    async def signal(self, id: str, topic: str, value: Any) -> None:
        """Send a workflow a signal; it is kept until it is waited for."""

    async def cancel(self, id: str) -> None:
        """Stop a workflow, and those below it, at their next step."""

    def list(self) -> Sequence[FlowState]:
        """Return all workflows, oldest first."""
