"""`headgate routing check-policy`: what past calls say of a policy before it goes live."""

import time
from typing import Annotated

import numpy as np
import typer

from headgate.cli.learning.arena import Since
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.cli.report import instant
from headgate.config.problems import near
from headgate.insights.contract_learning import IntervalView, PolicyCheckView
from headgate.insights.past import Voted, voted
from headgate.routing.deciding import decided_again
from headgate.routing.learning.offpolicy import Interval, Logged, Verdict, check
from headgate.routing.learning.settings import DAY_NS
from headgate.routing.policies.registry import Chosen, chooser, policies

DAYS_DEFAULT = 30

Asked = Annotated[str | None, typer.Option(help="Calls of one alias; default: of all.")]
Seed = Annotated[int, typer.Option(min=0, help="What the bootstrap follows from.")]


def check_policy(  # noqa: PLR0913 - an option is a parameter
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="One of `[policies.ID]`, or a kind.")
    ],
    asked: Asked = None,
    since: Since = None,
    seed: Seed = 1,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Tell how good answers would have been under another policy, from votes on past calls."""
    snapshot = read_configuration(config)
    known = (*snapshot.policies, *policies())
    if policy not in known:
        fail(f"There is no policy {policy!r}.", near(policy, known, "policy"))
    wanted = chooser(snapshot.policies)(policy)
    since_ns = time.time_ns() - DAYS_DEFAULT * DAY_NS
    if since is not None:
        since_ns = instant(since, snapshot.zone)
    with reading_if_any(data_dir) as connection:
        past = list(voted(connection, lambda alias: asked in (None, alias), since_ns))
    if not past:
        fail("No vote is about calls of that time.", "Send feedback, or go back with --since.", 1)
    view = _view(policy, check(_logged(past, wanted), seed))
    if as_json:
        print_json(view)
    else:
        _show(view)
    if view.thin:
        raise typer.Exit(EXIT_NO)


def _logged(past: list[Voted], wanted: Chosen) -> Logged:
    there = [next(iter(decided_again(each.record, wanted)), "") for each in past]
    pairs = list(zip(past, there, strict=True))
    return Logged(
        score=np.array([each.score for each in past]),
        propensity=np.array([each.propensity for each in past]),
        agrees=np.array([float(each.deployment == name) for each, name in pairs]),
        expected=np.array([_number(each.expected(each.deployment)) for each in past]),
        expected_there=np.array([_number(each.expected(name)) for each, name in pairs]),
    )


def _number(found: float | None) -> float:
    return np.nan if found is None else found


def _view(policy: str, found: Verdict) -> PolicyCheckView:
    logged = _interval(found.logged)
    assert logged is not None
    return PolicyCheckView(
        policy=policy,
        calls=found.calls,
        agreed=found.agreed,
        effective=round(found.effective, 1),
        logged=logged,
        snips=_interval(found.snips),
        doubly_robust=_interval(found.doubly_robust),
        thin=found.is_thin,
    )


def _interval(found: Interval | None) -> IntervalView | None:
    if found is None:
        return None
    mean, low, high = (round(each, 4) for each in found)
    return IntervalView(mean=mean, low=low, high=high)


def _show(view: PolicyCheckView) -> None:
    shown = table("", ">mean score", "95 %")
    rows = (("as it was", view.logged), (f"{view.policy}, SNIPS", view.snips))
    for name, each in (*rows, (f"{view.policy}, doubly robust", view.doubly_robust)):
        if each is None:
            shown.add_row(name, "-", "-")
        else:
            shown.add_row(name, f"{each.mean:.3f}", f"{each.low:.3f} to {each.high:.3f}")
    print_table(shown)
    say(
        f"Of {view.calls} votes {view.agreed} are on calls that it would have sent the same way; "
        f"they are worth {view.effective:.0f} calls."
    )
    if view.thin:
        say("Too thin to be trusted: past calls hardly went where this policy goes.")
