"""Runs HiGHS on a program: the whole of it, or with some columns fixed or free to be fractions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from headgate.economics.mix.program import Program

SECONDS_MAX = 60.0
"""By the clock on the wall, which is all the solver looks at."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a run found.

    Attributes:
        values: Of the columns.
        duals: Of the rows; they mean something only when no column had to be whole.
        reduced: What one more of a column would add to the cost; likewise.
        cost: Of these values.
        bound: No values cost less.
    """

    values: Sequence[float]
    duals: Sequence[float]
    reduced: Sequence[float]
    cost: float
    bound: float


class UnsolvedError(Exception):
    """There is no solution, or none was found in time; the message is the solver's word for it."""


_STOPPED = (highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kObjectiveTarget)
"""Before anything was proved."""


class _QuietHighs(highspy.Highs):
    """A solver that prints nothing; it would greet while it is made, before it can be told not to.

    Its constructor calls `enableCallbacks`, which is the first thing that prints. The solver's own
    methods have no types.
    """

    def enableCallbacks(self) -> None:  # noqa: N802 - the name is the solver's
        """Be silent, then do as the solver does."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def run(
    program: Program,
    whole: Sequence[bool],
    gap: float,
    *,
    fixed: Mapping[int, float] | None = None,
    enough: float | None = None,
    seconds_max: float = SECONDS_MAX,
) -> Found:
    """Return the cheapest values of a program's columns, or the best that were found in time.

    Args:
        program: What binds them.
        whole: Which columns are whole numbers.
        gap: The solver may stop when nothing is better by more than this share.
        fixed: Columns that have a value already.
        enough: The solver may stop at values that cost no more than this.
        seconds_max: After so long the best so far is taken, which `bound` tells the worth of.

    Raises:
        UnsolvedError: There are none, or none were found in time.
    """
    solver = _QuietHighs()  # type: ignore[no-untyped-call]
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 1,
        "mip_rel_gap": gap,
        "time_limit": seconds_max,
    }.items():
        solver.setOptionValue(option, value)
    if enough is not None:
        solver.setOptionValue("objective_target", enough)
    solver.passModel(_model(program, whole, fixed or {}))
    solver.run()
    status, info = solver.getModelStatus(), solver.getInfo()
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    stopped = status in _STOPPED and any(whole) and found
    if status != highspy.HighsModelStatus.kOptimal and not stopped:
        raise UnsolvedError(str(solver.modelStatusToString(status)))
    solution = solver.getSolution()
    values = np.array(solution.col_value)
    # What the solver says of its own cost was wrong by what it had set aside, where it began from
    # given values.
    cost = float(values @ np.array(program.costs))
    bound = float(info.mip_dual_bound) if any(whole) else cost
    duals, reduced = list(solution.row_dual), list(solution.col_dual)
    return Found(list(solution.col_value), duals, reduced, cost, bound)


def _model(program: Program, whole: Sequence[bool], fixed: Mapping[int, float]) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.costs), len(program.rows)
    lowers, uppers = np.zeros(len(program.costs)), np.array(program.uppers)
    for column, value in fixed.items():
        lowers[column] = uppers[column] = value
    model.col_cost_ = np.array(program.costs)
    model.col_lower_, model.col_upper_ = lowers, uppers
    model.row_lower_ = np.array([low for _, low, _, _ in program.rows])
    model.row_upper_ = np.array([high for _, _, high, _ in program.rows])
    terms = [row for *_, row in program.rows]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(row) for row in terms)])
    model.a_matrix_.index_ = np.array([column for row in terms for column in row], dtype=np.int32)
    model.a_matrix_.value_ = np.array([value for row in terms for value in row.values()])
    if any(whole):
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in whole]
    return model
