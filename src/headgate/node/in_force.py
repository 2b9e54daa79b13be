"""The configuration in force: a copy of what was found valid, which every process of a node reads.

The file itself may be edited, and be wrong for a while, at any time: a process that is started
again must not trip over that. Relative paths start at the folder of the file all the same.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from headgate.config.load import load
from headgate.config.shapes import TABLES
from headgate.config.snapshot import Snapshot
from headgate.node.paths import in_force_path, run_dir
from headgate.store.private import private

SECRETS_OF_STEWARD = ("console", "webhooks", "reports", "otel", "events", "providers")
"""What the steward needs secrets of; those of keys are the workers' alone. Those of providers it
needs for batches, which it hands over and asks after."""

SECRETS_OF_WORKER = frozenset(TABLES) - {"tls"}
"""All but the certificate: the door looks at that itself, and has another while it is no good."""


def keep(data_dir: Path, number: int, text: bytes) -> Path:
    """Keep a copy for this node's processes alone, for it may hold secrets; returns where it is."""
    path = in_force_path(data_dir, number)
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=private) as file:
        file.write(text)
    return path


def forget_all_but(data_dir: Path, kept: Path) -> None:
    """Remove the copies that nobody goes by any more."""
    for path in run_dir(data_dir).glob("in-force-*.toml"):
        if path != kept:
            path.unlink(missing_ok=True)


def read(
    config: Path,
    in_force: Path,
    environ: Mapping[str, str],
    secrets_of: Collection[str] | None = None,
) -> Snapshot:
    """Return what is in force.

    Args:
        config: The configuration file, as it is named to people.
        in_force: The copy to read.
        environ: The environment that secrets may stand in.
        secrets_of: The tables whose secrets are read, None for all.

    Raises:
        ConfigurationError: It cannot be used (any more): a secret's file is gone, perhaps.
        OSError: There is no such copy.
    """
    return load(config, environ, secrets_of=secrets_of, text=in_force.read_bytes())
