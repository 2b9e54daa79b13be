"""A replay of mixes of sessions, for people."""

from headgate.cli.output import print_table, say, table
from headgate.routing.evaluation.replays import ReplayRow, ReplaysResult


def tell(result: ReplaysResult) -> None:
    """Print each model alone, then the policy on each mix beside its cheapest equal."""
    say(f"{result.protocol}, {result.test_rows} tasks, prices with a prompt cache")
    shape = ", ".join(f"{name} {value}" for name, value in result.shape.items())
    say(f"A call of a session, for want of recorded ones: {shape}")
    alone = table("alone, one task a session", ">solved", ">$ per task")
    for name, one in result.models.items():
        alone.add_row(name, f"{one.solved:.3f}", f"{one.usd_per_task:.4f}")
    print_table(alone)
    say(
        f"The policy `session`; verified: accepts {result.true_positive_rate:.0%} of what is "
        f"solved and {result.false_positive_rate:.0%} of what is not (simulated, for nothing)."
    )
    shown = table(
        *("sessions", "rates", ">stake, $", "verified", ">solved", ">$ per task"),
        *("cheapest model that solves as much", ">$ per task", ">dearer", ">switches", ">unpaid"),
    )
    for row in result.rows:
        shown.add_row(*_cells(row))
    print_table(shown)


def _cells(row: ReplayRow) -> tuple[str, ...]:
    fixed = "" if row.fixed_usd_per_task is None else f"{row.fixed_usd_per_task:.4f}"
    return (
        row.mix,
        row.rates,
        str(row.stake_usd),
        "yes" if row.verified else "no",
        f"{row.solved:.3f}",
        f"{row.usd_per_task:.4f}",
        row.fixed or "none does",
        fixed,
        "" if row.dearer is None else f"{row.dearer:+.1%}",
        str(row.switches),
        str(row.unpaid),
    )
