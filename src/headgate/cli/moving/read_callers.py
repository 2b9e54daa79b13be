"""Who calls, and the budgets that are no deployment's."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from headgate.budgets.settings import ORGANISATION
from headgate.cli.moving.drafts import Budget, Caller, Provider
from headgate.cli.moving.load_leftovers import note_rest
from headgate.cli.moving.read_limits import budget
from headgate.cli.moving.tables import CORRECT, WRONG, Table, variable_of
from headgate.config.read_identity import SECRET_CHARS_MIN
from headgate.identity.tags import HEADER
from headgate.units.ids import is_name
from headgate.units.money import parse_usd

MASTER: Final = "master_key"
MASTER_VARIABLE: Final = "LITELLM_MASTER_KEY"


def caller(team: str, person: str, general: Table, tags: Sequence[str]) -> Caller:
    """Return who calls at first: the bearer of the master key, which is a key like any other here.

    Args:
        team: What the team is called.
        person: What the principal and its key are called.
        general: `general_settings`.
        tags: What calls may be tagged with.
    """
    told = general.take(MASTER)
    variable = variable_of(told)
    literal = told if variable is None and isinstance(told, str) else None
    secret = general.environ.get(variable, "").strip() if variable else literal or ""
    if told is None:
        return Caller(team, person, None, False, tuple(tags))
    general.note(
        MASTER,
        "It is a key like any other here: whoever has it may call, and administers nothing.",
        "Who may change things here is whoever may change this file.",
    )
    if secret and len(secret) < SECRET_CHARS_MIN:
        why = f"It has fewer than {SECRET_CHARS_MIN} characters, so it can be guessed."
        general.note(MASTER, why, "Give clients the key that is made instead.")
        return Caller(team, person, None, False, tuple(tags))
    return Caller(team, person, variable or MASTER_VARIABLE, variable is None, tuple(tags))


def tags_of(budgets: Sequence[Budget]) -> tuple[str, ...]:
    """Return what calls may be tagged with, that budgets on tags are about."""
    named = (one.node.removeprefix("tag:") for one in budgets if one.node.startswith("tag:"))
    return tuple(named)


def budgets(settings: Table, router: Table, providers: Sequence[Provider]) -> Iterator[Budget]:
    """Yield the budgets of `litellm_settings` and `router_settings`.

    Args:
        settings: `litellm_settings`.
        router: `router_settings`.
        providers: Those that there are.
    """
    whole = budget("organisation-budget", ORGANISATION, settings)
    # Of the whole, nothing is no limit there.
    if whole is not None and parse_usd(whole.limit_usd):
        yield whole
    each = budget(
        "each-person",
        "principal:*",
        settings,
        "max_internal_user_budget",
        "internal_user_budget_duration",
    )
    if each is not None:
        yield each
    generated = settings.table("default_key_generate_params")
    key = budget("each-key", "key:*", generated)
    if key is not None:
        yield key
    note_rest(generated)
    yield from _of_providers(router, providers)
    yield from _of_tags(settings)


def _of_providers(router: Table, providers: Sequence[Provider]) -> Iterator[Budget]:
    for name, limits in router.members("provider_budget_config").items():
        own = [one for one in providers if one.named == name]
        table = _within(limits, "provider_budget_config", router, name)
        if not own:
            why = "No provider of that kind could be carried over."
            table.notes.add("provider_budget_config", why, "Write a budget on provider:ID.", name)
            continue
        if len(own) > 1:
            why = "It holds for all its accounts together there; here each has the whole of it."
            fix = "Divide the limits of their budgets, provider:ID each."
            table.notes.add("provider_budget_config", why, fix, name)
        older = table.has("max_budget")
        keys = ("max_budget", "budget_duration") if older else ("budget_limit", "time_period")
        found = budget("", "", table, *keys)
        for one in own if found is not None else ():
            assert found is not None
            yield found._replace(id=f"provider-{one.id}", node=f"provider:{one.id}")


def _of_tags(settings: Table) -> Iterator[Budget]:
    for name, limits in settings.members("tag_budget_config").items():
        side, _, value = name.replace("=", ":").partition(":")
        table = _within(limits, "tag_budget_config", settings, name)
        if not (is_name(side) and is_name(value)):
            why = "A tag here is a name and a value, such as project=apollo."
            fix = "Write a budget on tag:NAME=VALUE, and allow the tag to keys: tags_allowed."
            table.notes.add("tag_budget_config", why, fix, name[:64])
            continue
        found = budget(f"tag-{side}-{value}"[:64], f"tag:{side}={value}", table)
        if found is not None:
            why = f"Tags come in the header {HEADER}, not in the body's metadata."
            fix = f"Let clients send {HEADER}: {side}={value}, or write it into their keys' tags."
            table.notes.add("tag_budget_config", why, fix, name[:64])
            yield found


def _within(values: object, name: str, above: Table, place: str) -> Table:
    return Table(values, name, above.notes, above.environ, place)


def teams(settings: Table) -> Iterator[str]:
    """Yield the teams that the file names."""
    told = settings.take("default_team_settings")
    for each in told if isinstance(told, list) else ():
        name: Any = each.get("team_id") if isinstance(each, Mapping) else None
        if isinstance(name, str) and is_name(name):
            yield name
        else:
            settings.note("default_team_settings", WRONG, CORRECT)
    if told:
        why = "Where each team's calls are logged is not told apart here."
        settings.note(
            "default_team_settings", why, "The teams are written; give them people and keys."
        )
