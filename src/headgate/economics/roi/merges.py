"""What became of calls, runs and sessions, as the history of a repository tells it.

Whose result is in the branch succeeded; a later commit that takes it back out says that it did not,
and one that takes that commit back says that it did after all. Commits name what made them by
trailers (`git-interpret-trailers`), merges by the name of the branch that they merge.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from headgate.trackers.naming import Subject, trailers

_REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{40})\b", re.M)
_MERGED = re.compile(
    r"\AMerge (?:branch '([^'\n]+)'|pull request #\d+ from [^/\s]+/(\S+))", re.ASCII
)
SHOWN_DIGITS = 12

Kind = Literal["call", "run", "session"]


class Commit(NamedTuple):
    """A commit.

    Attributes:
        id: Its hash, 40 digits.
        message: All of it.
        brought: The hashes of the commits that a merge brought in, where they matter.
    """

    id: str
    message: str
    brought: tuple[str, ...] = ()


class Ending(NamedTuple):
    """What became of something: whether its result is in, and the commit that decided it."""

    kind: str
    subject: str
    success: bool
    commit: str

    @property
    def note(self) -> str:
        """The commit in words."""
        return f"{'commit' if self.success else 'reverted by'} {self.commit[:SHOWN_DIGITS]}"


def endings(commits: Iterable[Commit], *, by_branch: bool) -> list[Ending]:
    """Return the endings that a history tells, each subject once.

    Args:
        commits: The oldest first.
        by_branch: A merged branch's name is the name of a run, too.
    """
    made: dict[str, tuple[frozenset[Subject], bool]] = {}
    found: dict[Subject, Ending] = {}
    for commit in commits:
        subjects, success = frozenset(_named(commit.message, by_branch=by_branch)), True
        if (reverted := _REVERTED.search(commit.message)) is not None:
            undone = [made[one] for one in (reverted[1], *_brought(commit, made)) if one in made]
            subjects = frozenset(subject for each, _ in undone for subject in each)
            success = not any(was for _, was in undone)
        made[commit.id] = subjects, success
        for kind, name in sorted(subjects):
            found[kind, name] = Ending(kind, name, success, commit.id)
    return list(found.values())


def reverted_by(message: str) -> str | None:
    """Return the hash of the commit that a commit takes back, None when it takes none."""
    found = _REVERTED.search(message)
    return None if found is None else found[1]


def _brought(commit: Commit, made: dict[str, tuple[frozenset[Subject], bool]]) -> list[str]:
    return [one for one in commit.brought if one in made]


def _named(message: str, *, by_branch: bool) -> Iterable[Subject]:
    """Yield what a message names."""
    yield from trailers(message)
    merged = _MERGED.match(message)
    if by_branch and merged is not None:
        yield "run", merged[1] or merged[2]
