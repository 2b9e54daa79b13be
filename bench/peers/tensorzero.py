"""TensorZero's gateway as PyPI carries it: inside the Python package, on a port that it chooses.

The package starts the whole HTTP gateway in the process that imports it, for clients of OpenAI's:
https://www.tensorzero.com/docs/gateway/clients. It listens on 127.0.0.1, and Python only waits.
"""

import re
from decimal import Decimal

from bench import processes
from bench.gateways import UPSTREAM_PORT, Asked, Gateway, when_ready
from bench.peers import install
from bench.peers.peer import (
    FOLDER,
    INPUT_USD_PER_MILLION,
    LOCKS,
    OUTPUT_USD_PER_MILLION,
    START_S,
    STREAMED_MODELS,
    Strain,
)

LOCK = LOCKS / "tensorzero.txt"
PLACE = FOLDER / "tensorzero"

# What the package's patch_openai_client calls, without the client, which would weigh on its memory.
# The address is written under another name first, so that whoever waits for it reads all of it.
PROGRAM = """\
import os, signal, sys
from tensorzero.tensorzero import _start_http_gateway

gateway = _start_http_gateway(
    config_file=sys.argv[1],
    clickhouse_url=None,
    postgres_url=None,
    valkey_url=None,
    async_setup=False,
)
with open(sys.argv[2] + ".new", "w") as file:
    file.write(gateway.base_url)
os.rename(sys.argv[2] + ".new", sys.argv[2])
signal.pause()
"""

_HEAD = """\
[gateway]
observability.enabled = false
"""
_MODEL = """\
[models."{model}"]
routing = ["upstream"]
[models."{model}".providers.upstream]
type = "openai"
model_name = "{model}"
api_base = "http://127.0.0.1:{upstream}/v1/"
api_key_location = "none"
cost = [
  {{ pointer = "/usage/prompt_tokens", cost_per_million = {input}, required = true }},
  {{ pointer = "/usage/completion_tokens", cost_per_million = {output}, required = true }},
]
"""


class TensorZero:
    """The gateway."""

    name = "TensorZero"
    version = install.pinned(LOCK, "tensorzero")
    on = (
        "its HTTP gateway in Rust, as the package on PyPI starts it inside a Python that only"
        " waits: the call is routed to the one provider of its model and priced, and its answer"
        " tells the cost; no key is checked, which the gateway in the package cannot, and there is"
        " no budget and no record of a call, which need a database"
    )
    more = (
        "With its databases it keeps every inference with its prompts, runs experiments between"
        " prompts and models, and makes evaluations and fine-tuning of what it kept; it also limits"
        " calls and tokens. None of that is on here."
    )
    strain = Strain(connections=64, streams=200, begun_per_s=40, open_streams=1_000)

    def install(self) -> None:
        """Install it."""
        install.from_pypi(PLACE.name, LOCK)

    def start(self, port: int) -> Gateway:
        """Start it; `port` is not heeded, for it takes a free one."""
        config, log, address = PLACE / "tensorzero.toml", PLACE / "log", PLACE / "address"
        config.write_text(configuration(), encoding="utf-8")
        address.unlink(missing_ok=True)
        python = str(PLACE / "bin" / "python")
        command = [python, "-c", PROGRAM, str(config), str(address)]
        process = processes.start(command, processes.GATEWAY_CORE, log)
        asked = Asked("/openai/v1/chat/completions", "tensorzero::model_name::")
        gateway = Gateway(self.name, port, process, asked=asked)
        when_ready(gateway, log, address.exists, START_S)
        gateway.port = port_of(address.read_text())
        return gateway

    def spent_nanos(self, gateway: Gateway) -> None:
        """It keeps no books without a database."""

    def told_nanos(self, answer: bytes) -> int:
        """Return what the usage in an answer says, in a stream that of its last event."""
        cost = re.findall(rb'"tensorzero_cost":([0-9.eE+-]+)', answer)[-1]
        return round(Decimal(cost.decode()) * 10**9)


def configuration() -> str:
    """Return its configuration: the models of the upstream, at the prices of all."""
    prices = {"input": INPUT_USD_PER_MILLION, "output": OUTPUT_USD_PER_MILLION}
    models = [
        _MODEL.format(model=model, upstream=UPSTREAM_PORT, **prices)
        for model in ("m", *STREAMED_MODELS)
    ]
    return "\n".join([_HEAD, *models])


def port_of(address: str) -> int:
    """Return the port of the address that the gateway tells, such as `http://127.0.0.1:41234/`."""
    return int(address.split("//")[1].split("/")[0].rpartition(":")[2])
