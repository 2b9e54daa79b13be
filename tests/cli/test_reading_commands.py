"""Commands that read the books: budgets, calls, explain, report, check-books."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import delete, update

from headgate.ledger import tables
from headgate.store.migrate import open_store


def test_budgets_tell_what_is_free(headgate: Any) -> None:
    """Posted, held and free are exact, for the organisation and for each run."""
    run, launch = json.loads(headgate("budgets", "list", "--json").stdout)

    assert run["id"] == "run-cap/alice/r42"
    assert (run["limit"], run["posted"], run["free"]) == (
        "5.000000000",
        "0.011000000",
        "4.989000000",
    )
    assert launch == {
        "id": "launch",
        "node": "organisation",
        "period": "once",
        "renews_at": None,
        "limit": "100.000000000",
        "raised": "0.000000000",
        "posted": "0.071000000",
        "held": "0.070000000",
        "lent": "0.859000000",
        "unaccounted": "0.000000000",
        "carved": "0.000000000",
        "lacking": "0.000000000",
        "delegated": "0.000000000",
        "free": "99.859000000",
        "frozen": False,
        "spent_last_hour": "0.000000000",
        "exhausted_at": None,
        "carried": "0.000000000",
        "mode": "hard",
        "would_refuse": 0,
        "would_refuse_amount": "0.000000000",
    }


def test_budgets_for_people(headgate: Any) -> None:
    """Without --json it is a table."""
    result = headgate("budgets")

    assert result.exit_code == 0
    assert "launch" in result.stdout
    assert "99.859000000" in result.stdout


def test_a_run_budget_without_runs(headgate: Any, books: Path) -> None:
    """It is there all the same: its limit, and that no run has come yet."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        connection.execute(delete(tables.window).where(tables.window.c.window.like("run-cap/%")))
        connection.execute(delete(tables.lease).where(tables.lease.c.window.like("run-cap/%")))
    engine.dispose()

    assert "run-cap: 5.000000000 for each run; no run yet" in headgate("budgets").stdout


def test_a_measured_call_has_its_lines(headgate: Any) -> None:
    """An attempt carries usage, charge lines with their prices, and the upstream's ids."""
    [attempt] = json.loads(headgate("calls", "--state", "measured", "--json").stdout)

    assert attempt["attempt"] == "call_a.1"
    assert attempt["at"] == "2025-11-10T12:00:00.000Z"
    assert attempt["posted"] == "0.011000000"
    assert attempt["lines"][1] == {
        "meter": "output_text",
        "quantity": 200,
        "price_usd_per_million": "30.000000000",
        "amount": "0.006000000",
        "price_row": "openai/gpt-5.5/standard/x",
    }
    assert attempt["usage"] == {"input_uncached": 1_000, "output_text": 200}
    assert attempt["ttft_ms"] == 12.345
    assert attempt["upstream_request_id"] == "req_1"
    assert attempt["refusal"] is None


def test_a_refused_call_has_its_refusal(headgate: Any) -> None:
    """A refused call is in the list, without an attempt."""
    newest = json.loads(headgate("calls", "--limit", "1", "--json").stdout)[0]

    assert (newest["call"], newest["attempt"], newest["state"]) == ("call_d", None, "refused")
    assert newest["refusal"] == {
        "code": "budget_exceeded",
        "message": "The budget launch has 0.01 USD left.",
        "budget": "launch@once",
    }


def test_calls_for_people(headgate: Any) -> None:
    """The table shows states and refusals."""
    shown = headgate("calls").stdout

    assert "refused: budget_exceeded" in shown
    assert "call_b" in shown


def test_calls_say_when_there_are_more(headgate: Any) -> None:
    """A list that stops at its limit says so; a whole one does not."""
    assert "the newest 2; there are more: --limit 4" in headgate("calls", "--limit", "2").stdout
    assert "there are more" not in headgate("calls", "--limit", "5").stdout
    assert len(json.loads(headgate("calls", "--limit", "2", "--json").stdout)) == 2


def test_calls_of_nobody(headgate: Any) -> None:
    """An unknown principal is told with the near one; one without such calls is an empty list."""
    result = headgate("calls", "--principal", "alcie")

    assert result.exit_code == 2
    assert "There is no principal 'alcie'." in result.stderr
    assert "Did you mean 'alice'?" in result.stderr
    assert headgate("calls", "--principal", "bob", "--state", "held").exit_code == 0


def test_a_failed_attempt_says_why(headgate: Any, books: Path) -> None:
    """In the list and when explained: the reason instead of a bare state, and no empty receipt."""
    engine = open_store(books / "data")
    failed = {"reason": "upstream_rate_limited", "posted_nanos": 0, "lines": "[]", "usage": "{}"}
    with engine.begin() as connection:
        of_call = tables.attempt.c.attempt == "call_a.1"
        connection.execute(update(tables.attempt).where(of_call).values(failed))
    engine.dispose()

    shown = headgate("calls").stdout
    explained = headgate("explain", "call_a").stdout

    assert "failed: upstream_rate_limited" in shown
    assert "void: connect_failed" in shown
    assert "failed: upstream_rate_limited" in explained
    assert "posted 0.000000000 USD" in explained
    assert "quantity" not in explained


def test_calls_are_found_by_what_their_clients_call_them(headgate: Any, books: Path) -> None:
    """Also by a part of it, in whatever case."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        of_call = tables.attempt.c.attempt == "call_a.1"
        connection.execute(update(tables.attempt).where(of_call).values(request_id="Ticket/4711"))
    engine.dispose()

    (found,) = json.loads(headgate("calls", "--text", "ticket/47", "--json").stdout)

    assert (found["attempt"], found["request_id"]) == ("call_a.1", "Ticket/4711")


def test_an_unknown_state_is_a_usage_error(headgate: Any) -> None:
    """The states that exist are told; exit code 2."""
    result = headgate("calls", "--state", "lost")

    assert result.exit_code == 2
    assert "estimated" in result.stderr


def test_explain_is_a_receipt(headgate: Any) -> None:
    """Lines with quantity, price and row, the hold and its windows, and the verdicts."""
    shown = headgate("explain", "call_a.1").stdout

    assert "Call call_a  2025-11-10T12:00:00.000Z" in shown
    assert "passed over: context_exceeded" in shown
    assert "on run-cap/alice/r42@once, launch@once" in shown
    assert "Posted in all  0.011000000 USD" in shown
    row = next(line for line in shown.splitlines() if "output_text" in line)
    assert row.split() == [
        "output_text",
        "200",
        "30.000000000",
        "0.006000000",
        "openai/gpt-5.5/standard/x",
    ]


def test_explain_tells_why_each_candidate(headgate: Any) -> None:
    """A retried call: both tried deployments are chosen, the excluded one has its rule."""
    printed = json.loads(headgate("explain", "call_b", "--json").stdout)

    [decision] = printed["decisions"]
    assert [one["chosen"] for one in decision["candidates"]] == [True, True, False]
    assert [one["state"] for one in printed["attempts"]] == ["void", "estimated"]
    assert printed["posted"] == "0.060000000"
    shown = headgate("explain", "call_b").stdout
    assert "chosen for attempt 1" in shown
    assert "chosen for attempt 2" in shown
    other = headgate("explain", "call_a").stdout
    assert [line.split()[-1] for line in other.splitlines() if " gpt " in line] == ["eligible"]


def test_a_translation_tells_its_losses(headgate: Any, books: Path) -> None:
    """Explained and as JSON: the dialect the call went through, and what was left out."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE route SET via = 'anthropic_messages'")
        lost = """UPDATE attempt SET lost = '["seed", "n"]' WHERE attempt = 'call_a.1'"""
        connection.exec_driver_sql(lost)
    engine.dispose()

    shown = headgate("explain", "call_a").stdout
    rows = {row["attempt"]: row for row in json.loads(headgate("calls", "--json").stdout)}

    assert "translated from openai_chat to anthropic_messages; lost: seed, n" in shown
    assert "to anthropic_messages; nothing lost" in headgate("explain", "call_c").stdout
    assert rows["call_a.1"]["via"] == "anthropic_messages"
    assert rows["call_a.1"]["lost"] == ["seed", "n"]
    assert rows["call_c.1"]["lost"] == []


def test_explain_a_refused_call(headgate: Any) -> None:
    """A refusal is explained too."""
    assert "Refused: budget_exceeded" in headgate("explain", "call_d").stdout


def test_explain_an_unknown_call(headgate: Any) -> None:
    """Exit code 1, and where to look."""
    result = headgate("explain", "call_nope")

    assert result.exit_code == 1
    assert "headgate calls" in result.stderr


def test_the_report_has_totals_and_groups(headgate: Any) -> None:
    """Totals and parts, by team, since a local day."""
    arguments = ("report", "--by", "team", "--since", "2025-11-10", "--json")
    printed = json.loads(headgate(*arguments).stdout)

    assert (printed["calls"], printed["refused"]) == (3, 1)
    assert (printed["spend"], printed["estimated_spend"]) == ("0.071000000", "0.060000000")
    assert [row["name"] for row in printed["by"]] == ["research", "default"]


def test_a_report_can_be_of_one_day(headgate: Any) -> None:
    """`--until` is not included, and a stretch that ends before it begins is none; exit code 2."""
    one_day = ("report", "--by", "day", "--since", "2025-11-10", "--until", "2025-11-11")
    printed = json.loads(headgate(*one_day, "--json").stdout)
    backwards = headgate("report", "--since", "2025-11-11", "--until", "2025-11-10")

    assert [row["name"] for row in printed["by"]] == ["2025-11-10"]
    assert printed["calls"] == 2
    assert backwards.exit_code == 2
    assert "Let it begin before it ends." in backwards.stderr


def test_the_report_for_people_ends_with_all(headgate: Any) -> None:
    """The last row sums up."""
    assert headgate("report").stdout.strip().splitlines()[-1].startswith("all")


def test_a_day_that_is_none(headgate: Any) -> None:
    """A wrong --since is told with the right form; exit code 2."""
    result = headgate("report", "--since", "yesterday")

    assert result.exit_code == 2
    assert "2026-11-01" in result.stderr


def test_books_that_agree(headgate: Any) -> None:
    """Exit code 0, each window with both sides."""
    result = headgate("check-books", "--json")

    printed = json.loads(result.stdout)
    assert result.exit_code == 0
    assert printed["equal"]
    assert printed["held_total"] == "0.070000000"
    assert printed["windows"][0] == {
        "window": "launch@once",
        "posted_store": "0.071000000",
        "posted_journal": "0.071000000",
        "held_store": "0.070000000",
        "held_journal": "0.070000000",
        "equal": True,
    }


def test_books_that_differ(headgate: Any, books: Path) -> None:
    """A nano-dollar of difference is exit code 1, in words too."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        posted = tables.window.c.posted_nanos
        connection.execute(update(tables.window).values(posted_nanos=posted + 1))
    engine.dispose()

    result = headgate("check-books")

    assert result.exit_code == 1
    assert "The books DIFFER." in result.stdout
    row = result.stdout.splitlines()[1].split()
    assert row == ["launch@once", "0.071000001", "0.070000000", "0.071000000", "0.070000000"]
    assert "0 of 2 windows are equal" in result.stdout


def test_books_that_agree_are_short(headgate: Any) -> None:
    """For people only windows that differ are listed, the others are counted."""
    shown = headgate("check-books").stdout

    assert "launch@once" not in shown
    assert "2 of 2 windows are equal" in shown
    assert "The books are equal." in shown


def test_budgets_before_the_first_start(headgate: Any, tmp_path: Path) -> None:
    """All of them are there, with everything free, and nothing is made for it."""
    shown = headgate("budgets", "--data-dir", str(tmp_path / "nothing")).stdout

    assert shown.splitlines()[1].split()[-3:] == ["100.000000000", "0", "%"]
    assert "run-cap: 5.000000000 for each run; no run yet" in shown
    assert not (tmp_path / "nothing").exists()


def test_no_store_yet(headgate: Any, tmp_path: Path) -> None:
    """Reading before the first start: exit code 3 and what to do."""
    result = headgate("calls", "--data-dir", str(tmp_path / "nothing"))

    assert result.exit_code == 3
    assert "headgate serve" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_store_that_is_none(headgate: Any, books: Path) -> None:
    """A broken file is told, without a traceback."""
    (books / "data" / "headgate.db").write_text("not a database" * 100)

    result = headgate("calls")

    assert result.exit_code == 3
    assert "cannot be read" in result.stderr


def test_a_wrong_configuration(headgate: Any, books: Path) -> None:
    """All problems with their fixes, exit code 2."""
    (books / "headgate.toml").write_text("[lissten]\n[keys.a]\n")

    result = headgate("budgets")

    assert result.exit_code == 2
    assert "lissten: There is no such table." in result.stderr
    assert "keys.a.principal: This key is missing." in result.stderr
    assert "Fix: Did you mean 'listen'?" in result.stderr


def test_a_drill_says_first_what_matters(headgate: Any) -> None:
    """The answer, the calls by fate, and what locks them in."""
    result = headgate("drill", "--without", "openai", "--days", "36500")

    assert result.exit_code == 0, result.output
    first, *_, last = result.stdout.splitlines()
    assert "2 were served by it; 0 would go elsewhere, 2 would break." in first
    assert "nobody: no_other_candidate" in result.stdout
    assert last == "Nobody is left for the alias fast."


def test_a_drill_without_what_is_not_there(headgate: Any) -> None:
    """A slip is told with the near name."""
    result = headgate("drill", "--without", "opnai")

    assert result.exit_code == 2
    assert "Did you mean 'openai'?" in result.stderr
