"""What `headgate delegate` shows of a token."""

from headgate.cli.output import print_table, say, table
from headgate.identity.delegation import Read
from headgate.identity.grant import Asked
from headgate.insights.contract_control import DelegationView
from headgate.insights.views import iso_or_none, usd_or_none

AS_ABOVE = "as above"


def chain_view(found: Read) -> list[DelegationView]:
    """Return the generations of a token, from the key's own child down."""
    return [
        _view(block.asked, delegation, found.key)
        for block, delegation in zip(found.blocks, found.ids, strict=True)
    ]


def _view(asked: Asked, delegation: str, key: str) -> DelegationView:
    return DelegationView(
        id=delegation,
        key=key,
        agent=asked.agent,
        models=None if asked.models is None else sorted(asked.models),
        tools=None if asked.tools is None else sorted(asked.tools),
        money=usd_or_none(asked.money_nanos),
        until=iso_or_none(asked.until_ns),
        depth=asked.depth,
    )


def show_chain(found: Read) -> None:
    """Print the generations of a token as a table."""
    say(f"From the key {found.key}:")
    shown = table("agent", "models", "tools", ">money", "until", ">depth", "id")
    for each in chain_view(found):
        shown.add_row(
            each.agent,
            _names(each.models),
            _names(each.tools),
            each.money or AS_ABOVE,
            each.until or AS_ABOVE,
            AS_ABOVE if each.depth is None else str(each.depth),
            each.id,
        )
    print_table(shown)


def _names(names: list[str] | None) -> str:
    if names is None:
        return AS_ABOVE
    return ", ".join(names) or "none"
