"""Pictures of reports: the charts of the pages, drawn with letters, alike every time."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.economics.charts import NAME_CHARACTERS_MAX, chart_svg
from headgate.economics.pictures import MARGIN, WIDTH, Drawn, picture
from headgate.economics.png import SCALE, missing_for_png, png_of
from headgate.economics.report import ChartView, SeriesView

SVG = "{http://www.w3.org/2000/svg}"
PNG = b"\x89PNG\r\n\x1a\n"


def chart(name: str = "routed") -> Drawn:
    """Return a chart with one line."""
    series = [SeriesView(name=name, points=[("1", "2"), ("2", "3")])]
    return Drawn(name, chart_svg(ChartView(title="t", x="month", y="USD", series=series)))


def size_of(png: bytes) -> tuple[int, int]:
    """Return the width and height that its header says."""
    assert png.startswith(PNG)
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_charts_stand_below_one_another() -> None:
    """Each is as wide as the picture and has its title above it; none lies on another."""
    root = ElementTree.fromstring(picture("All", [chart("one"), chart("two")], "signed"))

    found = root.findall(f"{SVG}svg")
    first, second = (
        (int(each.attrib["y"]), int(each.attrib["height"]), int(each.attrib["width"]))
        for each in found
    )
    assert first[2] == second[2] == WIDTH - 2 * MARGIN
    assert first[0] + first[1] < second[0]
    assert second[0] + second[1] < int(root.attrib["height"])
    texts = [each.text for each in root.findall(f"{SVG}text")]
    assert texts == ["All", "one", "two", "signed"]


def test_what_a_user_writes_is_drawn_as_text() -> None:
    """Marks, letters of any script and characters that no document holds break nothing."""
    nasty = "<script>&\x00\x1b\ud800 日本 Ελλη"

    drawn = png_of(picture(nasty, [chart(nasty)], nasty))

    assert size_of(drawn)[0] == SCALE * WIDTH


def test_letters_are_drawn() -> None:
    """Without their font they would be left out, and all titles look alike."""
    assert missing_for_png() is None
    one, other = (png_of(picture(title, [chart()], "")) for title in ("A", "B"))

    assert one != other


def test_a_name_ends_within_the_chart() -> None:
    """A longer one is cut, and says so."""
    found = chart("x" * 99).svg

    assert "x" * (NAME_CHARACTERS_MAX - 1) + "…" in found
    assert "x" * NAME_CHARACTERS_MAX not in found


def test_a_command_writes_its_charts(tmp_path: Path) -> None:
    """Twice the same bytes; what has no chart, or no place, is refused."""
    found = [tmp_path / name for name in ("one.png", "two.png")]
    empty = tmp_path / "empty.csv"
    empty.write_text("workflow,model,cost_usd,resolved\n")
    runner = CliRunner()

    told = [runner.invoke(app, ["roi", "--png", str(path), "--json"]) for path in found]
    nowhere = runner.invoke(app, ["roi", "--png", str(tmp_path / "no" / "where.png")])
    chartless = runner.invoke(app, ["roi", str(empty), "--png", str(tmp_path / "no.png")])

    assert [each.exit_code for each in told] == [0, 0]
    assert found[0].read_bytes() == found[1].read_bytes()
    assert size_of(found[0].read_bytes())[0] == SCALE * WIDTH
    assert (nowhere.exit_code, chartless.exit_code) == (2, 2)
    assert "cannot be written" in nowhere.stderr
    assert "no chart" in chartless.stderr


def test_a_missing_package_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    """With what to type."""
    start = (
        "import sys; sys.modules['resvg_py'] = None; "
        "from headgate.cli.main import main; sys.argv = ['headgate', *sys.argv[1:]]; main()"
    )
    command = [sys.executable, "-c", start, "roi", "--png", str(tmp_path / "a.png")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}

    told = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert told.returncode == 2
    assert told.stdout == ""
    assert "pip install 'headgate[png]'" in told.stderr
