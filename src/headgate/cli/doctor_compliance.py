"""What `headgate doctor` says of requirements: who satisfies them, and which certificates end."""

from collections.abc import Iterator

from headgate.cli.doctor_checks import result
from headgate.config.snapshot import Snapshot
from headgate.governance.requirements import violation
from headgate.insights.contract import CheckView
from headgate.units.instants import NANOS_PER_SECOND, to_date

SOON_NS = 30 * 86_400 * NANOS_PER_SECOND
CHECK = "compliance"


def check_compliance(snapshot: Snapshot, now_ns: int) -> Iterator[CheckView]:
    """Yield a warning for each requirement nobody satisfies, and each certificate that ends."""
    deployments = snapshot.deployments.values()
    for requirement in snapshot.requirements.values():
        if all(violation(requirement, each, now_ns) is not None for each in deployments):
            message = f"No deployment satisfies the requirement {requirement.id!r}."
            fix = "Every call under it is refused: headgate routes --key KEY shows why."
            yield result(CHECK, message, fix, "warning")
    asked = {name for each in snapshot.requirements.values() for name in each.certifications}
    for deployment in deployments:
        for name, end_ns in deployment.treatment.certificates:
            if name in asked and end_ns - now_ns < SOON_NS:
                told = "ended" if end_ns <= now_ns else "ends"
                message = f"{name} of {deployment.id} {told} on {to_date(end_ns)}."
                fix = "Write the new date when it is renewed; without it nobody is sent there."
                yield result(CHECK, message, fix, "warning")
