"""`headgate import` and `headgate plans`, as somebody meets them who knows nothing of Headgate."""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app

SAMPLES = Path(__file__).parents[1] / "economics" / "samples"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder, with a home that has Claude Code's logs in it."""
    home = tmp_path / "home"
    shutil.copytree(SAMPLES / "claude", home / ".claude")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "HEADGATE_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: home)
    return lambda *arguments: CliRunner().invoke(app, arguments)


def test_from_nothing_to_an_answer(run: Run) -> None:
    """Two commands without an argument find the logs, price them and say what to do."""
    imported, plans = run("import"), run("plans")

    assert imported.exit_code == plans.exit_code == 0
    assert "21 records of usage, at list price 20.42 USD." in imported.stdout
    assert "Next: headgate usage, headgate plans" in imported.stdout
    assert re.search(r"^local: .*claude-pro is the cheapest way to pay", plans.stdout, re.M)
    assert "--have PLAN" in plans.stdout


def test_a_plan_that_is_had_is_named(run: Run) -> None:
    """Then the answer is to keep, drop or move."""
    run("import", "--seat", "alice")

    keep = run("plans", "--have", "claude-pro")
    move = run("plans", "--have", "alice=claude-max-20x", "--json")

    assert "alice: keep claude-pro" in keep.stdout
    (seat,) = json.loads(move.stdout)["seats"]
    assert (seat["advice"]["verb"], seat["advice"]["plan"]) == ("move", "claude-pro")
    assert seat["advice"]["saving"]["middle"] == "180.000000000"
    assert seat["whole_weeks"] == 3


def test_a_seat_on_which_the_seller_loses_is_warned(run: Run) -> None:
    """Where serving costs more than the seat pays, the rules of the plan are likely to change."""
    run("import")

    cheap = run("plans", "--have", "claude-pro", "--serving-cost", "1/4").stdout
    dear = run("plans", "--have", "claude-pro", "--serving-cost", "1").stdout

    assert "expect the rules of claude-pro to change" not in cheap
    assert "expect the rules of claude-pro to change" in dear


def test_a_second_import_reads_nothing(run: Run) -> None:
    """And tells the same sums."""
    first, second = (json.loads(run("import", "--json", "--records").stdout) for _ in range(2))

    assert (first["files"], first["broken"]) == (1, 1)
    assert (second["files"], second["unchanged"], second["lines"]) == (0, 1, 0)
    assert first["sources"] == second["sources"]
    assert first["records"] == second["records"]
    assert len(first["records"]) == 21


def test_what_has_no_price_is_listed_once_and_in_no_sum(run: Run) -> None:
    """With the nearest name, which was not used; and a bill stands apart from usage."""
    told = json.loads(run("import", str(SAMPLES), "--json").stdout)
    text = run("import", str(SAMPLES)).stdout

    (unpriced,) = told["unpriced"]
    assert (unpriced["model"], unpriced["records"], unpriced["tokens"]) == (
        "gpt-5.5-turbo",
        1,
        1200,
    )
    assert unpriced["near"] == "openai/gpt-5.5-pro"
    assert told["cost"] == "20.422500000"
    assert told["bills"][0]["billed"] == "4.350000000"
    assert "The nearest price is openai/gpt-5.5-pro; it was not used." in text


def test_a_name_of_a_model_steers_no_terminal(run: Run, tmp_path: Path) -> None:
    """Logs are told by others: what a name has beside letters is not printed."""
    rows = f"id,at,model,input,output\n1,2026-06-01T00:00:00Z,a\x1b[31m{'b' * 900},1,2\n"
    (tmp_path / "u.csv").write_text(rows)

    told = run("import", str(tmp_path / "u.csv"))

    assert "a?[31mbbb" in told.stdout
    assert "\x1b" not in told.stdout
    assert "b" * 90 not in told.stdout


@pytest.mark.usefixtures("run")
def test_a_name_of_a_file_steers_no_terminal(tmp_path: Path) -> None:
    """A folder of logs may hold files of others, with whatever names."""
    odd = tmp_path / "odd\x1b]0;mine\x07.jsonl"
    odd.write_text('{"what": 1}\n')
    logs = str(tmp_path / "home" / ".claude")

    told = CliRunner().invoke(app, ("import", logs, str(odd)), color=True).stdout

    assert "odd?]0;mine?.jsonl" in told
    assert "\x1b]" not in told


def test_a_seat_of_a_log_is_told_as_it_is_and_steers_no_terminal(run: Run) -> None:
    """What looks like markup is text; what would steer is a question mark."""
    run("import", "--seat", "[red]a[/b]\x1b[2J")

    plans = run("plans")

    assert plans.exit_code == 0, plans.output
    assert "\x1b" not in plans.stdout
    assert re.search(r"^\[red\]a\[/b\]\?\[2J: ", plans.stdout, re.M)
    assert re.search(r"^\[red\]a\[/b\]\?\[2J +claude-pro ", plans.stdout, re.M)


def test_the_page_needs_nothing_else(run: Run, tmp_path: Path) -> None:
    """It loads nothing, has the chart, and the same store makes the same page."""
    run("import")
    pages = []
    for name in ("one.html", "two.html"):
        run("plans", "--html", str(tmp_path / name))
        pages.append((tmp_path / name).read_text())

    assert pages[0] == pages[1]
    assert "<svg" in pages[0]
    assert not re.search(r"<script|<link|<img|src=|@import|url\(", pages[0])


@pytest.mark.parametrize(
    ("arguments", "problem", "fix"),
    [
        (("plans",), "There is no usage", "Fix: Run `headgate import` first."),
        (("whatif", "--model", "*=gpt-5.5"), "no books", "Add --imported"),
        (
            ("whatif", "--imported", "--until", "2020-01-01"),
            "no stretch of time",
            "Let it begin before it ends",
        ),
        (("mix",), "no books", "Add --imported"),
        (("stress", "replay"), "no books", "Add --imported"),
        (("import", "nowhere.jsonl"), "no such file", "import.md"),
        (("import", "."), "No file of . is a known log", "import.md"),
        (("import", "--data-dir", "/dev/null"), "cannot be opened", "headgate doctor"),
    ],
)
def test_trouble_names_its_fix(
    run: Run, arguments: tuple[str, ...], problem: str, fix: str
) -> None:
    """Nothing is written, and the exit code is not 0."""
    told = run(*arguments)

    assert told.exit_code in (2, 3)
    assert problem in told.stderr
    assert fix in told.stderr
    assert not Path("headgate-data").exists()


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ("--have", "claude-max", "The plans are claude-pro"),
        ("--have", "alise=claude-pro", "The seats are local."),
        ("--serving-cost", "2", "at most 1"),
        ("--serving-cost", "cheap", "at most 1"),
        ("--serving-cost", "1e-99999999999", "at most 1"),
        ("--html", "/nowhere/plans.html", "cannot be written"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    run: Run, option: str, value: str, problem: str
) -> None:
    """With what would make sense."""
    run("import")

    told = run("plans", option, value)

    assert told.exit_code == 2
    assert problem in told.stderr


def test_an_import_without_any_log_says_where_it_looked(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every default folder is named."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "empty")

    told = run("import")

    assert told.exit_code == 2
    for folder in (".claude", ".codex", ".gemini"):
        assert str(tmp_path / "empty" / folder) in told.stderr


def test_logs_that_no_plan_covers_are_no_seat(run: Run) -> None:
    """The answer says for which clients plans are known."""
    run("import", str(SAMPLES / "unpriced.csv"))

    told = run("plans")

    assert told.exit_code == 0
    assert "No imported log is covered by a plan" in told.stdout
    assert "Claude Code" in told.stdout


def test_watching_reads_what_is_added(tmp_path: Path) -> None:
    """A second report follows a line that was added; Ctrl-C ends it."""
    log = tmp_path / "logs" / "session.jsonl"
    log.parent.mkdir()
    lines = (SAMPLES / "claude/projects/-home-dev-shop/session.jsonl").read_text().splitlines()
    log.write_text("\n".join(lines[:3]) + "\n")
    command = [str(Path(sys.executable).parent / "headgate"), "import", str(log), "--watch"]
    child = subprocess.Popen(
        [*command, "--data-dir", str(tmp_path / "data")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None

    try:
        first = next(line for line in iter(child.stdout.readline, "") if " of usage" in line)
        with log.open("a") as file:
            file.write("\n".join(lines[3:6]) + "\n")
        second = next(line for line in iter(child.stdout.readline, "") if " of usage" in line)
    finally:
        child.send_signal(signal.SIGINT)
        child.communicate(timeout=30)

    assert first.startswith("1 record of usage")
    assert second.startswith("2 records")
