"""How a routing decision is shown to a person: who was weighed, by what, and how narrowly."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from headgate.cli.output import print_table, say, table
from headgate.insights.contract_decisions import CandidateView, DecisionView, EstimateView


def show_decision(decision: DecisionView, users: Mapping[str, Sequence[str]]) -> None:
    """Print a decision.

    Args:
        decision: The decision.
        users: The numbers of the attempts that went by it, by deployment.
    """
    say(
        "",
        f"Decision {decision.number}: {decision.policy}, expecting "
        f"{decision.input_tokens} tokens in and {decision.output_tokens} out",
    )
    if decision.requirements:
        carried = f", which carries {decision.data_class!r} data" if decision.data_class else ""
        say(f"  required of the call{carried}: {', '.join(decision.requirements)}")
    for name, said in decision.notes.items():
        say(f"  {name}: {said}")
    _show_costs(decision, users)
    if any(candidate.estimate is not None for candidate in decision.candidates):
        _show_estimates(decision.candidates)
    for line in _margins(decision):
        say(f"  {line}")


def _show_costs(decision: DecisionView, users: Mapping[str, Sequence[str]]) -> None:
    shown = table("  candidate", ">expected", ">warm saves", ">retries", "verdict")
    for candidate in decision.candidates:
        verdict = "eligible" if candidate.excluded is None else f"passed over: {candidate.excluded}"
        if candidate.deployment in users:
            verdict = f"chosen for attempt {', '.join(users[candidate.deployment])}"
        shown.add_row(
            f"  {candidate.deployment}",
            candidate.expected or "-",
            _or_dash(candidate.warm),
            _or_dash(candidate.retries),
            verdict,
        )
    print_table(shown)


def _show_estimates(candidates: Sequence[CandidateView]) -> None:
    shown = table("  candidate", ">quality", ">95 % interval", ">n", ">latency", ">out", "terms")
    for candidate in candidates:
        told = candidate.estimate
        if told is None:
            continue
        latency = "-" if told.latency_ms is None else f"{told.latency_ms} ms"
        shown.add_row(
            f"  {candidate.deployment}",
            f"{told.quality:.3f}" if told.n else "unknown",
            f"{told.low:.3f} to {told.high:.3f}",
            f"{told.n:.0f}",
            latency,
            str(told.output_tokens or "-"),
            _terms(told),
        )
    print_table(shown)


def _terms(told: EstimateView) -> str:
    return ", ".join(f"{name} {value:+.2f}" for name, value in told.terms.items()) or "-"


def _margins(decision: DecisionView) -> list[str]:
    lines: list[str] = []
    if decision.runner_up is not None and decision.flip is not None:
        lines.append(f"{100 * decision.flip:.1f} % cheaper and {decision.runner_up} would win")
    elif decision.runner_up is not None:
        lines.append(f"the runner-up is {decision.runner_up}; at no price would it win")
    mix = decision.mix
    if mix is not None:
        lines.append(
            f"as good on average: {mix.dearer} for {100 * mix.share:.0f} % of such calls, drawn by "
            f"lot, and {mix.cheaper} for the others, at {mix.cost} USD a call"
        )
    if decision.repeats is not None:
        again = "comes out again" if decision.repeats else "DOES NOT COME OUT AGAIN"
        lines.append(f"made from its record alone the order {again}")
    return lines


def _or_dash(amount: str) -> str:
    return amount if Decimal(amount) else "-"
