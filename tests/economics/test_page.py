"""The page of a report: well-formed, escaped, and drawn within its frame."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from headgate.economics.charts import HEIGHT, WIDTH, chart_svg
from headgate.economics.page import page
from headgate.economics.report import AssumptionView, ChartView, Report, SeriesView, TableView

NASTY = '<script>alert("x")</script>&'
NUMBERS = st.integers(-(10**12), 10**12).map(lambda cents: f"{cents / 100:.2f}")


def chart(points: list[tuple[str, str]], name: str = "line") -> ChartView:
    return ChartView(title=name, x=name, y=name, series=[SeriesView(name=name, points=points)])


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_every_point_lies_within_the_frame(points: list[tuple[str, str]]) -> None:
    """Whatever the numbers, equal ones and one alone included."""
    drawn = ElementTree.fromstring(chart_svg(chart(points)))
    [line] = drawn.iter("polyline")
    places = [tuple(map(float, pair.split(","))) for pair in line.attrib["points"].split()]

    assert len(places) == len(points)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)


def test_axes_are_told_in_round_numbers() -> None:
    """Months are whole, and the highest amount lies below the last line."""
    drawn = ElementTree.fromstring(chart_svg(chart([("1", "0"), ("36", "1234.56")])))
    labels = [(text.attrib.get("text-anchor"), text.text) for text in drawn.iter("text")]

    assert [text for anchor, text in labels if anchor == "middle"] == ["10", "20", "30"]
    assert [text for anchor, text in labels if anchor == "end"] == ["0", "500", "1,000", "1,500"]


def test_a_chart_without_points_is_nothing() -> None:
    """Rather than an axis from nowhere to nowhere."""
    assert chart_svg(chart([])) == ""


@given(st.lists(st.tuples(st.sampled_from("abc"), NUMBERS | st.just("none")), max_size=9))
def test_every_dot_stands_in_its_row_and_on_the_axis(points: list[tuple[str, str]]) -> None:
    """However far off; each row says how many of its figures agree."""
    agrees = [("a", "100"), ("d", "100")]
    series = [SeriesView(name="agrees", points=agrees), SeriesView(name="differs", points=points)]
    drawn = ElementTree.fromstring(
        chart_svg(ChartView(title="t", x="x", y="y", series=series, kind="dots"))
    )
    height = float(drawn.attrib["viewBox"].split()[3])
    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter("circle")]

    assert len(dots) == len(agrees) + len(points)
    assert all(0 < x < WIDTH and 0 < y < height for x, y in dots)
    assert len({y for _, y in dots}) == len({name for name, _ in agrees + points})
    counts = [text.text for text in drawn.iter("text") if " of " in (text.text or "")]
    assert counts[0] == f"1 of {1 + sum(name == 'a' for name, _ in points)}"


def test_a_dashed_line_has_the_colour_of_the_line_before_it() -> None:
    """So that two lines of one name are told apart by their dashes alone."""
    points = [("1", "2"), ("2", "3")]
    series = [
        SeriesView(name=name, points=points, dashed=dashed)
        for name, dashed in (("a", False), ("a high", True), ("b", False))
    ]
    drawn = ElementTree.fromstring(chart_svg(ChartView(title="t", x="x", y="y", series=series)))

    lines = [line.attrib for line in drawn.iter("polyline")]
    assert lines[0]["stroke"] == lines[1]["stroke"] != lines[2]["stroke"]
    assert ["stroke-dasharray" in line for line in lines] == [False, True, False]


def test_a_surface_is_parted_where_its_sign_turns() -> None:
    """A cell per number, blue above nothing, orange below it, and a line between them in a row."""
    rows = {"low": ("-1", "-2", "30000"), "high": ("-1", "2", "3"), "none": ("1", "2", "3")}
    columns = ("0", "0.5", "1")
    series = [
        SeriesView(name=name, points=list(zip(columns, row, strict=True)))
        for name, row in rows.items()
    ]
    drawn = ElementTree.fromstring(
        chart_svg(ChartView(title="t", x="x", y="y", series=series, kind="surface"))
    )
    cells = [(float(one.attrib["x"]), one.attrib["fill"]) for one in drawn.iter("rect")]
    lines = [line.attrib["points"].split()[-1] for line in drawn.iter("polyline")]

    assert [fill.startswith("hsl(28") for _, fill in cells] == [
        *(True, True, False),
        *(True, False, False),
        *(False, False, False),
    ]
    assert [float(line.split(",")[0]) + 1 for line in lines] == [cells[2][0], cells[4][0]]
    assert "30,000" in [text.text for text in drawn.iter("text")]
    assert chart_svg(ChartView(title="t", x="x", y="y", series=[], kind="surface")) == ""


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)


def test_what_a_user_writes_is_text() -> None:
    """Names from files stay text in the page, in tables, charts and sentences alike."""
    told = AssumptionView(
        name=NASTY, value=NASTY, unit=NASTY, meaning=NASTY, source=NASTY, changed=True
    )
    report = Report(
        command=NASTY,
        answer=[NASTY],
        figures={NASTY: NASTY},
        tables=[TableView(title=NASTY, columns=[NASTY], rows=[[NASTY]])],
        charts=[chart([("1", "2"), ("2", "3")], NASTY)],
        limits=[NASTY],
        assumptions=[told],
        inputs_sha256="0",
    )
    found = Tags()

    found.feed(page(report, NASTY))

    assert "script" not in found.tags
    assert {"svg", "table", "li", "footer"} <= found.tags


def test_steps_lead_from_one_total_to_the_other() -> None:
    """Each change begins where the one before has ended; a negative one is drawn to its left."""
    points = [("posted", "100"), ("models", "-60"), ("retries", "+20"), ("scenario", "60")]
    series = SeriesView(name="USD", points=points)

    drawn = chart_svg(ChartView(title="<t>", x="", y="", series=[series], kind="steps"))

    bars = re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawn)
    edges = [(float(x), round(float(x) + float(width), 1)) for x, width in bars]
    (zero, full), (low, from_full), (_, partly), (again, end) = edges
    assert (zero, full, edges[2][0]) == (again, from_full, low)
    assert zero < low < partly == end < full
    assert "&lt;t&gt;" in drawn
