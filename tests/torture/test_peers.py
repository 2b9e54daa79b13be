"""The scripts that peers are put through, on Headgate, and the table that is made of them."""

from pathlib import Path

import pytest

from tests.torture.peers import experiments
from tests.torture.peers.experiments import Finding
from tests.torture.peers.ours import Ours
from tests.torture.peers.run import SCRIPTS, page, table

LIMIT = 100_000_000


def test_the_last_cent_is_not_spent_twice(tmp_path: Path) -> None:
    """Of a limit for two calls and a half, two are admitted, and recorded as billed."""
    ours = Ours(tmp_path)
    try:
        found = experiments.last_cent(ours, fitting=2)
    finally:
        ours.stop()

    assert (found.calls, found.admitted, found.over_nanos, found.missing_nanos) == (3, 2, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_headgate_gets_through_every_script(tmp_path: Path, script: str) -> None:
    """Never is more billed than the limit, nor more than is recorded."""
    ours = Ours(tmp_path)
    try:
        found = SCRIPTS[script](ours)
    finally:
        ours.stop()

    assert found.over_nanos == 0
    assert found.missing_nanos <= 0
    assert found.admitted == min(found.calls, found.fitting)


def test_a_limit_that_was_passed_and_books_that_lack_something_are_told() -> None:
    """The table says by how much, and who was not asked or did not get through."""
    passed = Finding(200, 20, 21, LIMIT, LIMIT * 105 // 100, None)
    short = Finding(26, 1_000, 26, LIMIT, 40_000_000, 30_000_000)
    generous = Finding(26, 1_000, 26, LIMIT, 40_000_000, 50_000_000)

    found = {("stampede", "a"): passed, ("killed", "a"): short, ("killed", "b"): generous}
    lines = table({**found, ("stampede", "b"): None}, ["a", "b"])

    assert "| stampede: admitted of 200, where 20 fit | 21 | did not get through |" in lines
    assert "| - billed over the limit | 5.0 % | did not get through |" in lines
    assert "| - missing in the books | 25.0 % | -25.0 % |" in lines
    assert "| - recorded after the restart | $0.030000 | $0.050000 |" in lines
    assert "| abandoned: billed by the upstream | not asked | not asked |" in lines


def test_only_the_results_of_a_page_are_written_anew() -> None:
    """What stands above them and below them stays."""
    before = "A\n\n### What came of it\n\nold\n\n## The last run\n\nB\n"

    assert page(before, "new\n") == "A\n\n### What came of it\n\nnew\n\n## The last run\n\nB\n"
