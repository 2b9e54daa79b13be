"""Evidence with a known answer: each topic has words of its own and a model that is good at it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from headgate.routing.evaluation.evidence import Evidence

MODELS = ("cheap", "law", "sums", "dear")
COSTS = (1.0, 4.0, 5.0, 20.0)
WORDS = {
    "law": ["court", "statute", "appeal", "tort", "plaintiff", "clause", "verdict", "counsel"],
    "sums": ["integral", "matrix", "prime", "divide", "root", "algebra", "vector", "fraction"],
    "chat": ["hello", "weather", "dinner", "holiday", "friend", "music", "garden", "coffee"],
}
RATES = {
    "law": (0.1, 0.97, 0.1, 0.8),
    "sums": (0.1, 0.1, 0.97, 0.8),
    "chat": (0.95, 0.9, 0.9, 0.8),
}


def planted(rows: int, seed: int) -> Evidence:
    """Return evidence in which the best model is plain from the words, by topic."""
    chance = np.random.default_rng(seed)
    topics = [str(one) for one in chance.choice(list(WORDS), rows)]
    texts = tuple(" ".join(chance.choice(WORDS[topic], 12)) for topic in topics)
    rates = np.array([RATES[topic] for topic in topics])
    scores = (chance.random(rates.shape) < rates).astype(np.float64)
    unknown = np.full(rates.shape, np.nan)
    costs = np.tile(COSTS, (rows, 1))
    return Evidence(MODELS, texts, scores, costs, unknown, unknown, tuple(topics))


def of_pair(evidence: Evidence) -> Evidence:
    """Return the evidence of the cheapest and the dearest model, the latter without a fault."""
    scores = evidence.scores[:, [0, 3]].copy()
    scores[:, 1] = 1.0
    two = np.full(scores.shape, np.nan)
    costs = evidence.costs[:, [0, 3]]
    return Evidence(("cheap", "dear"), evidence.texts, scores, costs, two, two, evidence.groups)


def tasks(rows: int, seed: int) -> Evidence:
    """Return tasks without text: the harder, the more calls; the cheap model fails at hard ones."""
    chance = np.random.default_rng(seed)
    hard = chance.random(rows)
    rates = np.column_stack([0.9 - 0.8 * hard, 0.95 - 0.2 * hard])
    scores = (chance.random((rows, 2)) < rates).astype(np.float64)
    calls = np.column_stack([10 + 40 * hard, 12 + 30 * hard]).round()
    costs = calls * (0.001, 0.02)
    unknown = np.full((rows, 2), np.nan)
    nothing = ("",) * rows
    return Evidence(("cheap", "dear"), nothing, scores, costs, unknown, calls, nothing)


def write(path: Path, evidence: Evidence) -> Path:
    """Write evidence in the form that the commands read."""
    columns: dict[str, object] = {"prompt": list(evidence.texts), "task": list(evidence.groups)}
    for at, model in enumerate(evidence.models):
        columns[f"{model}|score"] = evidence.scores[:, at]
        columns[f"{model}|cost_usd"] = evidence.costs[:, at]
        if not np.isnan(evidence.calls).all():
            columns[f"{model}|calls"] = evidence.calls[:, at]
    pq.write_table(pa.table(columns), path)
    return path
