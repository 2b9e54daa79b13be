"""FOCUS by the validators of others, in an environment that `scripts/focus-validator` makes."""

import re
import subprocess
from pathlib import Path

import pytest

from headgate.exports.files import csv_bytes
from headgate.exports.focus import Version
from headgate.exports.parquet import parquet_bytes
from tests.architecture.repository import ROOT
from tests.console.books import Books
from tests.exports.test_focus import table_of

PROGRAMS = ROOT / "build" / "focus-validator" / "bin"

LINT = (str(PROGRAMS / "focus-toolkit"), "validate", "--dataset", "cost-and-usage")

WE_HAVE = (
    "ACCOUNT_NAMING_SUPPORTED",
    "BILLING_BASED_ON_PROVISIONED_RESOURCES_SUPPORTED",
    "MULTIPLE_BILLING_ACCOUNT_TYPES_SUPPORTED",
    "MULTIPLE_PRICING_CATEGORIES_SUPPORTED",
    "MULTIPLE_SUB_ACCOUNT_TYPES_SUPPORTED",
    "NEGOTIATED_PRICING_SUPPORTED",
    "PRICING_BILLING_CURRENCY_DIFFERENCES_SUPPORTED",
    "PUBLIC_PRICE_LIST_SUPPORTED",
    "REGION_SUPPORTED",
    "RESOURCE_TYPE_ASSIGNMENT_SUPPORTED",
    "SUB_ACCOUNT_SUPPORTED",
    "TAGGING_SUPPORTED",
    "UNIT_PRICING_SUPPORTED",
    "USAGE_MEASUREMENT_SUPPORTED",
)
"""Every condition of the rules but commitments, reservations, zones and virtual currencies."""

CONTRADICTORY = {"InvoiceId-C-005-C"}
"""The rules ask that `InvoiceId` is null, and that it is not, of the same rows, and then for either
(`InvoiceId-C-003-C`, which passes): there are no invoices in the books, so it is null."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PROGRAMS.exists(), reason="scripts/focus-validator was not run"),
]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_official_validator_passes_version_12(
    planted: Books, tmp_path: Path, ending: str
) -> None:
    """Each rule of the version that applies passes, but the one that contradicts another."""
    file = written(planted, tmp_path / f"focus.{ending}", "1.2")
    rules = ["--validate-version", "1.2.0.1", "--block-download"]
    command = [str(PROGRAMS / "focus-validator"), "--data-file", str(file), *rules]
    # It looks for a list of currencies below the folder it is started in.
    home = next((PROGRAMS.parent / "lib").glob("python3*/site-packages"))
    told = run([*command, "--applicability-criteria", ",".join(WE_HAVE)], home)
    passed = re.findall(r"(\S+): PASS", told)
    failed = set(re.findall(r"(\S+): FAIL", told))

    assert failed == CONTRADICTORY, told
    assert "InvoiceId-C-003-C" in passed
    assert len(passed) > 250


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_lint_passes_version_14(planted: Books, tmp_path: Path, ending: str) -> None:
    """Structure and values are those of the version, for which the official one ships no rules."""
    file = written(planted, tmp_path / f"focus.{ending}", "1.4")
    told = run([*LINT, str(file)])

    assert "STRUCTURAL_VALID, SEMANTIC_VALID" in told


def test_the_lint_can_fail(planted: Books, tmp_path: Path) -> None:
    """A file whose charges have no category does not pass it."""
    file = written(planted, tmp_path / "focus.csv", "1.4")
    file.write_text(file.read_text().replace(",Usage,", ",Guess,"))
    done = subprocess.run([*LINT, file], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "ChargeCategory" in done.stdout + done.stderr


def written(books: Books, file: Path, version: Version) -> Path:
    """Write the data set of some books."""
    table = table_of(books, version)
    kinds = {column.name: column.kind for column in table.columns}
    whole = parquet_bytes if file.suffix == ".parquet" else None
    file.write_bytes(whole(kinds, table.rows) if whole else csv_bytes(list(kinds), table.rows))
    return file


def run(command: list[str], folder: Path = ROOT) -> str:
    """Return what a program says."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
