"""LiteLLM's configuration of its proxy, as one of ours: what can be carried over, and what not.

Source of the format: https://docs.litellm.ai/docs/proxy/configs and /config_settings, as of
November 2026. Nothing of the file is run or imported, and no secret in it goes anywhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import count
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from headgate.catalog.load import load_models
from headgate.cli.moving.check_prices import usable
from headgate.cli.moving.drafts import Budget, Draft, Provider
from headgate.cli.moving.load_leftovers import note_rest
from headgate.cli.moving.notes import Note, Notes
from headgate.cli.moving.read_callers import budgets, caller, tags_of, teams
from headgate.cli.moving.read_models import Models
from headgate.cli.moving.read_routes import routes, ways
from headgate.cli.moving.read_sellers import Providers
from headgate.cli.moving.tables import CORRECT, WRONG, Table, variable_of
from headgate.providers.registry import providers as kinds_of_providers

SECTIONS: Final = ("general_settings", "litellm_settings", "router_settings")


class Wishes(NamedTuple):
    """What the file does not say.

    Attributes:
        team: What the team of who calls is called.
        person: What who calls is called.
        today: From when the file's prices hold.
    """

    team: str
    person: str
    today: date


class Moved(NamedTuple):
    """What came of a file."""

    draft: Draft
    notes: tuple[Note, ...]


def moved(document: object, wishes: Wishes, environ: Mapping[str, str]) -> Moved:
    """Return what a file becomes.

    Args:
        document: The file as plain data.
        wishes: What it does not say.
        environ: Where values that are no secrets are looked up that it takes from there.
    """
    notes = Notes()
    whole = Table(document, "", notes, environ)
    general, settings, router = (Table(whole.take(name), name, notes, environ) for name in SECTIONS)
    how = ways(router, settings)
    entries = whole.entries("model_list")
    found = Models(
        Providers(frozenset(_variables(document))),
        (*_names(entries), *how.others),
        load_models(),
        _credentials(whole),
        environ,
        notes,
    )
    found.read(entries)
    sellers = found.providers.all()
    limits = _named_apart((*budgets(settings, router, sellers), *found.budgets))
    speaks = {one.id: frozenset(_dialects(one)) for one in sellers}
    draft = Draft(
        timezone=_timezone(settings, general),
        providers=sellers,
        deployments=tuple(found.deployments),
        prices=tuple(usable(found.prices, {one.id: one for one in sellers}, wishes.today, notes)),
        routes=routes(found.deployments, speaks, how, notes),
        teams=tuple(teams(settings)),
        caller=caller(wishes.team, wishes.person, general, tags_of(limits)),
        budgets=limits,
    )
    _note_literals(draft, notes)
    for table in (general, settings, router, whole):
        note_rest(table)
    return Moved(draft, tuple(notes))


def _named_apart(limits: Iterable[Budget]) -> tuple[Budget, ...]:
    """Return budgets whose ids differ: names with dashes can be put together alike."""
    found: dict[str, Budget] = {}
    for each in limits:
        names = (each.id if number == 1 else f"{each.id[:56]}-{number}" for number in count(1))
        name = next(one for one in names if one not in found)
        found[name] = each._replace(id=name)
    return tuple(found.values())


def _names(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        name = entry.get("model_name") if isinstance(entry, dict) else None
        if name is not None:
            yield str(name)


def _variables(value: object) -> Iterator[str]:
    """Yield the variables that a file refers to, wherever."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _variables(each)
    elif (name := variable_of(value)) is not None:
        yield name


def _credentials(whole: Table) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in whole.entries("credential_list"):
        name = each.get("credential_name") if isinstance(each, dict) else None
        values = each.get("credential_values") if isinstance(each, dict) else None
        if isinstance(name, str) and isinstance(values, dict):
            found[name] = values
        else:
            whole.note("credential_list", WRONG, CORRECT)
    return found


def _dialects(one: Provider) -> tuple[str, ...]:
    return kinds_of_providers()[one.kind].NATIVE_DIALECTS


def _timezone(settings: Table, general: Table) -> str:
    name = settings.text("timezone") or general.text("timezone")
    if name is None:
        return "UTC"
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        settings.note("timezone", f"There is no time zone {name[:64]!r}.", "Name one as IANA does.")
        return "UTC"
    return name


def _note_literals(draft: Draft, notes: Notes) -> None:
    """Note the secrets that stood in the file, by the variables that they have to be put into."""
    why = "The secret stands in the file that was read, and is not copied."
    for one in draft.providers:
        if one.literal:
            fix = f"Put it into the variable {one.variable} where Headgate starts."
            notes.add("litellm_params.api_key", why, fix, f"providers.{one.id}")
    if draft.caller.literal:
        fix = f"Put it into the variable {draft.caller.variable} where Headgate starts."
        notes.add("general_settings.master_key", why, fix)
