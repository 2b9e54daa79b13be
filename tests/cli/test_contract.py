"""What `--json` prints is what the schema says, for real books."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headgate.budgets.runs import Run, keep_run
from headgate.governance.keeper import ask
from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.insights import preferences, votes
from headgate.insights.contract import PRINTED, render
from headgate.insights.outcomes import Outcome, tell
from headgate.insights.preferences import Choice
from headgate.insights.votes import Judged, Word
from headgate.store.migrate import open_store
from tests.conftest import NOON_NS
from tests.governance.shown import ASKING

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

SAMPLES = Path(__file__).parents[1] / "economics" / "samples"

KEY = "hg_alice_0123456789abcdef0123456789abcdef"
TOKEN = mint(KEY, "alice", Asked("helper", money_nanos=10**9))

NIGHTLY = Run("alice", "nightly", None, "lead", 1, "running", 10**9, 1, 1)

WORD = Word("alice", "research", "call", "call_a", "tests", 1_000_000)
ANSWER = Judged("call_a.1", NOON_NS, "mini", "gpt-5.4-mini", "w0-1", 1)
CHOICE = Choice("alice", "research", "call_a", "call_b")

DAYS = ("--since", "2025-11-10", "--until", "2025-11-12")

COMMANDS: dict[str, tuple[str, ...]] = {
    "budgets": ("budgets",),
    "calls": ("calls",),
    "explain": ("explain", "call_b"),
    "report": ("report", "--by", "day"),
    "check-books": ("check-books", "--decisions"),
    "keys list": ("keys", "list"),
    "keys create": ("keys", "create", "alice-laptop"),
    "delegate create": ("delegate", "create", "helper", "--money", "1.00"),
    "delegate show": ("delegate", "show", TOKEN),
    "freeze": ("freeze", "team:research", "--reason", "odd spend"),
    "audit show": ("audit", "show"),
    "audit verify": ("audit", "verify"),
    "approvals list": ("approvals", "list"),
    "approvals show": ("approvals", "show", "apr_1"),
    "outcomes": ("outcomes",),
    "runs list": ("runs", "list"),
    "runs show": ("runs", "show", "alice/nightly"),
    "routes": ("routes",),
    "doctor": ("doctor",),
    "drill": ("drill", "--without", "openai", "--days", "36500"),
    "backup": ("backup", "copy"),
    "import": ("import", str(SAMPLES), "--records"),
    "plans": ("plans",),
    "usage": ("usage", "--by", "month", "--by", "model"),
    "caches": ("caches",),
    "reconcile": ("reconcile", str(SAMPLES / "costs.json"), "--provider", "openai"),
    "statement": ("statement", "--team", "research", "--month", "2025-11"),
    "export parquet": ("export", "parquet", *DAYS, "--directory", "history"),
    "export events": ("export", "events", *DAYS, "-o", "events.jsonl"),
    "export focus": ("export", "focus", *DAYS, "-o", "focus.csv"),
    "tokens": ("tokens", str(SAMPLES / "costs.json")),
    "trials": ("trials",),
    "prices impact": ("prices", "impact", "--scale", "openai=2", "--since", "2020-01-01"),
    "prices restate": ("prices", "restate", "--since", "2020-01-01"),
    "prices commitments": ("prices", "commitments"),
    "routing models": ("routing", "models"),
    "routing arena": ("routing", "arena"),
    "routing check-policy": ("routing", "check-policy", "ordered", "--since", "2025-11-01"),
}


def test_the_schema_file_is_current() -> None:
    """Change it with: python -m headgate.insights.contract > docs/reference/cli.schema.json."""
    assert (REFERENCE / "cli.schema.json").read_text() == render() + "\n"


def test_each_command_is_tried() -> None:
    """No command's JSON goes unseen; that of some is read where a node or PostgreSQL runs."""
    assert {*COMMANDS, "reload", "restore", "feedback", "outcomes import"} == set(PRINTED)


@pytest.mark.parametrize("name", COMMANDS)
def test_output_is_of_its_schema(
    headgate: Any, books: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every field is there, none is unknown, amounts have nine decimals."""
    monkeypatch.setenv("HEADGATE_KEY", KEY)
    monkeypatch.chdir(books)
    if name in ("plans", "usage"):
        headgate(*COMMANDS["import"], "--json")
    if name == "outcomes":
        with open_store(books / "data").begin() as connection:
            tell(connection, Outcome("alice", "research", "call", "call_a", 1, success=True))
    if name.startswith("runs"):
        with open_store(books / "data").begin() as connection:
            keep_run(connection, NIGHTLY)
    if name.startswith("routing"):
        with open_store(books / "data").begin() as connection:
            votes.keep(connection, WORD, ANSWER, NOON_NS)
            other = ANSWER._replace(attempt="call_b.2", model="other")
            preferences.keep(connection, CHOICE, (ANSWER, other), NOON_NS)
    if name.startswith("approvals"):
        with open_store(books / "data").begin() as connection:
            ask(connection, ASKING, "worker-0-a", 1)
    if name == "audit show":
        headgate(*COMMANDS["freeze"])

    result = headgate(*COMMANDS[name], "--json")

    printed = msgspec.json.decode(result.stdout, type=PRINTED[name])
    fields = PRINTED[name]
    shape = msgspec.inspect.type_info(fields)
    assert printed
    for row in json.loads(result.stdout) if isinstance(printed, list) else ():
        assert isinstance(shape, msgspec.inspect.ListType)
        assert isinstance(shape.item_type, msgspec.inspect.StructType)
        assert list(row) == [field.name for field in shape.item_type.fields]


@pytest.mark.parametrize("name", PRINTED)
def test_every_field_is_documented(name: str) -> None:
    """The reference page names each field of what a command prints."""
    page = (REFERENCE / "cli.md").read_text()
    info = msgspec.inspect.type_info(PRINTED[name])
    item = info.item_type if isinstance(info, msgspec.inspect.ListType) else info
    assert isinstance(item, msgspec.inspect.StructType)
    section = page.partition(f"\n## `headgate {name.partition(' ')[0]}")[2].partition("\n## ")[0]

    missing = [field.name for field in item.fields if f"`{field.name}`" not in section]

    assert not missing
