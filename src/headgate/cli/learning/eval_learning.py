"""`headgate routing eval-learning`: learning from the chosen model's score alone, simulated."""

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from headgate.cli.output import fail, print_json, print_table, table
from headgate.insights.contract_learning import LearningMarkView
from headgate.routing.evaluation import bounded, evidence, online
from headgate.routing.evaluation.evidence import Evidence, EvidenceError
from headgate.routing.evaluation.load import Wanted, load_evidence
from headgate.routing.evaluation.online import Mark

Warm = Annotated[
    int, typer.Option(min=0, help="So many rows are known before, with the scores of both models.")
]


def measured(train: Path, wanted: Wanted, seed: int, warm: int, *, as_json: bool) -> None:
    """Simulate it by five-fold cross-validation, and print what came of it."""
    try:
        read = load_evidence(train, wanted)
        marks = _simulated(read, seed, warm)
    except EvidenceError as error:
        fail(f"{error.problem}.", error.fix)
    views = [_view(mark) for mark in marks]
    if as_json:
        print_json(views)
        return
    shown = table(">votes", ">APGR", ">CPT50", ">CPT80")
    for view in views:
        shares = ("-" if each is None else f"{each:.1f} %" for each in (view.cpt50, view.cpt80))
        apgr = "-" if view.apgr is None else f"{view.apgr:.3f}"
        shown.add_row(str(view.votes), apgr, *shares)
    print_table(shown)


def _simulated(read: Evidence, seed: int, warm: int) -> list[Mark]:
    console = Console(stderr=True)
    runs = []
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        parts = evidence.folds(read, bounded.FOLDS, seed)
        task = progress.add_task("Learning", total=len(parts))
        for learned, unseen in parts:
            runs.append(online.simulate(learned, unseen, seed, warm))
            progress.advance(task)
    return online.mean_of(runs)


def _view(mark: Mark) -> LearningMarkView:
    apgr, cpt50, cpt80 = (None if math.isnan(each) else round(each, 4) for each in mark.pair)
    return LearningMarkView(votes=mark.votes, apgr=apgr, cpt50=cpt50, cpt80=cpt80)
