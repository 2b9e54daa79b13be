"""Changing something for a command: through the steward, or in the store when none runs."""

from pathlib import Path

from headgate.cli.output import EXIT_NO, fail
from headgate.node.commands import Command, command
from headgate.node.messages import Failed


def change(data_dir: Path, message: Command, fix: str) -> None:
    """Have a change made, durably; ends the command, with a fix, when it was refused.

    Raises:
        StoreError: No steward runs and the store cannot be changed.
    """
    answer = command(data_dir, message)
    if isinstance(answer, Failed):
        fail(answer.reason, fix, EXIT_NO)
