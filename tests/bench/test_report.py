"""What a run prints and records."""

from pathlib import Path

from bench import machine, report
from bench.harness import Row
from bench.report import BARS, BEGIN, END, PAGE, Once
from bench.rounds import Compared


def test_a_run_ends_with_the_ratios() -> None:
    """Two decimals each, in the order of the bars, whatever else was measured."""
    line = report.last_line({"flood": 9.0, "paced": 1.333, "plain": 2.0})

    assert line == "ratios plain=2.00 paced=1.33"


def test_a_ratio_on_its_bar_passes() -> None:
    """The bar itself is allowed, and more than it is told with both numbers."""
    assert report.above(BARS) == []
    assert report.verdict([]) == "All bars are met."

    complaints = report.above({"plain": 2.5, "paced": 1.41})

    assert complaints == ["paced: 1.41 is above 1.4"]
    assert report.verdict(complaints) == "**Not met**: paced: 1.41 is above 1.4."


def test_a_record_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """What stands around the marks is kept, so the page's text can be written by hand."""
    page = tmp_path / "performance.md"
    page.write_text(f"# Head\n\n{BEGIN}\n\nold\n\n{END}\n\nTail\n")

    report.record("new", page)

    assert page.read_text() == f"# Head\n\n{BEGIN}\n\nnew\n\n{END}\n\nTail\n"


def test_the_page_has_the_marks() -> None:
    """The documentation can be recorded into."""
    assert PAGE.read_text(encoding="utf-8").count(BEGIN) == 1
    assert PAGE.read_text(encoding="utf-8").count(END) == 1


def test_the_tables_have_a_line_for_each_figure() -> None:
    """The worker alone stands beside the whole node, and what was taken once stands apart."""
    table = report.comparison([Compared("plain", 20.0, 45.0, 40.0, 2.25, 2.0, 5)])
    assert table.splitlines()[2] == "| plain | 20.0 | 45.0 | 40.0 | 2.25 | 2.00 | 5 |"

    assert report.once([Once("memory", "1 MB", "2 MB")]).endswith("| memory | 1 MB | 2 MB |")
    assert "| paced | 18.0 | 1.30 |" in report.independent(Row({"paced": 18.0}, {"paced": 1.3}, 0))


def test_the_processor_is_named() -> None:
    """The first name in the file is the machine's."""
    assert (
        machine.processor("processor : 0\nmodel name\t: Fast CPU @ 3 GHz\n") == "Fast CPU @ 3 GHz"
    )


def test_an_fsync_is_timed_and_leaves_nothing(tmp_path: Path) -> None:
    """The probe's file is gone afterwards."""
    took = machine.fsync_time(tmp_path, count=3)

    assert 0 < took.ms_p50 <= took.ms_p99
    assert list(tmp_path.iterdir()) == []
