"""The check of `headgate doctor` of policies: what they go by has to be there."""

from collections.abc import Iterator
from importlib.util import find_spec

from headgate.cli.doctor_checks import result
from headgate.config.snapshot import Snapshot
from headgate.insights.contract import CheckView
from headgate.routing.policies.registry import chooser


def has_numpy() -> bool:
    """Tell whether estimates of quality can be made here."""
    return find_spec("numpy") is not None


def check_estimates(snapshot: Snapshot, *, can_estimate: bool) -> Iterator[CheckView]:
    """Tell of the routes whose policy goes by quality whether that can be known here.

    Args:
        snapshot: The configuration.
        can_estimate: Whether NumPy is installed.
    """
    choose = chooser(snapshot.policies)
    asking = sorted(
        alias for alias, route in snapshot.routes.items() if "text" in choose(route.policy).needs
    )
    if not asking:
        return
    names = ", ".join(asking)
    if can_estimate:
        yield result("estimates", f"Quality is estimated for {names}.")
        return
    message = f"The policy of {names} goes by quality, of which nothing is known without NumPy."
    yield result("estimates", message, "Install it: pip install 'headgate[learn]'", "warning")
