"""`[outcome_hooks.ID]`: where trackers tell how work ended."""

from typing import Any

from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.read_approvals import Named
from headgate.config.secrets import SecretReader
from headgate.config.shapes import OutcomeHookShape
from headgate.trackers.naming import WILDCARD, Naming
from headgate.trackers.registry import trackers
from headgate.trackers.settings import OutcomeHook


def outcome_hooks_from(
    document: dict[str, Any], known: Named, secrets: SecretReader, problems: Problems
) -> dict[str, OutcomeHook]:
    """Return the good hooks by id."""
    found: dict[str, OutcomeHook] = {}
    kinds = trackers()
    tables = document.get("outcome_hooks", {})
    for name, shape in checked_by_id(tables, "outcome_hooks", OutcomeHookShape, problems):
        key = f"outcome_hooks.{name}"
        if shape.kind not in kinds:
            problems.unknown(f"{key}.kind", "kind of tracker", shape.kind, sorted(kinds))
        _check_scope(shape, key, known, problems)
        for pattern in ("branch", "label"):
            _check_pattern(getattr(shape, pattern), f"{key}.{pattern}", problems)
        found[name] = OutcomeHook(
            id=name,
            kind=shape.kind,
            secret=secrets.read(shape.secret, f"{key}.secret") or "",
            principal=shape.principal,
            team=shape.team,
            naming=Naming(shape.branch, shape.label, shape.names),
            task=shape.task,
        )
    return found


def _check_scope(shape: OutcomeHookShape, key: str, known: Named, problems: Problems) -> None:
    if (shape.principal is None) == (shape.team is None):
        problems.add(
            key,
            "A hook tells of the work of one principal, or of one team.",
            "Name one of `principal` and `team`.",
        )
    if shape.principal is not None and shape.principal not in known.principals:
        problems.unknown(f"{key}.principal", "principal", shape.principal, known.principals)
    if shape.team is not None and shape.team not in known.teams:
        problems.unknown(f"{key}.team", "team", shape.team, known.teams)


def _check_pattern(pattern: str | None, key: str, problems: Problems) -> None:
    if pattern is not None and pattern.count(WILDCARD) != 1:
        problems.add(
            key,
            "It does not say where the name stands.",
            f'Write one "{WILDCARD}" in its place: "agent/{WILDCARD}".',
        )
