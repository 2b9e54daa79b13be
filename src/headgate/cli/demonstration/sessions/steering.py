"""Steering the simulated providers while it runs: outages, and what models can do."""

import json
import urllib.request
from collections.abc import Mapping

TIMEOUT_S = 10.0


def break_down(admin: str, kind: str, **more: object) -> None:
    """Let a provider fail from the next request on.

    Raises:
        OSError: The simulator does not answer.
    """
    _send("POST", f"{admin}/faults", {"kind": kind, **more})


def repair(admin: str) -> None:
    """Let a provider be well again.

    Raises:
        OSError: The simulator does not answer.
    """
    _send("DELETE", f"{admin}/faults", {})


def set_skills(admin: str, skills: Mapping[str, int]) -> None:
    """Say what models can do from the next request on, 0 to 100.

    Raises:
        OSError: The simulator does not answer.
    """
    _send("POST", f"{admin}/skills", skills)


def _send(method: str, url: str, body: Mapping[str, object]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 - loopback
        pass


def seen(admin: str) -> int:
    """Return how many requests a provider was sent.

    Raises:
        OSError: The simulator does not answer.
    """
    with urllib.request.urlopen(f"{admin}/gate", timeout=TIMEOUT_S) as reply:  # noqa: S310
        found: int = json.load(reply)["seen"]
    return found
