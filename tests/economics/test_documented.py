"""Whatever the desk takes and prints is on its reference page, as it is."""

import doctest
from pathlib import Path

import msgspec
import pytest

from headgate.economics.load import load_inputs
from headgate.economics.report import AssumptionView, ChartView, ClaimsView, ClaimView, Report

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "economics.md").read_text()


@pytest.mark.parametrize("calculation", ["claims", "stress", "vendor", "roi", "mix", "whatif"])
def test_every_input_stands_in_the_reference(calculation: str) -> None:
    """With its built-in value, unit, range and meaning."""
    section = PAGE.partition(f"\n## Inputs of `headgate {calculation}`\n")[2].partition("\n## ")[0]
    rows = {
        f"| `{one.name}` | {one.text} | {one.unit} | {one.range_text} | {one.meaning} |"
        for one in load_inputs(calculation).items.values()
    }

    assert rows == {line for line in section.splitlines() if line.startswith("| `")}


@pytest.mark.parametrize("printed", [Report, ClaimsView, ClaimView, AssumptionView, ChartView])
def test_every_field_stands_in_the_reference(printed: type[msgspec.Struct]) -> None:
    """What `--json` prints is named there."""
    missing = [name for name in printed.__struct_fields__ if f"`{name}`" not in PAGE]

    assert not missing


def test_the_examples_are_what_the_code_gives() -> None:
    """Every example of docs/economics.md is run, in order, as it stands."""
    page = Path(__file__).parents[2] / "docs" / "economics.md"

    failed, tried = doctest.testfile(str(page), module_relative=False)

    assert failed == 0
    assert tried > 25
