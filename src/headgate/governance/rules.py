"""Which rule a call falls under; pure."""

from collections.abc import Collection, Iterable

from headgate.governance.settings import Rule


def rule_for(
    rules: Iterable[Rule],
    *,
    nodes: Collection[str],
    model: str,
    data_class: str | None,
    quote_nanos: int | None,
) -> Rule | None:
    """Return the first rule, in the order of the file, that a call falls under; None for none.

    Args:
        rules: All of them.
        nodes: Those the call is below.
        model: What the client asks for.
        data_class: The class of data that the call carries, None for none.
        quote_nanos: What would be held; None when no price is known, which is above any amount.
    """
    for rule in rules:
        if rule.budget_raises or rule.node not in nodes:
            continue
        if rule.over_nanos is not None and not _is_over(quote_nanos, rule.over_nanos):
            continue
        if rule.data_classes is not None and data_class not in rule.data_classes:
            continue
        if rule.models is None or model in rule.models:
            return rule
    return None


def raise_rule_for(rules: Iterable[Rule], nodes: Collection[str], by_nanos: int) -> Rule | None:
    """Return the first rule by which a limit may be raised; None: nobody may raise it so.

    Args:
        rules: All of them.
        nodes: The budget's node and those above it.
        by_nanos: By how much.
    """
    for rule in rules:
        if not rule.budget_raises or rule.node not in nodes:
            continue
        if rule.over_nanos is None or by_nanos > rule.over_nanos:
            return rule
    return None


def _is_over(quote_nanos: int | None, over_nanos: int) -> bool:
    return quote_nanos is None or quote_nanos > over_nanos
