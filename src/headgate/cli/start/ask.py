"""The questions of `headgate init`, and the answers that nobody has to be asked for."""

import re
from collections.abc import Mapping
from typing import NamedTuple

import typer

from headgate.cli.output import fail, say
from headgate.cli.start.detect import free_port, from_environment, server, usual_servers
from headgate.config.addresses import AddressError, parse_base_url
from headgate.config.problems import near
from headgate.config.template import Answers, Chosen, from_kind
from headgate.providers.registry import providers, setup_of
from headgate.units.ids import is_name

GATEWAY_PORT, CONSOLE_PORT = 8080, 8081
NAMES = "Use letters, digits, dots, dashes, underscores."


class Wishes(NamedTuple):
    """What the options say.

    Attributes:
        kinds: The kinds of provider to set up; None for all that are found.
        moved: `KIND=URL`: addresses that stand in for providers' own.
        servers: Addresses of model servers.
    """

    kinds: list[str] | None
    moved: tuple[str, ...]
    servers: tuple[str, ...]
    team: str
    person: str
    budget_usd: str


def take(wishes: Wishes, environ: Mapping[str, str]) -> Answers:
    """Return the answers that options and environment give; ends the command on an unusable one."""
    found = {one.kind: one for one in from_environment(environ)}
    if wishes.kinds is not None:
        chosen = [found.get(kind) or _from_kind(kind) for kind in wishes.kinds]
    else:
        chosen = list(found.values())
    chosen += [_server(url, number) for number, url in enumerate(wishes.servers, 1)]
    if not chosen:
        known = ", ".join(_ready_made())
        fix = f"Export one, or name a provider with --provider: {known}; or a server with --server."
        fail("No provider's key is in the environment.", fix)
    for name, what in ((wishes.team, "team"), (wishes.person, "person")):
        if not is_name(name):
            fail(f"{name!r} cannot name a {what}.", NAMES)
    return _answers(wishes, tuple(_moved(chosen, wishes.moved)))


def ask(wishes: Wishes, environ: Mapping[str, str]) -> Answers:
    """Return what a person answers on the terminal; options and what is found are offered."""
    if wishes.kinds is None and not wishes.servers:
        wishes = wishes._replace(kinds=_ask_kinds(environ))
        wishes = wishes._replace(servers=_ask_servers())
        if not wishes.kinds and not wishes.servers:
            wishes = wishes._replace(kinds=[_ask_kind()])
    team = _ask_name("Name of your team", wishes.team)
    person = _ask_name("Your own name, as calls are booked under", wishes.person)
    budget = typer.prompt("Limit of a month in dollars, for all", wishes.budget_usd)
    answers = take(wishes._replace(team=team, person=person, budget_usd=budget), environ)
    return answers._replace(providers=tuple(_ask_secret(one, environ) for one in answers.providers))


def missing_variables(answers: Answers, environ: Mapping[str, str]) -> list[str]:
    """Return the variables that credentials are to be read from, and that are not set here."""
    named = [one.secret["env"] for one in answers.providers if one.secret and "env" in one.secret]
    return [name for name in named if not environ.get(name, "").strip()]


def _ask_kinds(environ: Mapping[str, str]) -> list[str]:
    return [
        one.kind
        for one in from_environment(environ)
        if typer.confirm(f"Use {one.kind}, with {_credential(one)}?", default=True)
    ]


def _credential(one: Chosen) -> str:
    return one.secret["env"] if one.secret is not None else "what your environment has of it"


def _ask_servers() -> tuple[str, ...]:
    return tuple(
        one.base_url
        for one in usual_servers()
        if typer.confirm(f"Use {one.id} on this machine ({one.base_url})?", default=True)
    )


def _ask_kind() -> str:
    known = _ready_made()
    say("No provider's key is in the environment, and no model server answers here.")
    while (kind := typer.prompt(f"Which provider? One of {', '.join(known)}")) not in known:
        say(near(kind, known, "provider"))
    return str(kind)


def _ask_secret(one: Chosen, environ: Mapping[str, str]) -> Chosen:
    """Return a provider with the credential that is typed in, if none is in the environment."""
    variable = (one.secret or {}).get("env")
    if variable is None or environ.get(variable, "").strip():
        return one
    question = f"Key of {one.kind} (not shown; empty: it will be in {variable})"
    typed = typer.prompt(question, "", hide_input=True, show_default=False).strip()
    return one._replace(secret={"value": typed}) if typed else one


def _ask_name(question: str, default: str) -> str:
    while not is_name(name := typer.prompt(question, default)):
        say(NAMES)
    return str(name)


def _ready_made() -> list[str]:
    """Return the kinds that need a key and nothing else."""
    setups = {kind: setup_of(provider) for kind, provider in providers().items()}
    return [kind for kind, one in setups.items() if one.models and not one.variables]


def _from_kind(kind: str) -> Chosen:
    if kind not in providers():
        fail(f"There is no kind of provider {kind!r}.", near(kind, providers(), "kind"))
    setup = setup_of(providers()[kind])
    if not setup.base_url:
        fail(f"{kind!r} is at many addresses.", "Name its server: --server URL.")
    if setup.variables:
        needed = ", ".join((*setup.variables, *setup.secrets))
        fail(f"{kind!r} needs more than a name.", f"Export {needed}.")
    return from_kind(kind)


def _server(url: str, number: int) -> Chosen:
    base_url = _checked(url)
    for kind, provider in providers().items():
        for name, usual in setup_of(provider).servers:
            found = server(kind, name if usual == base_url else f"server-{number}", base_url)
            if found is not None:
                return found
    return fail(
        f"No model server lists its models at {url}.",
        "Start it, or correct it: it ends in /v1. One that wants a key is written into"
        " headgate.toml by hand, as [providers.ID] with a credential.",
    )


def _moved(chosen: list[Chosen], moved: tuple[str, ...]) -> list[Chosen]:
    for given in moved:
        kind, equals, url = given.partition("=")
        if not equals or kind not in {one.kind for one in chosen}:
            fail(
                f"{given!r} moves no provider.",
                "Write --base-url KIND=URL, of a kind that is used.",
            )
        chosen = [
            one._replace(base_url=_checked(url), moved=True) if one.kind == kind else one
            for one in chosen
        ]
    return chosen


def _checked(url: str) -> str:
    try:
        return parse_base_url(url, allow_plain_http=False)
    except AddressError as error:
        fail(str(error), "Write an address such as http://127.0.0.1:8000/v1.")


def _answers(wishes: Wishes, chosen: tuple[Chosen, ...]) -> Answers:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", wishes.budget_usd):
        fail(f"{wishes.budget_usd!r} is no limit.", "Write dollars, such as 100.00.")
    gateway = free_port(GATEWAY_PORT)
    console = free_port(CONSOLE_PORT, (gateway,))
    return Answers(
        chosen,
        team=wishes.team,
        person=wishes.person,
        budget_usd=wishes.budget_usd,
        gateway=f"127.0.0.1:{gateway}",
        console=f"127.0.0.1:{console}",
    )
