"""What happens to runs, durably: they are told of, change, are stopped; the steward's part."""

from typing import NamedTuple

from headgate.budgets.runs import ENDED, Run, State, change_run, find_run, keep_run, tree_of
from headgate.budgets.settings import FOREVER_NS, RUN_ANY, Budget
from headgate.identity import registry
from headgate.identity.registry import FrozenNode
from headgate.ledger.allotments import Allotment, Short
from headgate.node.control.registry import Desk
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.units import errors
from headgate.units.errors import Code, Refusal
from headgate.units.ids import window_key
from headgate.units.money import format_usd

DEPTH_GUARD = "depth_max"


class Wanted(NamedTuple):
    """A run that is told of by who holds `key`."""

    principal: str
    key: str
    run: str
    parent: str | None
    agent: str
    budget_nanos: int | None


class Stop(NamedTuple):
    """What is done to a run and all below it: `frozen`, `thawed`, `cancelled`, or `approved`.

    The last changes nothing: it is only written down, as the engine of the run keeps the rest.
    """

    principal: str
    run: str
    action: str
    reason: str
    by: str


def unknown(run: str) -> Refusal:
    """Say that nobody told of a run."""
    message = f"Nobody told of a run {run[:128]!r} here: POST /v1/runs does."
    return Refusal(errors.RUN_UNKNOWN, message)


def open_run(desk: Desk, wanted: Wanted) -> Run | Refusal:
    """Take up a run, with its budget; told again in the same words it is the same run."""
    with desk.engine.connect() as connection:
        known = find_run(connection, wanted.principal, wanted.run)
        parent = None
        if wanted.parent is not None:
            parent = find_run(connection, wanted.principal, wanted.parent)
            if parent is None:
                return unknown(wanted.parent)
        frozen = {each.node for each in registry.frozen_nodes(connection)}
    if known is not None:
        return known if _same(known, wanted) else _conflict(known)
    if parent is not None and parent.node in frozen:
        message = f"Spending of {parent.node} is frozen; ask who froze it."
        return Refusal(errors.FROZEN, message)
    depth = 1 if parent is None else parent.depth + 1
    if parent is not None and parent.state in ENDED:
        return Refusal(errors.RUN_CONFLICT, f"The run {parent.run!r} is {parent.state}.")
    if depth > desk.snapshot.runs.depth_max:
        return _too_deep(desk, wanted, depth)
    refusal = _allot(desk, wanted, parent)
    if refusal is not None:
        return refusal
    now_ns = desk.now_ns()
    new = Run(
        principal=wanted.principal,
        run=wanted.run,
        parent=wanted.parent,
        agent=wanted.agent,
        depth=depth,
        state="running",
        budget_nanos=wanted.budget_nanos,
        created_ns=now_ns,
        changed_ns=now_ns,
    )
    with desk.engine.begin() as connection:
        hold_lock(connection, "runs")
        # Another node may have taken it up meanwhile.
        known = find_run(connection, wanted.principal, wanted.run)
        if known is None:
            keep_run(connection, new)
            return new
    return known if _same(known, wanted) else _conflict(known)


def change(desk: Desk, principal: str, name: str, state: State) -> Run | Refusal:
    """Keep what became of a run; when it is over, what is left of its budget flows back."""
    with desk.engine.begin() as connection:
        found = find_run(connection, principal, name)
        if found is None:
            return unknown(name)
        if found.state == state:
            return found
        if found.state in ENDED:
            return Refusal(errors.RUN_CONFLICT, f"The run {name!r} is {found.state}.")
        found = found._replace(state=state, changed_ns=desk.now_ns())
        change_run(connection, found)
    if state in ENDED:
        _end_budgets(desk, [found])
    return found


def stop(desk: Desk, said: Stop) -> Run | Refusal:
    """Freeze, thaw or cancel a run and all below it, with an entry in the audit chain."""
    now_ns, gone = desk.now_ns(), []
    with desk.engine.begin() as connection:
        known = find_run(connection, said.principal, said.run)
        # A guard may stop a run that nobody told of.
        top = known or Run(said.principal, said.run, None, "", 1, "running", None, now_ns, now_ns)
        for each in tree_of(connection, top):
            if said.action == "thawed":
                registry.set_thawed(connection, each.node)
            elif said.action != "approved":
                registry.set_frozen(connection, FrozenNode(each.node, now_ns, said.reason))
            if said.action == "cancelled" and each.state not in ENDED:
                gone.append(each._replace(state="cancelled", changed_ns=now_ns))
                change_run(connection, gone[-1])
        detail = {"reason": said.reason} if said.reason else {}
        audit.append(connection, Event(said.by, f"run.{said.action}", top.node, detail), now_ns)
        found = find_run(connection, said.principal, said.run) or top
    _end_budgets(desk, gone)
    desk.changed()
    return found


def _end_budgets(desk: Desk, runs: list[Run]) -> None:
    nodes = {each.node for each in runs if each.budget_nanos is not None}
    if nodes:
        desk.keeper.end_allotments(lambda each: each.node in nodes, desk.now_ns())


def _same(known: Run, wanted: Wanted) -> bool:
    return (known.parent, known.agent, known.budget_nanos) == (
        *(wanted.parent, wanted.agent, wanted.budget_nanos),
    )


def _conflict(known: Run) -> Refusal:
    budget = "no budget" if known.budget_nanos is None else f"${format_usd(known.budget_nanos)}"
    message = f"The run {known.run!r} is known with another parent, agent or budget ({budget})."
    return Refusal(errors.RUN_CONFLICT, message)


def _too_deep(desk: Desk, wanted: Wanted, depth: int) -> Refusal:
    """Refuse a run that is one generation too many, and freeze the one that wanted it."""
    limit = desk.snapshot.runs.depth_max
    assert wanted.parent is not None
    reason = f"{DEPTH_GUARD} is {limit}, and it started a run of depth {depth}"
    stop(desk, Stop(wanted.principal, wanted.parent, "frozen", reason, "guard"))
    return Refusal(errors.RUN_RUNAWAY, f"The run {wanted.parent!r} is frozen: {reason}.")


def _allot(desk: Desk, wanted: Wanted, parent: Run | None) -> Refusal | None:
    """Give a run its own budget: within the configuration's, carved from its parent's."""
    budget = _run_budget(desk)
    if wanted.budget_nanos is None:
        if parent is not None and parent.budget_nanos is not None:
            message = f"The run {parent.run!r} has a budget: say how much of it this one gets."
            return Refusal(errors.BUDGET_EXCEEDED, message, "budget_usd")
        return None
    if budget is None:
        message = 'No budget of the configuration has node = "run:*" and period = "once".'
        return Refusal(errors.BODY_INVALID, message, "budget_usd")
    if wanted.budget_nanos > budget.limit_nanos:
        most = format_usd(budget.limit_nanos)
        message = f"Budget {budget.id!r} gives a run at most ${most}."
        return Refusal(errors.BUDGET_EXCEEDED, message, "budget_usd")
    window = _window(budget, wanted.principal, wanted.run)
    known = window in desk.keeper.allotments
    if not known and desk.keeper.book.used(window):
        message = f"The run {wanted.run!r} has spent already; a budget comes before the first call."
        return Refusal(errors.RUN_CONFLICT, message, "budget_usd")
    if known and desk.keeper.allotments.limit(window) != wanted.budget_nanos:
        # It was told of before, in other words, and the steward died in between.
        message = f"The run {wanted.run!r} has another budget already."
        return Refusal(errors.RUN_CONFLICT, message, "budget_usd")
    above = () if parent is None else (_window(budget, parent.principal, parent.run),)
    node = f"run:{wanted.principal}/{wanted.run}"
    own = Allotment(window, wanted.budget_nanos, above, wanted.key, (), node)
    for short in desk.keeper.carve([own], desk.now_ns()):
        assert parent is not None
        desk.lacking.append(short.above)
        left = format_usd(max(0, short.left_nanos))
        message = f"The run {parent.run!r} has ${left} left to give."
        return Refusal(too_little(desk, short, own), message, "budget_usd")
    return None


def too_little(desk: Desk, short: Short, wanted: Allotment) -> Code:
    """Return why an allotment is refused: nobody has it, or a worker has not given it back yet."""
    within_reach = short.left_nanos + desk.unanswered(short.above)
    enough = within_reach >= wanted.amount_nanos
    return errors.BUDGET_CONTENDED if enough else errors.BUDGET_EXCEEDED


def _run_budget(desk: Desk) -> Budget | None:
    budgets = desk.snapshot.budgets.values()
    return next((each for each in budgets if _limits_runs(each)), None)


def _limits_runs(budget: Budget) -> bool:
    hard_always = budget.mode == "hard" and budget.calendar == budget.calendar._replace(
        starts_ns=0, ends_ns=FOREVER_NS
    )
    return budget.node == RUN_ANY and budget.period == "once" and hard_always


def _window(budget: Budget, principal: str, run: str) -> str:
    return window_key(f"{budget.id}/{principal}/{run}", "once")
