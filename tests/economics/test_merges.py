"""What a repository's history says became of runs: merged, reverted, and merged after all."""

import subprocess
from pathlib import Path

import pytest

from headgate.economics.inputs import InputError
from headgate.economics.roi.load_git import load_commits
from headgate.economics.roi.merges import endings

WHO = ("-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "commit.gpgsign=false")


def git(repository: Path, *arguments: str) -> None:
    """Do something in a repository."""
    command = ["git", "-C", str(repository), *WHO, *arguments]
    subprocess.run(command, check=True, capture_output=True)


def commit(repository: Path, file: str, message: str) -> None:
    """Commit a file of its own."""
    (repository / file).write_text(file)
    git(repository, "add", file)
    git(repository, "commit", "-m", message)


def told(repository: Path, *, by_branch: bool = False) -> dict[str, bool]:
    """Return what became of each subject, by its name."""
    found = endings(load_commits(repository, "HEAD", None), by_branch=by_branch)
    assert all(one.note.endswith(one.commit[:12]) for one in found)
    return {f"{one.kind}:{one.subject}": one.success for one in found}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a commit of a run, and a merged branch of two more."""
    git(tmp_path, "init", "-b", "main")
    commit(tmp_path, "a", "Add a\n\nHeadgate-Run: ticket-1\nheadgate-call: call_1")
    git(tmp_path, "switch", "-c", "fix-2")
    commit(tmp_path, "b", "Add b\n\nHeadgate-Run: ticket-2")
    commit(tmp_path, "c", "Add c\n\nHeadgate-Session: chat-3")
    git(tmp_path, "switch", "main")
    git(tmp_path, "merge", "--no-ff", "fix-2")
    return tmp_path


def test_what_is_in_the_branch_succeeded(repository: Path) -> None:
    """Trailers name what made a commit; branches count where they are said to."""
    named = {"run:ticket-1": True, "call:call_1": True, "run:ticket-2": True}
    named["session:chat-3"] = True

    assert told(repository) == named
    assert told(repository, by_branch=True) == named | {"run:fix-2": True}


def test_a_reverted_merge_takes_all_of_it_back(repository: Path) -> None:
    """All that came with the branch failed, and nothing else."""
    git(repository, "revert", "-m", "1", "--no-edit", "HEAD")

    assert told(repository, by_branch=True) == {
        "run:ticket-1": True,
        "call:call_1": True,
        "run:ticket-2": False,
        "session:chat-3": False,
        "run:fix-2": False,
    }


def test_a_reverted_revert_counts_again(repository: Path) -> None:
    """The last word counts."""
    git(repository, "revert", "--no-edit", "HEAD~1")
    assert told(repository)["run:ticket-1"] is False

    git(repository, "revert", "--no-edit", "HEAD")

    assert told(repository)["run:ticket-1"] is True
    assert told(repository)["run:ticket-2"] is True


@pytest.mark.parametrize("branch", ["nowhere", "--output=owned"])
def test_what_is_no_branch_is_refused(repository: Path, branch: str) -> None:
    """A name is never taken for an option, and git's own words say what is wrong."""
    with pytest.raises(InputError, match="git: "):
        load_commits(repository, branch, None)

    assert not (repository / "owned").exists()
