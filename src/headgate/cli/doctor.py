"""`headgate doctor`: look for what is wrong, and say how to mend it."""

import os
import time
from typing import Annotated

import typer

from headgate.cli.doctor_checks import (
    check_certificate,
    check_clock,
    check_closed,
    check_data_dir,
    check_files,
    check_frozen,
    check_gateway,
    check_port,
    check_provider,
    check_steward,
)
from headgate.cli.doctor_compliance import check_compliance
from headgate.cli.doctor_keys import check_ends_of_keys
from headgate.cli.doctor_machine import (
    check_disk,
    check_durability,
    check_in_force,
    check_open_files,
    check_prices,
    check_versions,
)
from headgate.cli.doctor_minutes import check_minutes
from headgate.cli.doctor_online import check_online
from headgate.cli.doctor_routing import check_estimates, has_numpy
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, print_json, say
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.config.unpriced import unpriced
from headgate.gateway.listener.own import why_closed
from headgate.insights.contract import CheckView, DoctorView
from headgate.units.errors import ConfigurationError, Problem

app = typer.Typer()

_SIGNS = {"error": "ERROR  ", "warning": "warning", "ok": "ok     "}
"""By status, the gravest first."""


@app.command()
def doctor(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show what is well too, not only its count.")
    ] = False,
    online: Annotated[
        bool, typer.Option("--online", help="Ask each provider at no cost, with its credential.")
    ] = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Check configuration, machine, ports, processes, providers and clock; exit 1 on an error."""
    now_ns = time.time_ns()
    steward = check_steward(data_dir)
    running = steward.status == "ok"
    snapshot, checks = _configuration(config, running=running)
    checks += [check_versions(), check_data_dir(data_dir), check_files(config, data_dir)]
    checks += check_disk(data_dir)
    checks += [steward, check_clock(data_dir, now_ns)]
    checks += check_frozen(data_dir)
    if running:
        checks += check_in_force(config, data_dir)
    if snapshot is not None:
        checks += [check_open_files(snapshot.edge.connections_max)]
        checks += check_ends_of_keys(snapshot.keys, data_dir, now_ns)
        checks += [check_durability(snapshot.journal)]
        checks += [check_prices(snapshot.price_book, now_ns)]
        checks += [_price_check(problem) for problem in unpriced(snapshot, now_ns)]
        checks += check_compliance(snapshot, now_ns)
        checks += check_minutes(snapshot)
        checks += check_estimates(snapshot, can_estimate=has_numpy())
        checks += _network(snapshot, now_ns, running=running)
        for provider in snapshot.providers.values() if online else ():
            checks += check_online(provider, config.parent, time.time_ns())
    ok = all(check.status != "error" for check in checks)
    if as_json:
        print_json(DoctorView(ok=ok, checks=checks))
    else:
        _show(checks, verbose=verbose)
    if not ok:
        raise typer.Exit(EXIT_NO)


def _show(checks: list[CheckView], *, verbose: bool) -> None:
    for status, sign in _SIGNS.items():
        if status == "ok" and not verbose:
            continue
        for check in (one for one in checks if one.status == status):
            say(f"{sign}  {check.name}: {check.message}")
            if check.fix:
                say(f"         Fix: {check.fix}")
    well = sum(check.status == "ok" for check in checks)
    say(f"{well} of {len(checks)} checks are ok{'' if verbose else '; -v shows them'}.")


def _configuration(config: Config, *, running: bool) -> tuple[Snapshot | None, list[CheckView]]:
    try:
        snapshot = load(config, os.environ)
    except ConfigurationError as error:
        found = [_problem_check(problem, running=running) for problem in error.problems]
        return _without_secrets(config), found
    what = f"{len(snapshot.deployments)} deployments, {len(snapshot.budgets)} budgets"
    message = f"{config} is valid: {what}."
    return snapshot, [CheckView(name="configuration", status="ok", message=message, fix="")]


def _without_secrets(config: Config) -> Snapshot | None:
    """Return the configuration when only its secrets are missing here, for the other checks."""
    try:
        return load(config, os.environ, secrets_of=())
    except ConfigurationError:
        return None


def _problem_check(problem: Problem, *, running: bool) -> CheckView:
    message = f"{problem.place}: {problem.problem}"
    if running and problem.key.endswith(".env"):
        # The node has an environment of its own, which was found complete when it started.
        message += " It is missing in this shell; the node that runs has its own environment."
        return CheckView(name="configuration", status="warning", message=message, fix=problem.fix)
    return CheckView(name="configuration", status="error", message=message, fix=problem.fix)


def _price_check(problem: Problem) -> CheckView:
    message = f"{problem.key}: {problem.problem}"
    return CheckView(name="prices", status="warning", message=message, fix=problem.fix)


def _network(snapshot: Snapshot, now_ns: int, *, running: bool) -> list[CheckView]:
    edge, console = snapshot.edge, snapshot.console
    checks = [
        check_port("gateway port", edge.host, edge.port, running=running),
        check_port("console port", console.host, console.port, running=running),
    ]
    lacking = why_closed(edge) if running else None
    if lacking is not None:
        checks.append(check_closed(lacking))
    elif running:
        checks.append(check_gateway(edge))
        if edge.tls is not None:
            checks.append(check_certificate(edge, edge.tls, now_ns))
    checks += [check_provider(provider) for provider in snapshot.providers.values()]
    return checks
