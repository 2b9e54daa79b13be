"""Reading an independent harness's table."""

from pathlib import Path

import pytest

from bench import harness
from bench.harness import HarnessError

TABLE = """\
nginx {'plain': True}
headgate {'plain': True, 'stream': True}
gateway                         plain /s  CPU us  x base    paced /s  CPU us  x base   bad
nginx                              39285    18.5    1.00       30426    13.4    1.00   0
headgate                           12345    41.2    2.31       23621    18.6    1.38   3
"""


def test_the_line_of_a_gateway_is_read_by_the_heading() -> None:
    """Each load of the heading gets its own three figures."""
    row = harness.parse(TABLE, "headgate")

    assert row.us == {"plain": 41.2, "paced": 18.6}
    assert row.ratios == {"plain": 2.31, "paced": 1.38}
    assert row.bad == 3


def test_a_table_without_the_gateway_is_an_error() -> None:
    """A gateway that did not start has no line, and the error shows what was printed."""
    with pytest.raises(HarnessError, match="no line for somebody"):
        harness.parse(TABLE, "somebody")


def test_a_line_that_does_not_fit_its_heading_is_an_error() -> None:
    """Figures are never taken from the wrong column of a changed table."""
    with pytest.raises(HarnessError, match="cannot be read"):
        harness.parse(TABLE.replace("1.38   3", "none"), "headgate")


def test_a_harness_beside_the_checkout_is_used_when_it_is_there(tmp_path: Path) -> None:
    """The benchmark works without it; one that is named has to be there."""
    assert harness.find(None, tmp_path) is None
    with pytest.raises(HarnessError, match=r"no compare\.py"):
        harness.find(tmp_path)

    (tmp_path / "compare.py").touch()

    assert harness.find(None, tmp_path) == harness.find(tmp_path) == tmp_path


def test_the_target_names_the_port_that_is_replaced() -> None:
    """The harness gives a node its own port by replacing this one, wherever it stands."""
    name, _, command = harness.target().partition("=")

    assert name == "headgate"
    assert command.count(harness.PORT) == 1
    assert f"--port {harness.PORT}" in command
