"""The configuration that `headgate init` writes: it works as it stands, and explains itself."""

import re
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import NamedTuple

import msgspec

from headgate.providers.registry import providers, setup_of
from headgate.providers.setup import Model

FILE_NAME = "headgate.toml"


class Chosen(NamedTuple):
    """A provider to write down.

    Attributes:
        id: Its id in the file.
        secret: Where its credential is: a variable `{"env": "NAME"}` or a value; None for none.
        command: What prints its credential, in place of `secret`.
        models: Its deployments, the cheapest first, the ablest last.
        free: Whether its models cost nothing but a machine of one's own.
        moved: Whether it stands in for the real one, whose prices hold then.
    """

    id: str
    kind: str
    base_url: str
    secret: dict[str, str] | None = None
    command: tuple[str, ...] = ()
    models: tuple[Model, ...] = ()
    free: bool = False
    moved: bool = False


class Answers(NamedTuple):
    """What a new configuration depends on."""

    providers: tuple[Chosen, ...]
    organisation: str = "my-organisation"
    team: str = "research"
    person: str = "me"
    budget_usd: str = "100.00"
    gateway: str = "127.0.0.1:8080"
    console: str = "127.0.0.1:8081"


def from_kind(kind: str) -> Chosen:
    """Return a provider of a kind as it is set up when nothing is known but its name.

    Raises:
        KeyError: There is no such kind.
    """
    setup = setup_of(providers()[kind])
    secret = {"env": setup.secrets[0]} if setup.secrets else None
    return Chosen(kind, kind, setup.base_url, secret, models=setup.models)


def render(answers: Answers) -> str:
    """Return the text of a configuration."""
    chosen = answers.providers
    first = next((one.id for one in chosen), "my-provider")
    parts = {
        **answers._asdict(),
        "provider": first,
        "providers": "".join(_provider(one) for one in chosen) + _others(chosen),
        "deployments": "".join(_deployments(chosen)) or _example(first),
        "prices": "".join(_prices(chosen)).rstrip("\n"),
        "routes": "".join(_routes(chosen)),
    }
    text = (resources.files("headgate.config") / "template.toml").read_text("utf-8")
    filled = re.sub(r"@(\w+)@", lambda found: str(parts[found[1]]), text)
    return re.sub(r"\n{3,}", "\n\n", filled)


def deployments(chosen: Iterable[Chosen]) -> Iterator[tuple[str, Chosen, Model]]:
    """Yield each deployment with its id, its provider and its model; ids are unique."""
    taken = set[str]()
    for one in chosen:
        for model in one.models:
            name = model.name if model.name not in taken else f"{one.id}-{model.name}"
            taken.add(name)
            yield name, one, model


def _provider(one: Chosen) -> str:
    lines = [f"[providers.{one.id}]", f'kind = "{one.kind}"', f'base_url = "{one.base_url}"']
    if one.moved:
        real = setup_of(kind := providers()[one.kind]).base_url
        lines.append(f'seller = "{kind.seller(real) or one.kind}"    # whose prices hold')
    if one.command:
        lines.append(f"credential_command = {_toml(list(one.command))}")
    elif one.secret is not None:
        ((where, what),) = one.secret.items()
        lines.append(f"credential = {{ {where} = {_toml(what)} }}")
    return "\n".join(lines) + "\n\n"


def _others(chosen: tuple[Chosen, ...]) -> str:
    """Return what could stand there as well, commented out: kinds whose address is known."""
    present = {one.kind for one in chosen}
    blocks = [
        _provider(from_kind(kind))
        for kind, provider in providers().items()
        if kind not in present and (setup := setup_of(provider)).models and not setup.variables
    ]
    return "".join(f"# {line}\n" if line else "\n" for line in "".join(blocks).splitlines())


def _deployments(chosen: tuple[Chosen, ...]) -> Iterator[str]:
    for name, one, model in deployments(chosen):
        lines = [f"[deployments.{name}]", f'provider = "{one.id}"', f"model = {_toml(model.model)}"]
        if model.catalog is not None:
            lines.append(f'catalog = "{model.catalog}"')
        yield "\n".join(lines) + "\n\n"
    for one in chosen:
        if not one.models:
            yield _example(one.id)


def _example(provider: str) -> str:
    return (
        f'# [deployments.my-model]\n# provider = "{provider}"\n# model = "my-model"\n'
        '# catalog = "SELLER/MODEL"   # whose prices hold: see headgate prices show\n\n'
    )


def _prices(chosen: tuple[Chosen, ...]) -> Iterator[str]:
    for _, one, model in deployments(chosen):
        if one.free:
            yield (
                f'[[prices]]                   # a machine of one\'s own\nprovider = "{one.id}"\n'
                f"model = {_toml(model.model)}\nvalid_from = 2026-01-01\n"
                'per_million_tokens = { input = "0", output = "0" }\n\n'
            )


def _routes(chosen: tuple[Chosen, ...]) -> Iterator[str]:
    names = [(name, one.id) for name, one, _ in deployments(chosen)]
    cheap = list({provider: name for name, provider in reversed(names)}.values())[::-1]
    able = list({provider: name for name, provider in names}.values())
    if cheap:
        yield "[routes.fast]                  # the cheapest that can serve comes first\n"
        yield f"deployments = {_toml(cheap)}\n\n"
    if able != cheap:
        yield f"[routes.careful]\ndeployments = {_toml(able)}\n\n"


def _toml(value: str | list[str]) -> str:
    """Return a text or a list of texts as TOML, which has JSON's escapes."""
    return msgspec.json.encode(value).decode().replace('","', '", "')
