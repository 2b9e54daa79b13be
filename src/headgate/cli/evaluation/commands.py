"""What tasks that are commands need while a suite runs: a relay, and where programs find it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headgate.economics.suites.load_answers import Asker
from headgate.economics.suites.load_commands import Commands
from headgate.economics.suites.load_relay import Relay
from headgate.economics.suites.task import Suite

ENVIRONMENT = Path(__file__).with_name("environment.txt")


@contextmanager
def commands_of(suite: Suite, folder: Path, asker: Asker) -> Iterator[Commands | None]:
    """Yield what runs a suite's commands in the run of `asker`; None where it has none.

    Args:
        suite: Whose tasks.
        folder: That of the suite.
        asker: As whom, and in whose run.
    """
    if all(task.command is None for task in suite.tasks):
        yield None
        return
    relay = Relay(asker.place, asker.key)
    try:
        yield Commands(suite, folder, asker, relay, environment())
    finally:
        relay.close()


def environment() -> dict[str, str]:
    """Return the variables by which programs find a gateway, their values still to be filled."""
    lines = ENVIRONMENT.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)
