"""Changing something for a command: through the steward, or in the store when none runs."""

import getpass
import os
from pathlib import Path

from msgspec.structs import replace

from headgate.cli.output import EXIT_NO, fail
from headgate.node.commands import Command, command
from headgate.node.messages import Failed


def change(data_dir: Path, message: Command, fix: str) -> None:
    """Have a change made, durably; ends the command, with a fix, when it was refused.

    Raises:
        StoreError: No steward runs and the store cannot be changed.
    """
    answer = command(data_dir, replace(message, by=whoami()))
    if isinstance(answer, Failed):
        fail(answer.reason, fix, EXIT_NO)


def whoami() -> str:
    """Return who types, as the audit chain names them: the user of the operating system."""
    try:
        return f"user:{getpass.getuser()}"
    except (OSError, KeyError):
        # Nobody has given this user id a name.
        return f"user:{os.getuid()}"
