"""What was read of another gateway's file, as the text of a headgate.toml that explains itself."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from headgate.cli.moving.drafts import Budget, Deployment, Draft, Price, Provider, Route
from headgate.cli.moving.notes import Note
from headgate.cli.moving.read_limits import shown
from headgate.cli.shaking.toml_text import toml_value
from headgate.units.plain import plain

WIDTH: Final = 100
HEAD: Final = """\
# Headgate's configuration, made of one of LiteLLM's. Every key: docs/reference/configuration.md.
# Check it with:  headgate doctor     Take a change up with:  headgate reload
"""
EACH_PROVIDER: Final = "# Who sells models; accounts of one seller are several providers."
EACH_DEPLOYMENT: Final = "# What can be called: a model over a provider."
EACH_ROUTE: Final = "# What clients ask for, and who serves it."


def written(draft: Draft, notes: Sequence[Note], ports: tuple[int, int], today: date) -> str:
    """Return the text of the file.

    Args:
        draft: Its tables.
        notes: What was not carried over.
        ports: Where gateway and console listen on this machine.
        today: From when the prices hold that the other file gave.
    """
    gateway, console = (f"127.0.0.1:{port}" for port in ports)
    pieces = [
        HEAD,
        *_notes(notes),
        _table("listen", {"gateway": gateway, "console": console}),
        _table("organisation", {"id": "my-organisation", "timezone": draft.timezone}),
        EACH_PROVIDER,
        *map(_provider, draft.providers),
        EACH_DEPLOYMENT,
        *map(_deployment, draft.deployments),
        *(_price(price, today) for price in draft.prices),
        EACH_ROUTE,
        *map(_route, draft.routes),
        *_callers(draft),
        "# Hard limits: posted + held never exceeds one.",
        *map(_budget, draft.budgets),
        *(() if draft.budgets else (_NO_BUDGET,)),
    ]
    return "\n".join(pieces)


_NO_BUDGET: Final = """\
# The other file has none for all. For example:
# [budgets.organisation-month]
# node = "organisation"
# period = "month"
# limit_usd = "100.00"
"""


def _notes(notes: Sequence[Note]) -> Iterator[str]:
    if not notes:
        return
    yield "# What could not be carried over, or not as it was:"
    for note in notes:
        lines = textwrap.wrap(
            plain(f"{note.where}: {note.why} Instead: {note.instead}"),
            WIDTH - 4,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield "\n".join(("# - " if line is lines[0] else "#   ") + line for line in lines)
    yield ""


def _table(name: str, values: Mapping[str, Any], *, comment: str = "") -> str:
    """Return a table with those of its values that say something."""
    lines = [f"[{name}]{comment and f'    # {plain(comment)}'}"]
    lines += [
        f"{key} = {_value(value)}"
        for key, value in values.items()
        if value is not None and value != ()
    ]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        members = (f"{_key(key)} = {toml_value(each)}" for key, each in value.items())
        return f"{{ {', '.join(members)} }}"
    return toml_value(value)


def _key(name: str) -> str:
    """Return a name as a part of a table's: bare where that may be."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)


def _provider(one: Provider) -> str:
    return _table(
        f"providers.{_key(one.id)}",
        {
            "kind": one.kind,
            "base_url": one.base_url,
            "credential": None if one.variable is None else {"env": one.variable},
            "credential_command": one.command,
            "api_version": one.api_version,
            "allow_plain_http": one.plain_http or None,
        },
    )


def _deployment(one: Deployment) -> str:
    return _table(
        f"deployments.{_key(one.id)}",
        {
            "provider": one.provider,
            "model": one.model,
            "catalog": one.catalog,
            "context_tokens": one.context_tokens,
            "output_tokens_max": one.output_tokens_max,
            "output_tokens_default": one.output_tokens_default,
            "concurrency_max": one.concurrency_max,
            "region": one.region,
        },
    )


def _price(one: Price, today: date) -> str:
    amounts = {meter: shown(amount) for meter, amount in one.per_million.items()}
    return _table(
        "[prices]",
        {
            "provider": one.provider,
            "model": one.model,
            "valid_from": today,
            "per_million_tokens": amounts,
        },
    )


def _route(one: Route) -> str:
    several = len(one.deployments) > 1
    return _table(
        f"routes.{_key(one.alias)}",
        {
            "deployments": one.deployments,
            "policy": one.policy,
            "weights": one.weights or None,
            "regions": ("*",) if several else None,
            "translated": "mixed" if one.mixed else None,
            "on_unsupported": "refuse" if one.refuses else None,
        },
        comment=one.note or "",
    )


def _callers(draft: Draft) -> Iterable[str]:
    caller = draft.caller
    key = f"keys.{_key(caller.person)}"
    yield "# Who calls, and for whom."
    for team in dict.fromkeys((*draft.teams, caller.team)):
        yield _table(f"teams.{_key(team)}", {})
    yield _table(f"principals.{_key(caller.person)}", {"team": caller.team})
    made = f"a key without a secret is made by: headgate keys create {caller.person}"
    yield _table(
        key,
        {
            "principal": caller.person,
            "secret": None if caller.variable is None else {"env": caller.variable},
            "tags_allowed": caller.tags_allowed,
        },
        comment="" if caller.variable else made,
    )


def _budget(one: Budget) -> str:
    return _table(
        f"budgets.{_key(one.id)}",
        {"node": one.node, "period": one.period, "hours": one.hours, "limit_usd": one.limit_usd},
    )
