"""Where the processes of a node find each other in the data directory."""

import hashlib
import os
import tempfile
from pathlib import Path

from headgate.store.private import make_private, private

SOCKET_PATH_BYTES_MAX = 100
"""Unix socket addresses are about 108 bytes on Linux and 104 on macOS."""


def run_dir(data_dir: Path) -> Path:
    """Return the folder of pid files and the socket, made on first use."""
    path = data_dir / "run"
    make_private(path)
    return path


def in_force_path(data_dir: Path, number: int) -> Path:
    """Return the copy of the configuration that this node took up as its number-th."""
    return run_dir(data_dir) / f"in-force-{number}.toml"


def outcome_path(data_dir: Path) -> Path:
    """Return where a node says how its last reload went."""
    return run_dir(data_dir) / "reload.json"


def retiring_path(data_dir: Path, pid: int) -> Path:
    """Return the file that is there while a worker finishes the calls of an old configuration.

    It is empty until nothing but those calls is left of its connections.
    """
    return run_dir(data_dir) / f"retiring-{pid}.pid"


def journal_root(data_dir: Path) -> Path:
    """Return the folder of journals."""
    return data_dir / "journal"


def socket_path(data_dir: Path) -> Path:
    """Return the steward's socket; in a private folder elsewhere when the path is too long.

    Raises:
        PermissionError: That private folder belongs to somebody else.
    """
    path = data_dir.resolve() / "run" / "steward.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_BYTES_MAX:
        return path
    folder = Path(tempfile.gettempdir()) / f"headgate-{os.getuid()}"
    make_private(folder)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(f"{folder} belongs to somebody else")
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:24]
    return folder / f"{name}.sock"


def write_pid(data_dir: Path, name: str) -> None:
    """Leave this process's id where a person or a script looks for it: the last one or this."""
    new = run_dir(data_dir) / f"{name}.pid.new"
    with open(new, "w", opener=private) as file:
        file.write(f"{os.getpid()}\n")
    new.replace(run_dir(data_dir) / f"{name}.pid")


def read_pid(data_dir: Path, name: str) -> int | None:
    """Return the process id that was left under a name; None when none was."""
    try:
        return int((run_dir(data_dir) / f"{name}.pid").read_text())
    except OSError:
        return None
