"""Reads the history of a branch with `git log`."""

import subprocess
from pathlib import Path

from headgate.economics.inputs import InputError
from headgate.economics.roi.merges import Commit, reverted_by

COMMITS_MAX = 200_000
SECONDS_MAX = 120
_END, _FIELD = "\0", "\x1f"


def load_commits(repository: Path, branch: str, since: str | None) -> list[Commit]:
    """Return the commits of a branch, the oldest first.

    Args:
        repository: The folder of a repository.
        branch: Whose history.
        since: A date as `git log --since` takes it; None for all.

    Raises:
        InputError: There is no such repository or branch, or git is missing or too slow.
    """
    period = [] if since is None else [f"--since={since}"]
    form = "--format=%H%x1f%P%x1f%B"
    asked = ["log", "-z", "--topo-order", "--reverse", form, *period, f"-n{COMMITS_MAX}"]
    text = _git(repository, *asked, "--end-of-options", branch, "--")
    rows = [row.split(_FIELD, 2) for row in text.split(_END) if row]
    parents = {row[0]: row[1].split() for row in rows}
    return [Commit(row[0], row[2], _brought(repository, parents, row[2])) for row in rows]


def _brought(repository: Path, parents: dict[str, list[str]], message: str) -> tuple[str, ...]:
    """Return what came in with the merge that a commit takes back; nothing where it is no merge."""
    merge = reverted_by(message)
    if merge is None or len(parents.get(merge, ())) < 2:
        return ()
    first, *others = parents[merge]
    return tuple(_git(repository, "rev-list", *others, f"^{first}", "--").split())


def _git(repository: Path, *arguments: str) -> str:
    # Signatures are not asked for: showing them runs a program that the repository may name.
    command = ["git", "-C", str(repository), "-c", "log.showSignature=false", *arguments]
    try:
        # S603, S607: git is the user's own, and whatever the user names is behind options' end.
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=SECONDS_MAX, check=False
        )
    except FileNotFoundError as error:
        raise InputError("git is not installed.", "Install git.") from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"git takes longer than {SECONDS_MAX} s.", "Give --since.") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise InputError(f"git: {said}.", "Name a repository with --git, and --branch of it.")
    return done.stdout.decode("utf-8", "replace")
