"""`headgate routing`: measure a router on your own evidence, and see what it has learned."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from headgate.catalog.load import load_price_book
from headgate.catalog.rates import RateCard
from headgate.cli.options import AsJson
from headgate.cli.output import fail, print_json
from headgate.records.demand import STANDARD
from headgate.units.instants import from_datetime

try:
    from headgate.cli.evaluation import replays_text, sessions_text, text
    from headgate.cli.learning.arena import arena
    from headgate.cli.learning.check_policy import check_policy
    from headgate.cli.learning.eval_learning import Warm, measured
    from headgate.cli.learning.models import models as learned_models
    from headgate.routing.evaluation import bounded, charts, replays, sessions
    from headgate.routing.evaluation.cascades import Verifier
    from headgate.routing.evaluation.evidence import Evidence, EvidenceError
    from headgate.routing.evaluation.load import Wanted, load_evidence, load_pool
    from headgate.routing.evaluation.result import Result, mean_of
    from headgate.routing.evaluation.summary import summarise
except ModuleNotFoundError as missing:
    if missing.name not in {"numpy", "pyarrow"}:
        raise
    fail(f"{missing.name} is not installed.", "Install headgate[learn].")

app = typer.Typer(no_args_is_help=True, help="Measure a router, and see what it has learned.")

SEEDS_MAX = 100

Train = Annotated[Path, typer.Option(help="Parquet to learn from and to choose points on.")]
Test = Annotated[
    Path | None, typer.Option(help="Parquet to read once; without it: cross-validation.")
]
ProtocolFile = Annotated[Path | None, typer.Option("--protocol", help="JSON with pools of models.")]
SetName = Annotated[str | None, typer.Option("--set", help="Which pool of the protocol.")]
Models = Annotated[str | None, typer.Option(help="A pool: names with commas between.")]
Where = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Use only such rows.")
]
Seed = Annotated[int, typer.Option(min=0, help="What all chance follows from.")]
TruePositives = Annotated[
    float, typer.Option(min=0, max=1, help="How often the verifier accepts what is solved.")
]
FalsePositives = Annotated[
    float, typer.Option(min=0, max=1, help="How often it accepts what is not.")
]
Charts = Annotated[
    Path | None, typer.Option("--charts", help="A folder for SVG charts; made if missing.")
]


@app.command("eval")
def evaluate(  # noqa: PLR0913 - an option is a parameter
    train: Train,
    test: Test = None,
    protocol: ProtocolFile = None,
    set_name: SetName = None,
    models: Models = None,
    where: Where = None,
    labels: Annotated[
        int | None, typer.Option(min=1, help="Learn from this many rows, drawn at random.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=SEEDS_MAX, help="Do it this often; means are printed.")
    ] = 1,
    seed: Seed = 1,
    shuffle: Annotated[
        bool, typer.Option("--shuffle", help="Learn from shuffled scores: must fall to chance.")
    ] = False,
    charts_dir: Charts = None,
    as_json: AsJson = False,
) -> None:
    """Measure the quality and the saving of routing single calls.

    Operating points are chosen by cross-validation on the training part; the test part is read
    once. Quality and saving are against the best single model of the training part.
    """
    try:
        wanted = _wanted(protocol, set_name, models, where, texts=True)
        learned, unseen = _read(train, test, wanted)
        hows = [bounded.Protocol(seed + one, labels, shuffle) for one in range(seeds)]
        result = _evaluated(learned, unseen, hows)
    except EvidenceError as error:
        fail(f"{error.problem}.", error.fix)
    if charts_dir is not None:
        _draw(charts_dir, charts.of_calls(result))
    if as_json:
        print_json(result)
    else:
        text.tell(result)


@app.command("eval-sessions")
def evaluate_sessions(  # noqa: PLR0913 - an option is a parameter
    train: Train,
    test: Test = None,
    protocol: ProtocolFile = None,
    set_name: SetName = None,
    models: Models = None,
    where: Where = None,
    true_positive_rate: TruePositives = 0.9,
    false_positive_rate: FalsePositives = 0.2,
    seed: Seed = 1,
    charts_dir: Charts = None,
    as_json: AsJson = False,
) -> None:
    """Measure cascades and step caps on whole tasks of agents.

    The verifier is simulated: it errs at the given rates, independently of the task.
    """
    verifier = Verifier(true_positive_rate, false_positive_rate)
    try:
        wanted = _wanted(protocol, set_name, models, where, texts=False)
        learned, unseen = _read(train, test, wanted)
        result = sessions.evaluate(learned, unseen, verifier, seed)
    except EvidenceError as error:
        fail(f"{error.problem}.", error.fix)
    if charts_dir is not None:
        _draw(charts_dir, charts.of_sessions(result))
    if as_json:
        print_json(result)
    else:
        sessions_text.tell(result)


@app.command("replay-sessions")
def replay_sessions(  # noqa: PLR0913 - an option is a parameter
    train: Train,
    priced: Annotated[
        list[str],
        typer.Option(metavar="MODEL=SELLER/NAME", help="A model, and whose price it has."),
    ],
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day of the prices.")
    ] = None,
    where: Where = None,
    true_positive_rate: TruePositives = 0.9,
    false_positive_rate: FalsePositives = 0.2,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Replay mixes of sessions through the policy `session`, with prices of prompt caches.

    Tasks, their outcomes and calls are the file's; what a call's prompt and answer have is assumed.
    """
    when = at or datetime.now(UTC)
    verifier = Verifier(true_positive_rate, false_positive_rate)
    try:
        cards = _cards(priced, from_datetime(when.replace(tzinfo=UTC)))
        wanted = _wanted(None, None, ",".join(cards), where, texts=False)
        learned, _ = _read(train, None, wanted)
        with _progress() as progress:
            task = progress.add_task("Replaying", total=len(replays.MIXES))
            result = replays.evaluate(
                learned, cards, verifier, seed, lambda _name: progress.advance(task)
            )
    except EvidenceError as error:
        fail(f"{error.problem}.", error.fix)
    if as_json:
        print_json(result)
    else:
        replays_text.tell(result)


def _cards(priced: list[str], at_ns: int) -> dict[str, RateCard]:
    """Return the prices of models by their names in the file."""
    book = load_price_book()
    cards: dict[str, RateCard] = {}
    for one in priced:
        model, equals, whose = one.partition("=")
        seller, slash, name = whose.partition("/")
        if not (equals and slash and model):
            raise EvidenceError(f"--priced {one!r} is no price", "Write MODEL=SELLER/NAME.")
        card = book.rate_card(seller, name, STANDARD, at_ns)
        if card is None:
            problem = f"{seller} has no price for {name!r} on that day"
            raise EvidenceError(problem, "See headgate prices list, or give another --at.")
        cards[model] = card
    return cards


@app.command("eval-learning")
def evaluate_learning(  # noqa: PLR0913 - an option is a parameter
    train: Train,
    protocol: ProtocolFile = None,
    set_name: SetName = None,
    models: Models = None,
    where: Where = None,
    warm: Warm = 0,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Measure what is learned of two models when each call shows the chosen one's score alone."""
    try:
        wanted = _wanted(protocol, set_name, models, where, texts=True)
    except EvidenceError as error:
        fail(f"{error.problem}.", error.fix)
    measured(train, wanted, seed, warm, as_json=as_json)


app.command("models")(learned_models)
app.command()(arena)
app.command("check-policy")(check_policy)


def _wanted(
    protocol: Path | None,
    set_name: str | None,
    models: str | None,
    where: list[str] | None,
    *,
    texts: bool,
) -> Wanted:
    if (protocol is None) != (set_name is None):
        raise EvidenceError("--protocol and --set need each other", "Give both, or --models.")
    pool, costs = load_pool(protocol, set_name) if protocol and set_name else ((), {})
    if models is not None:
        pool = tuple(name.strip() for name in models.split(","))
    elif not pool:
        raise EvidenceError("There is no pool", "Give --models a,b or --protocol and --set.")
    pairs = [one.partition("=") for one in where or ()]
    for column, equals, _ in pairs:
        if not (column and equals):
            raise EvidenceError(f"--where {column!r} is no condition", "Write COLUMN=VALUE.")
    conditions = tuple((column, value) for column, _, value in pairs)
    return Wanted(pool, costs, conditions, texts=texts)


def _read(train: Path, test: Path | None, wanted: Wanted) -> tuple[Evidence, Evidence | None]:
    return load_evidence(train, wanted), load_evidence(test, wanted) if test else None


def _evaluated(train: Evidence, test: Evidence | None, hows: list[bounded.Protocol]) -> Result:
    """Evaluate by each protocol, telling how far it is where errors go."""
    results = []
    dropped = train.dropped + (test.dropped if test else 0)
    with _progress() as progress:
        made = [bounded.parts(train, test, how) for how in hows]
        task = progress.add_task("Learning", total=sum(len(parts) for parts in made))
        for how, parts in zip(hows, made, strict=True):
            readings = []
            for learned, unseen in parts:
                readings.append(bounded.read(learned, unseen, how.seed, time.thread_time_ns))
                progress.advance(task)
            results.append(
                summarise(
                    bounded.joined(readings),
                    how,
                    bounded.told(how, apart=test is not None),
                    train_rows=len(parts[0][0]),
                    dropped=dropped,
                )
            )
    return mean_of(results)


def _progress() -> Progress:
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


def _draw(folder: Path, drawn: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, svg in drawn.items():
            (folder / f"{name}.svg").write_text(svg, encoding="utf-8")
    except OSError as error:
        fail(f"{folder}: {error.strerror}.", "Give --charts a folder that can be written.")
