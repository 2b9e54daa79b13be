"""The pages say what the code does, and their links lead somewhere."""

import re
from pathlib import Path

import pytest

from tests.architecture import repository
from tests.architecture.documented import (
    REFERENCE,
    SUBJECTS,
    Subject,
    anchors,
    headings,
    prose,
    unexplained,
)
from tests.architecture.repository import ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
ROOM = re.compile(r"^[\s|*-]*`?([a-z_]+(?:/|\.py))`?(?=[\s:,|]|$)", re.M)
LINK = re.compile(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.I)

PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "src").rglob("*.md"),
        *(ROOT / "tests").rglob("*.md"),
    ]
)


def test_the_architecture_lists_the_rooms_that_exist() -> None:
    """`docs/architecture.md` names every room, each at the start of a line, and no other.

    A room is written `units/`, a module beside the rooms `app.py`.
    """
    if not ARCHITECTURE.exists():
        pytest.skip("docs/architecture.md is not written yet")
    told = set(ROOM.findall(ARCHITECTURE.read_text(encoding="utf-8"))) - {"src/", "headgate/"}

    assert told == repository.rooms()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    """A link to a file finds the file, and one to a heading finds the heading."""
    for target in LINK.findall(prose(page)):
        if ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        found = (page.parent / name).resolve() if name else page

        assert found.exists(), f"{target}: no such file"
        assert found.is_relative_to(ROOT), f"{target}: outside the project"
        if anchor:
            assert anchor in anchors(found), f"{target}: no such heading"


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_the_reference_explains_every_public_name(subject: Subject) -> None:
    """Whatever a user can type, set or be refused with has a heading in `docs/reference/`."""
    names = sorted(subject.discover()) if subject.discover else []
    if subject.discover:
        assert names, f"no {subject.name} found: discover looks in the wrong place"
    if not REFERENCE.exists():
        pytest.skip(f"{subject.name}: docs/reference is not written yet")

    assert subject.discover, f"{subject.name}: give them a discover in documented.py"
    assert not unexplained(REFERENCE / subject.page, names)


def test_a_missing_heading_is_seen(tmp_path: Path) -> None:
    """Only a heading explains a name: text about it does not, and code in a fence is no heading."""
    page = tmp_path / "errors.md"
    page.write_text(
        "# Errors\n\n## `budget_exceeded` (402)\n\nkey_unknown\n\n```sh\n# fenced\n```\n"
    )

    assert headings(page) == ["Errors", "budget_exceeded (402)"]
    assert unexplained(page, ["budget_exceeded", "key_unknown", "fenced"]) == [
        "fenced",
        "key_unknown",
    ]
    assert anchors(page) == {"errors", "budget_exceeded-402"}
