"""What every calculation of the desk returns: a short answer, tables, charts, assumptions.

The types are also what `--json` prints. Every figure is text, rounded once, so that the same inputs
give the same bytes.
"""

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

from headgate.economics.inputs import Inputs


class AssumptionView(Struct, frozen=True, kw_only=True):
    """An input as it was used; `changed` when it is not the built-in value."""

    name: str
    value: str
    unit: str
    meaning: str
    source: str
    changed: bool


class TableView(Struct, frozen=True, kw_only=True):
    """A table; a column that begins with `>` is for numbers."""

    title: str
    columns: list[str]
    rows: list[list[str]]


class SeriesView(Struct, frozen=True, kw_only=True):
    """A line of a chart: points of x and y as decimal text.

    A `dashed` line has the colour of the line before it.
    """

    name: str
    points: list[tuple[str, str]]
    dashed: bool = False


class ChartView(Struct, frozen=True, kw_only=True):
    """Lines over a common axis; or `steps`, `dots`, `bars` or `surface`.

    The others are series of names and numbers.
    Of steps the first and the last are totals, and those between lead from one to the other. Dots
    are percentages of what was expected, what agrees and what differs; `none` has no number. Bars
    have a group per name, a bar in it per series. A surface has a row per series and a cell per
    point, whose colour is the sign and size of its number.
    """

    title: str
    x: str
    y: str
    series: list[SeriesView]
    kind: Literal["lines", "steps", "dots", "bars", "surface"] = "lines"


class Report(Struct, frozen=True, kw_only=True):
    """The result of a calculation.

    `figures` has the results by name, units last. `inputs_sha256` names the inputs and, where
    there is one, the seed: the same hash and version give the same report.
    """

    command: str
    answer: list[str]
    figures: dict[str, str]
    tables: list[TableView]
    charts: list[ChartView]
    limits: list[str]
    assumptions: list[AssumptionView]
    inputs_sha256: str
    seed: int | None = None


class ClaimView(Struct, frozen=True, kw_only=True):
    """A checked claim; `agrees` is null, and `kind` `not numeric`, when it has no figures."""

    id: str
    article: str
    statement: str
    kind: str
    inputs: dict[str, str]
    formulas: dict[str, str]
    expected: dict[str, str]
    computed: dict[str, str]
    agrees: bool | None
    verdict: str
    remark: str


class ClaimsView(Struct, frozen=True, kw_only=True):
    """All claims: `claims --json`."""

    numeric: int
    agreeing: int
    claims: list[ClaimView]
    inputs_sha256: str


def assumptions(inputs: Inputs, names: Iterable[str] | None = None) -> list[AssumptionView]:
    """Return the inputs as a report shows them; all of them, or those named."""
    chosen = inputs.items if names is None else names
    return [_assumption(inputs, name) for name in chosen]


def _assumption(inputs: Inputs, name: str) -> AssumptionView:
    one = inputs.items[name]
    return AssumptionView(
        name=name,
        value=one.text,
        unit=one.unit,
        meaning=one.meaning,
        source=one.source,
        changed=one.changed,
    )
