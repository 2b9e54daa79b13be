"""`[requirements.ID]` and `[data_classes.ID]`, and how providers treat what they are sent."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from typing import NamedTuple

from headgate.budgets.settings import ORGANISATION
from headgate.catalog.compliance import RESIDENCIES, UNKNOWN, Certificate, Treatment
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.settings import Deployment
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.shapes import (
    DataClassShape,
    DeploymentShape,
    RequirementShape,
)
from headgate.config.shapes_providers import ProviderShape
from headgate.governance.settings import DataClass, Requirement


class Known(NamedTuple):
    """What requirements can speak of.

    Attributes:
        nodes: By kind, the ids there are: `team`, `principal`, `key`.
        providers: Ids of providers.
        deployments: The good deployments.
        data_classes: Ids of data classes.
    """

    nodes: Mapping[str, Collection[str]]
    providers: Collection[str]
    deployments: Collection[Deployment]
    data_classes: Collection[str]


def treatment_from(
    shape: ProviderShape | DeploymentShape,
    key: str,
    problems: Problems,
    inherited: Treatment = UNKNOWN,
) -> Treatment:
    """Return how what is sent is treated, by a table that overrules what it inherits."""
    ends = dict(inherited.certificates)
    for name, day in (shape.certifications or {}).items():
        ends[name] = _end_of(day, f"{key}.certifications.{name}", problems)
    days, trains = shape.retention_days, shape.trains_on_data
    return Treatment(
        inherited.retention_days if days is None else days,
        inherited.trains if trains is None else trains,
        tuple(Certificate(name, until_ns) for name, until_ns in ends.items()),
    )


def _end_of(day: object, key: str, problems: Problems) -> int:
    """Return when a certificate ends that holds for all of a day."""
    try:
        if isinstance(day, date) and not isinstance(day, datetime):
            return instant_of(day + timedelta(days=1))
        return instant_of(day)
    except (PriceRowError, OverflowError) as error:
        problems.add(key, f"{error}.", "Write the last day it holds, such as 2027-03-31.")
        return 0


def data_classes_from(tables: object, problems: Problems) -> dict[str, DataClass]:
    """Return the classes of data by id."""
    found: dict[str, DataClass] = {}
    for name, shape in checked_by_id(tables, "data_classes", DataClassShape, problems):
        if shape.default and any(each.default for each in found.values()):
            other = next(each.id for each in found.values() if each.default)
            problems.add(
                f"data_classes.{name}.default",
                f"{other!r} is the default already.",
                "Make one class the default: that of calls which name none.",
            )
        found[name] = DataClass(name, shape.note, shape.default)
    return found


def requirements_from(tables: object, known: Known, problems: Problems) -> dict[str, Requirement]:
    """Return the requirements by id; a name that nothing has is a problem, not an empty set."""
    offered = {
        certificate.name
        for each in known.deployments
        for certificate in each.treatment.certificates
    }
    regions = {each.region for each in known.deployments if each.region is not None}
    found: dict[str, Requirement] = {}
    for name, shape in checked_by_id(tables, "requirements", RequirementShape, problems):
        key = f"requirements.{name}"
        _check_nodes(shape.nodes, f"{key}.nodes", known.nodes, problems)
        for field, what, there in (
            ("data_classes", "data class", known.data_classes),
            ("residency", "residency", RESIDENCIES),
            ("regions", "region of a deployment", regions),
            ("certifications", "certification of a deployment", offered),
            ("providers", "provider", known.providers),
            ("providers_denied", "provider", known.providers),
        ):
            for each in getattr(shape, field) or ():
                if each not in there:
                    problems.unknown(f"{key}.{field}", what, each, there)
        found[name] = Requirement(
            id=name,
            nodes=shape.nodes,
            data_classes=shape.data_classes or (),
            residency=shape.residency or (),
            regions=shape.regions or (),
            retention_days_max=shape.retention_days_max,
            training=shape.training,
            certifications=shape.certifications or (),
            providers=shape.providers or (),
            providers_denied=shape.providers_denied or (),
        )
    return found


def _check_nodes(
    nodes: Collection[str], key: str, members: Mapping[str, Collection[str]], problems: Problems
) -> None:
    for node in nodes:
        kind, _, name = node.partition(":")
        if node == ORGANISATION:
            continue
        if kind not in members:
            problems.add(
                key,
                f"{node!r} is nobody who makes calls.",
                'Write "organisation", "team:ID", "principal:ID" or "key:ID".',
            )
        elif name not in members[kind]:
            problems.unknown(key, kind, name, members[kind])
