"""`headgate claims`: every statement with a number is computed from its inputs, to the digit."""

import json
import re
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from headgate.catalog.load import load_price_book
from headgate.cli.main import app
from headgate.economics.claims.check import IMPOSSIBLE, check
from headgate.economics.claims.formulas import FORMULAS
from headgate.economics.claims.load import load_claims
from headgate.economics.claims.views import claims_report, claims_view
from headgate.economics.exact import plain, rounded
from headgate.economics.report import ClaimsView
from headgate.records.demand import Terms
from headgate.units.instants import from_datetime

ORIGINAL = Path(__file__).parents[3] / "shared" / "data" / "claims.json"
KNOWN = load_claims()
BEFORE = check(KNOWN.claims, KNOWN.inputs, {})
# What looks like a figure in the words of an expectation and is none: names of models and plans,
# dates, conditions and examples of the formula itself.
NOT_FIGURES = re.compile(
    r"\d{4}-\d{2}-\d{2}|Opus 4\.[78]|Opus 4|gpt-5\.5-pro|V4|20x|5x|[QR][12]|1h|8h|\(\dx\)|8%/5y"
    r"|5-10%|\(1/|h=0\.9|at 100 \$/h x 160 h|8000/16000|965/43\.6|12/18/24/36 months"
    r"|C_r = 25|2B-parameter|an 8h task|8 GPUs at 2\.5|5 \$/h|after 2026\S*|1/r|= 1 at"
)
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["claims", *arguments])


def claim(claim_id: str, *arguments: str) -> Any:
    result = run("--json", *arguments)
    assert result.exit_code == 0, result.output
    return next(one for one in json.loads(result.stdout)["claims"] if one["id"] == claim_id)


def test_every_number_agrees() -> None:
    """All 54 statements are there; each with a number gives it, the others say they have none."""
    view = msgspec.json.decode(run("--json").stdout, type=ClaimsView, strict=True)

    assert [one.id for one in view.claims] == [f"C{number:02}" for number in range(1, 55)]
    assert {one.agrees for one in view.claims if one.kind == "numeric"} == {True}
    assert {one.agrees for one in view.claims if one.kind == "not numeric"} == {None}
    assert (view.numeric, view.agreeing) == (30, 30)
    assert all(one.remark and one.verdict for one in view.claims)


def test_the_numbers_are_those_that_were_worked_out() -> None:
    """Each figure among the words of the original expectation is one of ours, in its digits."""
    if not ORIGINAL.exists():
        pytest.skip("the original statements lie beside the project, and are not here")
    original = {one["id"]: one for one in json.loads(ORIGINAL.read_text())["claims"]}
    for one in BEFORE:
        told = original.pop(one.claim.id)
        assert told["kind"] == "claim" or one.agrees is not None
        if one.agrees is None:
            continue
        ours = {value.lstrip("-") for value in (*one.computed.values(), *one.inputs.values())}
        for number in NUMBER.findall(NOT_FIGURES.sub(" ", told["expected"])):
            assert number.replace(",", "") in ours, (one.claim.id, number, told["expected"])
    assert not original


def test_what_is_wrong_or_impossible_says_so() -> None:
    """With the reason; an impossible saving is computed to be so, not written down."""
    verdicts = {one.id: one.verdict for one in KNOWN.claims}

    assert {verdicts[name] for name in ("C16", "C39", "C40", "C42")} == {"wrong"}
    assert claim("C53")["computed"]["input_share_needed_percent"] == IMPOSSIBLE
    assert claim("C40")["computed"]["statement_is_right"] == "no"


def test_changed_inputs_change_the_answer(tmp_path: Path) -> None:
    """For all claims, or for one; what no longer agrees says so, and so does the hash."""
    changes = tmp_path / "inputs.json"
    changes.write_text('{"serving_cost": 0.125, "C51": {"claude_pro_usd": "40"}}')

    arguments = ("--inputs", str(changes))

    assert claim("C50", *arguments)["computed"] == {"pro_20x_percent": "11.429"}
    assert claim("C50", *arguments)["agrees"] is False
    assert claim("C51", *arguments)["computed"]["claude_pro_percent"] == "80"
    before, after = run("--json"), run("--json", *arguments)
    hashes = [json.loads(one.stdout)["inputs_sha256"] for one in (before, after)]
    assert hashes[0] != hashes[1]


def test_the_page_draws_how_far_off_a_figure_is(tmp_path: Path) -> None:
    """A dot per figure; without a change all stand at 100 %, and a figure of no number counts."""
    changes = {"C50": {"serving_cost": "0.125"}}
    results = check(KNOWN.claims, KNOWN.inputs, changes)
    (chart,) = claims_report(claims_view(results, KNOWN.articles, ""), KNOWN.inputs).charts
    agrees, differs = chart.series

    assert differs.points == [("C50", "200.018")]
    assert {number for _, number in agrees.points} == {"100"}
    path = tmp_path / "claims.html"
    assert run("--html", str(path)).exit_code == 0
    assert path.read_text().count("<circle") == sum(len(one.claim.figures) for one in BEFORE)


def test_what_was_no_number_differs_without_one() -> None:
    """An answer that turns from impossible into a number has no percentage."""
    changes = {"C53": {"pro_input": "0.0001"}}
    results = check(KNOWN.claims, KNOWN.inputs, changes)
    (chart,) = claims_report(claims_view(results, KNOWN.articles, ""), KNOWN.inputs).charts

    assert ("C53", "none") in chart.series[1].points


def test_a_moment_may_have_an_offset(tmp_path: Path) -> None:
    """It is the same moment wherever it was written."""
    changes = tmp_path / "inputs.toml"
    changes.write_text('cut_ended_at = "2026-08-17T00:00+08:00"\n')

    assert claim("C16", "--inputs", str(changes))["computed"] == claim("C16")["computed"]


def test_what_rests_on_the_impossible_is_impossible(tmp_path: Path) -> None:
    """A price of nothing has no ratio, and what is computed from that ratio has no result."""
    changes = tmp_path / "inputs.toml"
    changes.write_text('frontier_output = "0"\n')

    computed = claim("C53", "--inputs", str(changes))["computed"]

    assert computed["output_price_ratio"] == IMPOSSIBLE
    assert computed["output_share_needed_percent"] == IMPOSSIBLE
    assert computed["input_price_ratio"] == "0.087"


def test_a_saving_becomes_possible_when_the_cheap_model_is_cheap_enough(tmp_path: Path) -> None:
    """What was impossible is computed anew, from the inputs."""
    changes = tmp_path / "inputs.toml"
    changes.write_text('pro_input = "0.1"\n')

    computed = claim("C53", "--inputs", str(changes))["computed"]

    assert computed["input_share_needed_percent"] == "96.9"


# The shares of a mix add up to 1, so that one alone cannot change.
@pytest.mark.parametrize(
    "name", sorted(name for name in KNOWN.inputs.items if not name.startswith("mix_"))
)
def test_each_input_decides_something(name: str) -> None:
    """No figure is a copy of its expectation: another input gives another figure somewhere."""
    one = KNOWN.inputs.items[name]
    answered = {"stated_context": "1000000", "stated_release_days": "370"}
    usual = (
        "2026-03-01" if one.unit == "time" else plain(one.value * Fraction(3, 5) + Fraction(13, 10))
    )
    other = answered.get(name, "0.6" if one.unit == "share" else usual)

    after = check(KNOWN.claims, KNOWN.inputs.changed_by({name: other}), {})

    assert [one.computed for one in BEFORE] != [one.computed for one in after]


def test_inputs_that_are_list_prices_are_those_of_the_price_book() -> None:
    """The prices of models that claims speak of stand in the book with their dates."""
    book = load_price_book()
    meters = {"output": "output_text", "input": "input_uncached", "cached": "cache_read"}
    at = {
        "launch": datetime(2026, 4, 25, tzinfo=UTC),
        "august": datetime(2026, 8, 17, 0, 30, tzinfo=UTC),
        "peak": datetime(2026, 8, 17, 1, 30, tzinfo=UTC),
        "": datetime(2026, 6, 15, tzinfo=UTC),
    }
    compared = 0
    for name, one in KNOWN.inputs.items.items():
        found = re.search(r"of ([a-z]+)/([a-z0-9.-]+[a-z0-9])", one.meaning)
        if one.unit != "usd/Mtok" or found is None:
            continue
        kind = next(kind for kind in meters if kind in name.split("_"))
        when = next(when for when in at if not when or name.endswith(when))
        card = book.rate_card(found[1], found[2], Terms(), from_datetime(at[when]))
        assert card is not None
        prices = {meter: price for meter, price, _ in card.rates[0].entries}
        assert prices[meters[kind]] == one.value * 1_000_000_000, name
        compared += 1
    assert compared == 19


def test_every_figure_names_a_formula_and_known_values() -> None:
    """And every formula is used: a formula that no claim names would be dead."""
    used = set()
    for one in KNOWN.claims:
        above: set[str] = set()
        for figure in one.figures:
            used.add(figure.formula)
            assert figure.formula in FORMULAS
            assert set(figure.of) <= above | KNOWN.inputs.items.keys(), (one.id, figure.name)
            above.add(figure.name)
    assert sorted(FORMULAS.keys() - used) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('serving_cost = "-0.25"', "0.001 to 1."),
        ('serving_cost = "0"', "0.001 to 1."),
        ('serving_cost = "1.5"', "0.001 to 1."),
        ('serving_cosst = "1"', "Did you mean serving_cost"),
        ('serving_cost = "NaN"', "no decimal number"),
        ("serving_cost = [1]", "not a value"),
        ('cut_ended_at = "soon"', "not a date"),
        ('cut_ended_at = "2026-13-01"', "not a date"),
        ("[C99]\nx = 1", "no claim 'C99'"),
        ("=", "not TOML"),
    ],
)
def test_impossible_inputs_are_refused_with_the_range(tmp_path: Path, text: str, told: str) -> None:
    """The command ends with code 2 and says what would do."""
    changes = tmp_path / "inputs.toml"
    changes.write_text(text)

    result = run("--inputs", str(changes))

    assert result.exit_code == 2
    assert told in result.output


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    """`--html` writes one page: no address in it, the inputs' hash at its end, the same twice."""
    pages = [tmp_path / "one.html", tmp_path / "two.html"]
    for path in pages:
        assert run("--html", str(path)).exit_code == 0
    text = pages[0].read_text()

    assert "://" not in text
    assert "<script" not in text
    assert KNOWN.inputs.sha256() in text
    assert text == pages[1].read_text()


def test_the_screen_has_the_answer_first() -> None:
    """How many agree, what is wrong, then the table, then where the inputs come from."""
    lines = run().stdout.splitlines()

    assert lines[0].startswith("30 of 30 statements with a number agree")
    assert any(line.startswith("C39 is wrong") for line in lines)
    assert any(line.startswith("serving_cost") for line in lines)
    assert rounded(KNOWN.inputs["serving_cost"], 2) == "0.25"
