"""`headgate routing`: what it prints for machines and people, its charts, and how it says no."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
from typer.testing import CliRunner

from headgate.cli.evaluation.text import known
from headgate.cli.main import app
from headgate.routing.evaluation.replays import ReplaysResult
from headgate.routing.evaluation.result import Result
from headgate.routing.evaluation.sessions import SessionsResult
from tests.routing.planted import MODELS, of_pair, planted, tasks, write

RUNNER = CliRunner(env={"COLUMNS": "200"})
POOL = ",".join(MODELS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with planted evidence and a protocol that names their pool."""
    folder = tmp_path_factory.mktemp("evidence")
    write(folder / "dev.parquet", planted(300, 1))
    write(folder / "test.parquet", planted(200, 2))
    write(folder / "pair.parquet", of_pair(planted(300, 1)))
    write(folder / "tasks.parquet", tasks(200, 1))
    write(folder / "few.parquet", tasks(60, 1))
    protocol = {"pools": {"planted": list(MODELS)}}
    (folder / "protocol.json").write_text(json.dumps(protocol))
    return folder


def run(*arguments: str | Path) -> str:
    result = RUNNER.invoke(app, ["routing", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: str | Path) -> str:
    result = RUNNER.invoke(app, ["routing", *map(str, arguments)])
    assert result.exit_code == 2, result.output
    return result.stderr


def test_eval_prints_the_whole_result(files: Path) -> None:
    """Every operating point with its interval, and always the four rows of comparison."""
    pool = ("--protocol", files / "protocol.json", "--set", "planted")
    parts = ("--train", files / "dev.parquet", "--test", files / "test.parquet")
    printed: dict[str, Any] = json.loads(run("eval", *parts, *pool, "--json"))

    assert list(printed["points"]) == list(printed["zero_router"]["points"])
    assert list(printed["points"]) == ["95", "98", "100", "max"]
    for point in printed["points"].values():
        assert point["diff_ci_low_pp"] <= point["diff_pp"] <= point["diff_ci_high_pp"]
        assert {"saved_share", "quality_ratio"} <= point.keys()
    assert printed["pair"] is None
    assert printed["best_single"]["model"] == "dear"
    assert printed["cheapest"]["model"] == "cheap"
    assert printed["oracle"]["quality"] >= printed["points"]["max"]["quality"]
    assert 0 < printed["latency_ms_p50"] <= printed["latency_ms_p99"]
    assert printed["test_rows"] == 200
    assert list(printed) == [field.name for field in msgspec.structs.fields(Result)]


def test_a_pair_has_its_measures_for_each_seed(files: Path) -> None:
    """Labels are drawn anew for each seed; the means stand above."""
    train = ("--train", files / "pair.parquet", "--models", "cheap,dear")
    printed = json.loads(run("eval", *train, "--labels", "150", "--seeds", "2", "--json"))
    each = [one["apgr"] for one in printed["repeats"]]

    assert len(each) == 2
    assert printed["pair"]["apgr"] == pytest.approx(sum(each) / 2)
    assert (printed["train_rows"], printed["test_rows"]) == (150, 150)


def test_eval_tells_people_the_same(files: Path, tmp_path: Path) -> None:
    """Routers and zero routers side by side; charts are drawn that can be parsed."""
    train = ("--train", files / "pair.parquet", "--models", "cheap,dear", "--labels", "150")
    told = run("eval", *train, "--shuffle", "--charts", tmp_path / "charts")

    assert "scores shuffled" in told
    for row in ("router at 100", "zero router at 100", "best single: dear", "oracle", "APGR"):
        assert row in told
    assert sorted(path.name for path in (tmp_path / "charts").iterdir()) == [
        "frontier.svg",
        "reliability.svg",
    ]
    for path in (tmp_path / "charts").iterdir():
        ElementTree.parse(path)


@pytest.mark.slow
def test_replay_sessions_never_pays_for_nothing(files: Path) -> None:
    """Each mix stands beside the cheapest model that solves as much; no switch is unpaid."""
    priced = ("--priced", "cheap=openai/gpt-5-mini", "--priced", "dear=anthropic/claude-opus-4-5")
    asked = ("--train", files / "few.parquet", *priced, "--at", "2025-12-01")
    printed = json.loads(run("replay-sessions", *asked, "--json"))
    told = run("replay-sessions", *asked)

    assert list(printed) == [field.name for field in msgspec.structs.fields(ReplaysResult)]
    assert {row["unpaid"] for row in printed["rows"]} == {0}
    told_rates = [row["dearer"] for row in printed["rows"] if row["rates"] == "told"]
    assert max(dearer for dearer in told_rates if dearer is not None) <= 0.02
    assert {(row["rates"], row["verified"]) for row in printed["rows"]} == {
        *(("told", False), ("told", True), ("folds", False), ("folds", True))
    }
    assert "five tasks, ten minutes apart" in told


def test_what_is_no_number_is_a_dash() -> None:
    """Nothing is saved of a best single model that costs nothing."""
    assert (known(math.nan, ".1%"), known(0.5, ".1%")) == ("-", "50.0%")


def test_a_replay_without_prices_says_what_to_give(files: Path) -> None:
    """A price is a seller's, by a name of its; what has none is refused by that name."""
    asked = ("replay-sessions", "--train", files / "few.parquet", "--priced")

    assert "SELLER/NAME" in refused(*asked, "cheap")
    assert "no price for 'none'" in refused(*asked, "cheap=openai/none")


def test_eval_sessions_prints_policies_and_quartiles(files: Path, tmp_path: Path) -> None:
    """The verifier is said to be simulated, and each policy is shown by horizon."""
    train = ("--train", files / "tasks.parquet", "--models", "cheap,dear")
    rates = ("--true-positive-rate", "0.95", "--false-positive-rate", "0.05")
    printed = json.loads(run("eval-sessions", *train, *rates, "--json"))
    told = run("eval-sessions", *train, *rates, "--charts", tmp_path)

    assert list(printed) == [field.name for field in msgspec.structs.fields(SessionsResult)]
    assert printed["verifier_is_simulated"] is True
    assert (printed["true_positive_rate"], printed["false_positive_rate"]) == (0.95, 0.05)
    assert len(printed["cascade"]["quartiles"]) == 4
    assert "Simulated verifier: accepts 95% of what is solved and 5%" in told
    assert "step cap" in told
    assert ElementTree.parse(tmp_path / "horizon.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize("module", ["numpy", "pyarrow"])
def test_without_the_extra_the_command_says_what_to_install(module: str) -> None:
    """The other commands do not need it; this one ends with the fix, not with a traceback."""
    program = (
        f"import sys; sys.modules[{module!r}] = None; "
        "from headgate.cli.main import main; sys.argv[1:] = ['routing', 'eval']; main()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert ended.returncode == 2
    assert ended.stderr == f"{module} is not installed.\n  Fix: Install headgate[learn].\n"


@pytest.mark.parametrize(
    ("arguments", "problem", "fix"),
    [
        (("--models", "cheap,nobody"), "no model 'nobody'", "Models in the file"),
        (("--models", "cheap"), "at least two models", "--models a,b"),
        ((), "no pool", "--models a,b or --protocol and --set"),
        (("--set", "planted"), "need each other", "Give both"),
        (("--models", POOL, "--where", "law"), "no condition", "COLUMN=VALUE"),
        (("--models", POOL, "--where", "task=opera"), "no row", "other rows"),
        (("--models", POOL, "--labels", "5"), "too few", "at least 100."),
    ],
)
def test_bad_input_is_refused_with_the_fix(
    files: Path, arguments: tuple[str, ...], problem: str, fix: str
) -> None:
    """Exit code 2, the problem and what to do, nothing on standard output."""
    told = refused("eval", "--train", files / "dev.parquet", *arguments)

    assert problem in told
    assert fix in told.partition("Fix: ")[2]


def test_a_file_that_is_not_there_is_refused(files: Path) -> None:
    """By both commands."""
    for command in ("eval", "eval-sessions"):
        assert "cannot be read" in refused(
            command, "--train", files / "none.parquet", "--models", "cheap,dear"
        )
