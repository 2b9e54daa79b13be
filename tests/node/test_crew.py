"""What the supervisor keeps of workers that retire."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from headgate.config.snapshot import Snapshot
from headgate.node.child import Child
from headgate.node.paths import retiring_path
from headgate.node.reloading import Crew

PID = 4711


@dataclass
class Process:
    """A process that ends between two looks."""

    looks: list[int | None] = field(default_factory=lambda: [None, 0, 0])
    pid: int = PID

    def poll(self) -> int | None:
        """Return whether it has ended, once more."""
        return self.looks.pop(0)


def test_a_worker_that_ends_while_it_is_looked_at_leaves_no_file(tmp_path: Path) -> None:
    """It is forgotten when it is seen to be gone, and its file with it."""
    crew = Crew(
        config=tmp_path / "headgate.toml",
        data_dir=tmp_path,
        snapshot=cast(Snapshot, None),  # nothing here asks for it
        copy=tmp_path / "in-force-0.toml",
        gateway_fds=(),
        gateway_url="",
        console_url="",
        console_port=0,
    )
    crew.steward.due_s = float("inf")  # and nobody is started
    crew.retiring = [Child("worker-0", (), process=Process())]  # type: ignore[arg-type]  # stands for one
    told = retiring_path(tmp_path, PID)
    told.touch()

    crew.keep()
    assert told.exists()
    crew.keep()
    assert not told.exists()
    assert crew.retiring == []
