"""The life of `crash_life.py`, killed at each crash point in turn; then the books are checked.

    python -m tests.torture.crash_everywhere FOLDER --kill --times 25

Prints one line of JSON a death. Without `--kill` it takes pictures instead of dying.
"""

import argparse
import gc
import json
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from headgate.units.errors import HeadgateError
from tests.torture.crash_points import Trap, all_sites, install

if __name__ == "__main__":
    TRAP = install()

# What is imported from here on has crash points, when this is run as a program.
from headgate.store import journal_writer
from headgate.store.migrate import open_store
from tests.torture.aftermath import verify
from tests.torture.crash_life import live

ELSEWHERE = (
    *("gateway/", "node/commands:by_steward:", "store/disk:allocate:unlink"),
    *("ledger/store_fleet:", "ledger/store_nodes:", "ledger/store_pools:", "node/joining:"),
    *("ledger/store_shared_allotments:", "ledger/keeper:return_idle:"),
    "ledger/store_repeats:open_repeats:",
)
"""Sites that need a whole node, several of them, or a disk that fails: other tests come to them."""
MISSED_PART = 10
"""At most a tenth of the sites may be missed by the life."""


class NoThread(Thread):
    """Is not to be had, so that whoever wants one does its work itself."""

    def start(self) -> None:
        """Refuse, as the system does.

        Raises:
            RuntimeError: Always.
        """
        raise RuntimeError("can't start new thread")


def in_scope() -> list[str]:
    """Return the sites that this life comes to."""
    return [site for site in all_sites() if not site.startswith(ELSEWHERE)]


def _apart(act: Callable[[], None]) -> int:
    """Do something in a process of its own; returns its exit status, or minus its signal."""
    child = os.fork()
    if child == 0:
        try:
            act()
        except BaseException as error:  # noqa: BLE001 - the child ends here, whatever it was
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_everywhere(folder: Path, trap: Trap, times: int, seed: int) -> Iterator[dict[str, Any]]:
    """Kill at each site, at different visits to it, and check what is left each time."""
    visits = _begin(folder, trap, times, seed)
    gc.collect()
    gc.freeze()
    for site in visits:
        for visit in visits[site]:
            data = _fresh(folder, "killed")
            trap.armed = (site, visit)
            died = _apart(partial(live, data))
            trap.armed = None
            sound = died == -9 and _apart(partial(verify, data)) == 0
            yield {"site": site, "visit": visit, "died": died, "sound": sound}
            _put_away(data, keep=not sound)


def photograph_everywhere(folder: Path, trap: Trap, seed: int) -> Iterator[dict[str, Any]]:
    """Check what a kill would leave at each site, without killing: the files as they are there.

    A SIGKILL changes no file, so a copy made at the site is what it leaves; one life is enough.
    It has one thread: while a picture is taken, nobody else may write.
    """
    setattr(journal_writer, Thread.__name__, NoThread)
    visits = _begin(folder, trap, 1, seed)
    data = _fresh(folder, "photographed")

    def take(site: str, visit: int) -> None:
        if visit in visits.get(site, ()):
            shutil.copytree(data, folder / "pictures" / f"{site.replace('/', '-')}@{visit}")

    trap.camera = take
    live(data)
    trap.camera = None
    for site in visits:
        for visit in visits[site]:
            picture = folder / "pictures" / f"{site.replace('/', '-')}@{visit}"
            try:
                verify(picture)
                wrong = ""
            except (AssertionError, HeadgateError) as error:
                wrong = f"{type(error).__name__}: {error}"
            yield {"site": site, "visit": visit, "sound": not wrong, "wrong": wrong}
            _put_away(picture, keep=bool(wrong))


def _begin(folder: Path, trap: Trap, times: int, seed: int) -> dict[str, list[int]]:
    """Live once unharmed, and choose at which visits to each site to kill.

    Raises:
        AssertionError: Too many sites are not come to: the life has to do what is new.
    """
    chance = random.Random(seed)
    (folder / "template").mkdir(parents=True)
    open_store(folder / "template").dispose()
    whole = _fresh(folder, "whole")
    trap.hits.clear()
    live(whole)
    hits = dict(trap.hits)
    verify(whole)
    trap.hits.clear()
    sites = [site for site in in_scope() if hits.get(site)]
    missed = [site for site in in_scope() if not hits.get(site)]
    assert len(missed) <= len(sites) // MISSED_PART, f"the life does not come to {missed}"
    return {
        site: sorted(chance.sample(range(1, hits[site] + 1), min(times, hits[site])))
        for site in sites
    }


def _fresh(folder: Path, name: str) -> Path:
    return Path(shutil.copytree(folder / "template", folder / name))


def _put_away(data: Path, *, keep: bool) -> None:
    if keep:
        data.rename(data.parent / f"failed-{len(list(data.parent.iterdir()))}")
    else:
        shutil.rmtree(data)


def main() -> None:
    """Print what came of each site."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=1, help="how often at each site, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kill", action="store_true", help="kill, instead of taking pictures")
    given = parser.parse_args()
    found = (
        kill_everywhere(given.folder, TRAP, given.times, given.seed)
        if given.kill
        else photograph_everywhere(given.folder, TRAP, given.seed)
    )
    for line in found:
        sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
