"""What `trials --json` prints."""

from headgate.insights.printed import Printed, Usd


class TrialView(Printed, frozen=True, kw_only=True):
    """Attempts of which a policy noted the same: `trials --json` prints a list.

    `noted` is an experiment's arm, or whom a shadow would have chosen; `same` counts the attempts
    that went to just that deployment. `served` are those that were answered, in `mean_ms` on
    average (null when none was), `spend` is what all of them cost; `deployments` counts attempts by
    where they went.
    """

    policy: str
    noted: str
    attempts: int
    served: int
    same: int
    spend: Usd
    mean_ms: float | None
    deployments: dict[str, int]
