"""What a new configuration can begin with: keys in the environment, servers on this machine."""

import http.client
import json
import re
import socket
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from headgate.config.template import Chosen
from headgate.dial.line import line_to
from headgate.providers.registry import providers, setup_of
from headgate.providers.setup import Model, Setup

LOOK_S = 0.3
"""A server on this machine answers at once or is not there."""
MODELS_MAX = 4
ANSWER_BYTES_MAX = 1 << 20
PORTS = 20


def from_environment(environ: Mapping[str, str]) -> Iterator[Chosen]:
    """Yield each kind of provider whose credential and address are in an environment."""
    for kind, provider in providers().items():
        setup = setup_of(provider)
        if not setup.is_placed(environ):
            continue
        base_url = _base_url(setup, environ)
        if (secret := setup.secret_in(environ)) is not None:
            yield Chosen(kind, kind, base_url, {"env": secret}, models=setup.models)
        elif setup.commands_in(environ):
            yield Chosen(kind, kind, base_url, command=setup.command, models=setup.models)


def _base_url(setup: Setup, environ: Mapping[str, str]) -> str:
    values = {name: environ[name].strip().rstrip("/") for name in setup.variables}
    return setup.base_url.format(**values)


def usual_servers() -> Iterator[Chosen]:
    """Yield the model servers that answer where such programs usually listen on this machine."""
    for kind, provider in providers().items():
        for name, base_url in setup_of(provider).servers:
            if (found := server(kind, name, base_url)) is not None:
                yield found


def server(kind: str, name: str, base_url: str) -> Chosen | None:
    """Return a model server with the first models that it lists, None when it lists none."""
    models = tuple(
        Model(re.sub(r"[^A-Za-z0-9._-]+", "-", model).strip(".-_")[:64], model)
        for model in _listed(base_url)[:MODELS_MAX]
    )
    return Chosen(name, kind, base_url, models=models, free=True) if models else None


def _listed(base_url: str) -> list[str]:
    parts = urlsplit(base_url)
    try:
        connection = line_to(base_url, LOOK_S)
        connection.request("GET", f"{parts.path.rstrip('/')}/models")
        document = json.loads(connection.getresponse().read(ANSWER_BYTES_MAX))
        return [str(one["id"]) for one in document["data"]]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return []


def free_port(wanted: int, taken: tuple[int, ...] = ()) -> int:
    """Return a port of this machine that is free: the wanted one, or the next that is."""
    for port in range(wanted, wanted + PORTS):
        if port in taken:
            continue
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    return wanted
