"""The checked claims as `--json` prints them and as a report."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from headgate.economics.claims.check import Checked
from headgate.economics.exact import rounded
from headgate.economics.inputs import Inputs
from headgate.economics.report import (
    ChartView,
    ClaimsView,
    ClaimView,
    Report,
    SeriesView,
    TableView,
    assumptions,
)


def claims_view(
    checked: Sequence[Checked], articles: Mapping[str, str], inputs_sha256: str
) -> ClaimsView:
    """Return all claims for machines."""
    return ClaimsView(
        numeric=sum(one.agrees is not None for one in checked),
        agreeing=sum(one.agrees is True for one in checked),
        claims=[_claim(one, articles) for one in checked],
        inputs_sha256=inputs_sha256,
    )


def claims_report(view: ClaimsView, inputs: Inputs) -> Report:
    """Return all claims for people."""
    bad = [one for one in view.claims if one.verdict in {"wrong", "impossible", "implausible"}]
    return Report(
        command="claims",
        answer=[
            f"{view.agreeing} of {view.numeric} statements with a number agree to the digit; "
            f"{len(view.claims) - view.numeric} are not numeric.",
            *(f"{one.id} is {one.verdict}: {one.remark}" for one in bad),
        ],
        figures={"numeric": str(view.numeric), "agreeing": str(view.agreeing)},
        tables=[
            TableView(
                title="Claims",
                columns=["id", "agrees", "verdict", "statement", "computed", "expected"],
                rows=[_row(one) for one in view.claims],
            )
        ],
        charts=[_agreement(view.claims)],
        limits=[
            "Agreement says that the arithmetic follows from the inputs, not that the inputs are "
            "true; the verdict and the remark say what we found about that.",
        ],
        assumptions=assumptions(inputs),
        inputs_sha256=view.inputs_sha256,
    )


def _claim(one: Checked, articles: Mapping[str, str]) -> ClaimView:
    figures = one.claim.figures
    return ClaimView(
        id=one.claim.id,
        article=articles[one.claim.article],
        statement=one.claim.statement,
        kind="numeric" if figures else "not numeric",
        inputs=dict(one.inputs),
        formulas={figure.name: f"{figure.formula}({', '.join(figure.of)})" for figure in figures},
        expected={figure.name: figure.expected for figure in figures},
        computed=dict(one.computed),
        agrees=one.agrees,
        verdict=one.claim.verdict,
        remark=one.claim.remark,
    )


def _row(one: ClaimView) -> list[str]:
    agrees = {True: "yes", False: "no", None: "not numeric"}[one.agrees]
    differing = [name for name in one.computed if one.computed[name] != one.expected[name]]
    shown = [f"{name} {value}" for name, value in one.computed.items()]
    expected = ", ".join(f"{name} {one.expected[name]}" for name in differing)
    return [one.id, agrees, one.verdict, one.statement, ", ".join(shown), expected]


def _agreement(claims: Sequence[ClaimView]) -> ChartView:
    """Return every figure as a percentage of what is expected, by claim."""
    agreeing: list[tuple[str, str]] = []
    differing: list[tuple[str, str]] = []
    for one in claims:
        for name, computed in one.computed.items():
            expected = one.expected[name]
            series = agreeing if computed == expected else differing
            series.append((one.id, _percent_of(computed, expected)))
    return ChartView(
        title="Figures of each claim: computed, and how many agree",
        x="computed, % of expected; what is beyond the axis or no number stands at its end",
        y="claim",
        series=[
            SeriesView(name="agrees", points=agreeing),
            SeriesView(name="differs", points=differing),
        ],
        kind="dots",
    )


def _percent_of(computed: str, expected: str) -> str:
    """Return computed / expected in percent; `none` when they differ and one is no number, or 0."""
    if computed == expected:
        return "100"
    try:
        return rounded(100 * Fraction(computed) / Fraction(expected), 3)
    except (ValueError, ZeroDivisionError):
        return "none"
