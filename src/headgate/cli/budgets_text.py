"""How budgets stand, as text: the table, and what it has no room for."""

from collections.abc import Collection, Iterator

from headgate.budgets.periods import span_at
from headgate.budgets.settings import Budget, is_each
from headgate.budgets.standing import Standing
from headgate.budgets.tree import budget_id_of
from headgate.cli.output import print_table, say, table
from headgate.config.snapshot import Snapshot
from headgate.insights.windows import AGENTS, Picked, over_text
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


def show_budgets(picked: Picked, frozen: Collection[str]) -> None:
    """Print a table of windows; `frozen` has the ids of those that may not spend."""
    carved = any(window.carved_nanos for window in picked.windows)
    marks = {window.id: ", ".join(_marks(window, frozen)) for window in picked.windows}
    columns = ["budget", "node", "period", ">limit", ">posted", ">held"]
    columns += [*([">carved"] if carved else []), ">free", ">used"]
    marked = any(marks.values())
    shown = table(*columns, *([""] if marked else []))
    for window in picked.windows:
        cells = [window.id, window.node, window.period, *_amounts(window, carved=carved)]
        shown.add_row(*cells, *([marks[window.id]] if marked else []))
    print_table(shown)


def _marks(window: Standing, frozen: Collection[str]) -> Iterator[str]:
    if window.id in frozen:
        yield "frozen"
    if window.mode == "shadow":
        yield "shadow"


def _amounts(window: Standing, *, carved: bool) -> tuple[str, ...]:
    used = window.limit_nanos - window.free_nanos
    share = 100 * used // window.limit_nanos if window.limit_nanos else 100
    amounts = [window.limit_nanos, window.posted_nanos, window.held_nanos]
    amounts += [*([window.carved_nanos] if carved else []), window.free_nanos]
    return (*(format_usd(amount) for amount in amounts), f"{share} %")


def tell_rest(snapshot: Snapshot, picked: Picked, now_ns: int) -> None:
    """Print what a reader has to know beside the table, a line each."""
    for window in picked.windows:
        for line in _remarks(window):
            say(f"{window.id}: {line}")
    with_windows = {budget_id_of(window.id) for window in picked.windows}
    for budget in snapshot.budgets.values():
        if span_at(budget, now_ns, snapshot.zone) is None:
            say(f"{budget.id}: {_out_of_force(budget, now_ns)}")
        elif is_each(budget.node) and budget.id not in with_windows:
            what = "run" if budget.node == "run:*" else budget.node
            limit = format_usd(budget.limit_nanos)
            say(f"{budget.id}: {limit} for each {what}; no {what} yet")
        if count := picked.left_out.get(budget.id):
            what = " runs" if budget.node == "run:*" else ""
            say(f"{budget.id}: … {count} more{what}: headgate budgets --runs")
    if count := picked.left_out.get(AGENTS):
        say(f"agents: … {count} more delegations: headgate budgets --runs")


def _remarks(window: Standing) -> Iterator[str]:
    if window.carried_nanos:
        yield f"{format_usd(window.carried_nanos)} of the limit is left from the period before."
    if window.raised_nanos:
        yield f"{format_usd(window.raised_nanos)} of the limit is a raise that ends."
    if window.lacking_nanos:
        lacking = format_usd(window.lacking_nanos)
        yield f"{lacking} more is to be set aside, as soon as the budget above has it."
    over = over_text(window)
    if over is not None:
        yield over
    if window.would_refuse:
        held = format_usd(window.would_refuse_nanos)
        attempts = "1 attempt" if window.would_refuse == 1 else f"{window.would_refuse} attempts"
        yield f"as a hard limit it would have refused {attempts} ({held} held)."


def _out_of_force(budget: Budget, now_ns: int) -> str:
    calendar = budget.calendar
    if now_ns < calendar.starts_ns:
        return f"limits nothing before {to_iso(calendar.starts_ns)}."
    return f"limits nothing since {to_iso(calendar.ends_ns)}."
