"""The prior that is shipped: `prior.json` beside this file, read once per worker that asks."""

import json
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec

from headgate.routing.quality.standing import Prior

FILE = "prior.json"


def load_prior() -> Prior | None:
    """Return the shipped prior; None where NumPy, of the extra `learn`, is not installed.

    Raises:
        PriorError: The file is damaged.
    """
    if find_spec("numpy") is None:
        return None
    reader = import_module("headgate.routing.quality.prior")
    prior: Prior = reader.from_json(
        json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    )
    return prior
