"""The HTTP interface that strangers rely on: what it has may grow, and is told in one file."""

import json
import re
from pathlib import Path

from headgate.dialects.batches.registry import wires
from headgate.dialects.registry import dialects
from headgate.gateway.batching.routes import FILES
from headgate.gateway.endpoints import PATHS
from headgate.node.openapi.kept import kept_paths
from headgate.units.errors import CODES

ROOT = Path(__file__).parents[2]
CONTRACT = json.loads((ROOT / "docs" / "reference" / "http.contract.json").read_text())
HEADER = re.compile(r"x-headgate-[a-z-]+")


def test_every_code_keeps_its_name_and_status() -> None:
    """A client may match on a code and its status for ever; a new one is added to the file."""
    assert {code.code: code.status for code in CODES} == CONTRACT["codes"]


def test_every_path_stays_where_it_is() -> None:
    """Paths that spend are the dialects' and the batches'; the others are listed beside them."""
    assert sorted(dialect.PATH for dialect in dialects().values()) == CONTRACT["spending_paths"]
    assert sorted([FILES, *(wire.PATH for wire in wires().values())]) == CONTRACT["batch_paths"]
    assert sorted(kept_paths(dialects())) == CONTRACT["kept_paths"]
    assert sorted(path.decode() for path in PATHS) == CONTRACT["other_paths"]


def test_every_header_of_ours_is_told() -> None:
    """What the data plane sends or reads of its own is in the file and on the page."""
    sources = (ROOT / "src" / "headgate" / "gateway").rglob("*.py")
    used = {header for source in sources for header in HEADER.findall(source.read_text())}
    page = (ROOT / "docs" / "reference" / "http.md").read_text()

    assert sorted(used) == CONTRACT["headers"]
    assert used <= set(HEADER.findall(page))
