"""`[approvals.ID]`: what people are asked about."""

from collections.abc import Collection
from typing import NamedTuple

from headgate.budgets.settings import ORGANISATION
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.shapes import ApprovalShape
from headgate.governance.settings import Rule
from headgate.units.money import MoneyError, parse_usd


class Named(NamedTuple):
    """Ids that a rule may name; `models` are aliases and deployments."""

    teams: Collection[str]
    principals: Collection[str]
    models: Collection[str]
    data_classes: Collection[str]


def approvals_from(tables: object, known: Named, problems: Problems) -> dict[str, Rule]:
    """Return the good rules by id, in the order of the file."""
    found: dict[str, Rule] = {}
    for name, shape in checked_by_id(tables, "approvals", ApprovalShape, problems):
        key = f"approvals.{name}"
        _check_node(shape.node, f"{key}.node", known, problems)
        for approver in shape.approvers:
            if approver not in known.principals:
                problems.unknown(f"{key}.approvers", "principal", approver, known.principals)
        for model in shape.models or ():
            if model not in known.models:
                problems.unknown(f"{key}.models", "alias or deployment", model, known.models)
        classes, models = shape.data_classes, shape.models
        if shape.budget_raises and (classes or models or shape.show_prompt):
            problem = "A raise has no model, no data and no prompt."
            problems.add(f"{key}.budget_raises", problem, "Write a rule of its own for raises.")
        for data_class in classes or ():
            if data_class not in known.data_classes:
                classes_known = known.data_classes
                problems.unknown(f"{key}.data_classes", "data class", data_class, classes_known)
        found[name] = Rule(
            id=name,
            node=shape.node,
            approvers=shape.approvers,
            over_nanos=_over_nanos(shape.over_usd, f"{key}.over_usd", problems),
            data_classes=None if classes is None else frozenset(classes),
            models=None if models is None else frozenset(models),
            expires_minutes=shape.expires_minutes,
            show_prompt=shape.show_prompt,
            budget_raises=shape.budget_raises,
        )
    return found


def _over_nanos(over_usd: str | int | None, key: str, problems: Problems) -> int | None:
    if over_usd is None:
        return None
    try:
        return parse_usd(str(over_usd))
    except MoneyError as error:
        problems.add(key, f"{error}.", 'Write dollars as text: "5.00".')
        return None


def _check_node(node: str, key: str, known: Named, problems: Problems) -> None:
    members = {"team": known.teams, "principal": known.principals}
    what, colon, name = node.partition(":")
    if node in ("", ORGANISATION):
        return
    if not colon or what not in members:
        fix = 'Write "organisation", "team:ID" or "principal:ID".'
        problems.add(key, f"{node!r} is no node that a rule can stand on.", fix)
    elif name not in members[what]:
        problems.unknown(key, what, name, members[what])
