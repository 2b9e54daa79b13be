"""The logs that imports are timed on: the same every time, and read as what was written."""

from pathlib import Path

from bench.usage_logs import SEED, make
from headgate.catalog.load import load_price_book
from headgate.economics.usage_logs.importing import Import
from headgate.economics.usage_logs.load_files import survey


def test_the_same_seed_makes_the_same_logs(tmp_path: Path) -> None:
    """File by file and byte by byte, so that figures can be compared."""
    made = []
    for name in ("one", "two"):
        make(tmp_path / name, 2, SEED)
        files = sorted((tmp_path / name).rglob("*.jsonl"))
        made.append([(path.name, path.read_bytes()) for path in files])

    assert made[0] == made[1]
    assert sum(len(data) for _, data in made[0]) >= 2_000_000


def test_an_import_finds_every_reply_once(tmp_path: Path) -> None:
    """Whatever is skipped for speed, no reply is, and each has a price."""
    replies = make(tmp_path / "logs", 2, SEED)

    job = Import(tmp_path / "usage.db", load_price_book(), "local")
    done = job.run(survey([tmp_path / "logs"], {}), lambda _bytes: None)

    assert (done.records, done.tally.broken, done.tally.foreign) == (replies, 0, 0)
