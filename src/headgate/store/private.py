"""Files that nobody else may read, whole on the disk before anybody goes by them."""

import os
from pathlib import Path

from headgate.store.disk import Disk


def write_private(path: Path, data: bytes) -> None:
    """Write a file whole, or leave what is there.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.new")
    made.unlink(missing_ok=True)
    with open(made, "xb", opener=_private) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    made.replace(path)
    Disk().sync_folder(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
