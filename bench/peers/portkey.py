"""Portkey's gateway from npm, on Node.js: a stateless proxy that each call tells where it goes.

Started and asked as its documentation says: https://github.com/Portkey-AI/gateway. With the
next version of the HTTP server under it than the locked one every stream fails, as
https://github.com/Portkey-AI/gateway/issues/1389 tells of later ones.
"""

from bench import processes
from bench.gateways import UPSTREAM_PORT, Asked, Gateway, answers, when_ready
from bench.peers import install
from bench.peers.peer import FOLDER, LOCKS, START_S, Strain

LOCK = LOCKS / "portkey" / "package-lock.json"
PLACE = FOLDER / "portkey"
PACKAGE = "@portkey-ai/gateway"


class Portkey:
    """The gateway."""

    name = "Portkey"
    version = install.locked(LOCK, PACKAGE)
    on = (
        "its open gateway on Node.js: each call names its provider and its address in headers,"
        " and the client's key goes on to the provider; it has no keys of its own, no prices, no"
        " budgets and no record of a call"
    )
    more = (
        "It serves many more providers, and each call can bring retries, fallbacks, weights and"
        " guardrails in a configuration of its own. Keys, budgets and logs are of the hosted"
        " service."
    )
    strain = Strain(connections=16, streams=16, begun_per_s=10, open_streams=100)

    def install(self) -> None:
        """Install it."""
        install.from_npm(PLACE.name, LOCK.parent)

    def start(self, port: int) -> Gateway:
        """Start it."""
        log = PLACE / "log"
        program = PLACE / "node_modules" / PACKAGE / "build" / "start-server.js"
        command = ["node", str(program), f"--port={port}", "--headless"]
        process = processes.start(command, processes.GATEWAY_CORE, log, {"NODE_ENV": "production"})
        upstream = f"http://127.0.0.1:{UPSTREAM_PORT}/v1"
        headers = f"x-portkey-provider: openai\r\nx-portkey-custom-host: {upstream}"
        gateway = Gateway(self.name, port, process, asked=Asked(headers=headers))
        return when_ready(gateway, log, lambda: answers(port, "/"), START_S)

    def spent_nanos(self, gateway: Gateway) -> None:
        """It keeps no books."""

    def told_nanos(self, answer: bytes) -> None:
        """It knows no prices."""
