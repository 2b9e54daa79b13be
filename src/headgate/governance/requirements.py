"""Which requirements hold for a call, and what of them a deployment violates; pure.

Requirements are intersected: whoever is under several has to satisfy all, so adding one can only
take deployments away. Nothing that happens to a call later asks less of it.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from types import MappingProxyType
from typing import NamedTuple

from headgate.budgets.tree import nodes_of
from headgate.catalog.compliance import NOT_EU, RESIDENCIES, Certificate
from headgate.catalog.facts import near_names
from headgate.catalog.settings import Deployment
from headgate.governance.settings import DataClass, Requirement
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import to_date

KEPT_MAX = 4_096
CLASSES_TOLD_MAX = 8


class Required(NamedTuple):
    """What is required of one call.

    Attributes:
        ids: The requirements that hold, as the decision names them.
        data_class: What the call says that it carries, None for nothing.
    """

    ids: tuple[str, ...]
    requirements: tuple[Requirement, ...]
    data_class: str | None

    def violation(self, deployment: Deployment, at_ns: int) -> str | None:
        """Return what a deployment violates, with what is asked and what it is; None: nothing."""
        for requirement in self.requirements:
            found = violation(requirement, deployment, at_ns)
            if found is not None:
                return found
        return None

    def until_ns(self, deployments: Iterable[Deployment], at_ns: int) -> int | None:
        """Return when the next certificate that matters ends, None when none does."""
        wanted = {name for each in self.requirements for name in each.certifications}
        ends = (
            each.until_ns
            for deployment in deployments
            for each in deployment.treatment.certificates
            if each.name in wanted and each.until_ns > at_ns
        )
        return min(ends, default=None)


NOTHING = Required((), (), None)


class Caller(NamedTuple):
    """Who makes a call, as nodes know them."""

    key: str
    principal: str
    team: str


class Rulebook:
    """The requirements and data classes of the configuration.

    What holds for a caller is found once and kept. `is_empty`: nothing is required of anybody.

    Args:
        requirements: All of them.
        classes: The classes of data there are.
        allowed: By key, the classes its calls may carry; none or not there: any.
        lineages: By team, itself and the teams above it; one that is not there has none above.
    """

    __slots__ = (
        "_allowed",
        "_default",
        "_kept",
        "_lineages",
        "_requirements",
        "classes",
        "is_empty",
    )

    def __init__(
        self,
        requirements: Iterable[Requirement] = (),
        classes: Iterable[DataClass] = (),
        allowed: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
        lineages: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        self._requirements = tuple(requirements)
        self.classes = {each.id: each for each in classes}
        # A key that is held to classes is held to some that there are.
        self.is_empty = not (self._requirements or self.classes)
        self._default = next((each.id for each in self.classes.values() if each.default), None)
        self._allowed = allowed
        self._lineages = lineages
        self._kept: dict[tuple[str, str | None], Required] = {}

    def class_of(self, key: str, told: str | None) -> str | Refusal | None:
        """Return the class of data a call carries, None for none; why not, when it may not.

        Args:
            key: Id of the key it is made with.
            told: What the call says, None when it says nothing.
        """
        if told is not None and told not in self.classes:
            near = near_names(told, self.classes)
            hint = f" Did you mean {' or '.join(near)}?" if near else self._classes_told()
            message = f"There is no data class {told[:64]!r}.{hint}"
            return Refusal(errors.DATA_CLASS_UNKNOWN, message, "x-headgate-data-class")
        found = self._default if told is None else told
        allowed = self._allowed.get(key, ())
        if allowed and found not in allowed:
            carried = "data of no class" if found is None else f"{found!r} data"
            message = f"The key {key!r} may not send {carried}, only {', '.join(allowed)}."
            return Refusal(errors.DATA_CLASS_NOT_PERMITTED, message, "x-headgate-data-class")
        return found

    def _classes_told(self) -> str:
        if not self.classes:
            return " None is configured; leave the header out."
        return f" There are {', '.join(sorted(self.classes)[:CLASSES_TOLD_MAX])}."

    def find(self, caller: Caller, data_class: str | None) -> Required:
        """Return what is required of a call that carries a class of data."""
        if not self._requirements and data_class is None:
            return NOTHING
        key, principal, team = caller
        found = self._kept.get((key, data_class))
        if found is None:
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            teams = self._lineages.get(team, (team,))
            nodes = {f"key:{key}", *nodes_of(principal, teams)}
            holding = tuple(each for each in self._requirements if _holds(each, nodes, data_class))
            ids = tuple(each.id for each in holding)
            found = self._kept[key, data_class] = Required(ids, holding, data_class)
        return found


def _holds(requirement: Requirement, nodes: set[str], data_class: str | None) -> bool:
    if requirement.data_classes and data_class not in requirement.data_classes:
        return False
    return not nodes.isdisjoint(requirement.nodes)


def violation(requirement: Requirement, deployment: Deployment, at_ns: int) -> str | None:
    """Return what of a requirement a deployment violates at an instant, None when nothing."""
    for check in (_provider, _place, _keeping):
        found = check(requirement, deployment)
        if found is not None:
            return found
    return _certified(requirement, deployment.treatment.certificates, at_ns)


def _provider(requirement: Requirement, deployment: Deployment) -> str | None:
    provider = deployment.provider
    if provider in requirement.providers_denied:
        return f"provider: {provider} is denied"
    if requirement.providers and provider not in requirement.providers:
        return f"provider: asked {' or '.join(requirement.providers)}, is {provider}"
    return None


def _place(requirement: Requirement, deployment: Deployment) -> str | None:
    region = deployment.region
    named = region or "unknown"
    if requirement.regions and region not in requirement.regions:
        return f"region: asked {' or '.join(requirement.regions)}, is {named}"
    if requirement.residency and not any(lies_in(region, each) for each in requirement.residency):
        return f"residency: asked {' or '.join(requirement.residency)}, is {named}"
    return None


def lies_in(region: str | None, residency: str) -> bool:
    """Tell whether a region lies somewhere; one that is unknown lies nowhere."""
    if region is None:
        return False
    name = region.lower()
    if residency == "eu" and name in NOT_EU:
        return False
    return any(fnmatch(name, pattern) for pattern in RESIDENCIES[residency])


def _keeping(requirement: Requirement, deployment: Deployment) -> str | None:
    days_max, days = requirement.retention_days_max, deployment.treatment.retention_days
    if days_max is not None and (days is None or days > days_max):
        known = "unknown" if days is None else f"{days} days"
        return f"retention: asked {days_max} days at most, is {known}"
    if not requirement.training and deployment.treatment.trains is not False:
        known = "unknown" if deployment.treatment.trains is None else "on"
        return f"training: asked none, is {known}"
    return None


def _certified(
    requirement: Requirement, certificates: Iterable[Certificate], at_ns: int
) -> str | None:
    ends = dict(certificates)
    for name in requirement.certifications:
        end_ns = ends.get(name)
        if end_ns is None:
            return f"certification: asked {name}, there is none"
        if end_ns <= at_ns:
            return f"certification: asked {name}, expired {to_date(end_ns)}"
    return None
