"""The sets the shipped prior is fitted on, and the command that fits it.

    python -m headgate.routing.evaluation.load_judged DATA > src/headgate/routing/quality/prior.json

`DATA/SET/dev.parquet` are development parts as docs/routing.md describes them. Only sets whose
licences allow weights to be shipped are named here. What the prior is worth on texts that it was
not fitted on goes to standard error.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from headgate.routing.evaluation.metrics import ece
from headgate.routing.quality.calibration import log_odds, rate
from headgate.routing.quality.fit_prior import Judged, fit
from headgate.routing.quality.prior import FittedPrior
from headgate.routing.quality.sparse import Floats

SETS = ("mmlu_pro", "zeroeval_reasoning", "routellm_gpt4_mixtral", "llmrouter_ulab")
RATED = "mt_bench"
"""A benchmark whose scores are ratings, not shares: its rows are left out."""

NAMES = {
    "gpt-4-1106": "gpt-4-1106-preview",
    "gpt-4o-2024-08-06": "gpt-4o",
    "gpt-4o-mini-2024-07-18": "gpt-4o-mini",
    "mixtral-8x7b-instruct-v0.1": "mixtral-8x7b",
    "meta-llama-3_1-70b-instruct": "llama-3.1-70b-instruct",
    "meta-llama-3_1-8b-instruct": "llama-3.1-8b-instruct",
    "meta-llama-3.1-70b-instruct": "llama-3.1-70b-instruct",
    "meta-llama-3.1-8b-instruct": "llama-3.1-8b-instruct",
    "mistral-large-2": "mistral-large-2407",
}
"""Models that go by one name where they are sold, and by another in a set."""

FOLDS = 5
SEED = 1


def load_judged(path: Path) -> Judged:
    """Return a set: the rows of its file that every model of it was judged on."""
    table = pq.read_table(path)
    columns = {name: table.column(name) for name in table.column_names}
    kept = np.ones(table.num_rows, bool)
    if "benchmark" in columns:
        kept &= np.array([each != RATED for each in columns["benchmark"].to_pylist()])
    scores: dict[str, Floats] = {}
    for column, values in columns.items():
        name, _, what = column.rpartition("|")
        if what == "score":
            score = np.array(values.to_numpy(zero_copy_only=False), np.float64)
            kept &= (score >= 0) & (score <= 1)
            name = name.lower()
            scores[NAMES.get(name, name)] = score
    texts = columns["prompt"].to_pylist()
    chosen = np.flatnonzero(kept)
    return Judged(tuple(texts), scores).rows(chosen)


def checked(sets: list[Judged]) -> str:
    """Return what priors fitted on four fifths of the texts say of the last fifth."""
    gains: list[float] = []
    expected: list[Floats] = []
    scored: list[Floats] = []
    chance = np.random.default_rng(SEED)
    fold_of = [chance.permutation(len(each.texts)) % FOLDS for each in sets]
    for fold in range(FOLDS):
        pairs = list(zip(sets, fold_of, strict=True))
        prior = fit([each.rows(np.flatnonzero(at != fold)) for each, at in pairs], SEED)
        for each, at in pairs:
            held = each.rows(np.flatnonzero(at == fold))
            readings = [prior.read(text) for text in held.texts]
            for name, scores in held.scores.items():
                told = [reading.terms(name) for reading in readings]
                odds = np.array([sum(one[0].values()) for one in told if one is not None])
                plain = np.full(len(odds), log_odds(scores.mean(keepdims=True))[0])
                gains.append(float(_likelihood(odds, scores) - _likelihood(plain, scores)))
                expected.append(rate(odds))
                scored.append(scores)
    error = ece(np.concatenate(expected), np.concatenate(scored))
    return (
        f"{FOLDS} folds: {np.mean(gains):+.4f} nats a text and model over each model's own rate in "
        f"the fold, {np.mean(np.array(gains) > 0):.0%} of models gain; ECE {error:.3f}\n"
    )


def _likelihood(odds: Floats, scores: Floats) -> Floats:
    return np.asarray(np.mean(scores * odds - np.logaddexp(0, odds)))


def shipped(prior: FittedPrior) -> str:
    """Return a prior as the text of its file, a member a line."""
    parts = sorted(prior.to_json().items())
    return "{\n" + ",\n".join(f'"{name}": {json.dumps(part)}' for name, part in parts) + "\n}\n"


if __name__ == "__main__":
    judged = [load_judged(Path(sys.argv[1]) / name / "dev.parquet") for name in SETS]
    sys.stderr.write(checked(judged))
    sys.stdout.write(shipped(fit(judged, SEED)))
