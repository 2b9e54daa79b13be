"""LiteLLM's proxy, from PyPI: one worker, with the one budget that it keeps without a database.

Set up as its documentation says: https://docs.litellm.ai/docs/proxy/prod and
https://docs.litellm.ai/docs/proxy/provider_budget_routing.
"""

import json
from decimal import Decimal
from urllib.request import Request, urlopen

from bench import processes
from bench.configuration import KEY
from bench.gateways import ROOT, UPSTREAM_PORT, Gateway, answers, when_ready
from bench.peers import install
from bench.peers.peer import (
    FOLDER,
    INPUT_USD_PER_MILLION,
    OUTPUT_USD_PER_MILLION,
    START_S,
    STREAMED_MODELS,
    Strain,
)

LOCK = ROOT / "requirements" / "peer.txt"
PLACE = FOLDER / "litellm"
QUIET = {
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    # It would fetch a newer list of prices from the network at each start.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "NO_PROXY": "*",
}
LIMIT_USD = 90_000_000

_MODEL = """\
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream}/v1
      api_key: sk-upstream
      input_cost_per_token: {input}
      output_cost_per_token: {output}
"""
_SETTINGS = """\
general_settings:
  master_key: {key}
litellm_settings:
  telemetry: false
router_settings:
  provider_budget_config:
    openai:
      budget_limit: {limit}
      time_period: 30d
"""


class LiteLLM:
    """The proxy."""

    name = "LiteLLM"
    version = install.pinned(LOCK, "litellm")
    on = (
        "its proxy from PyPI with one worker, and uvicorn as it comes: the key is checked, the call"
        " routed and priced, and one budget of the provider checked before the call and charged"
        " after it, counted in memory; no database and no callbacks"
    )
    more = (
        "It serves over a hundred providers, with callbacks to dozens of services and guardrails of"
        " many makers. Its budgets of keys, teams and users need PostgreSQL and an engine that is"
        " downloaded from elsewhere than PyPI, so they are off here; its core in Rust (a beta) does"
        " not carry chat completions of OpenAI."
    )
    strain = Strain(connections=8, streams=8, begun_per_s=4, open_streams=50)

    def install(self) -> None:
        """Install it."""
        install.from_pypi(PLACE.name, LOCK)

    def start(self, port: int) -> Gateway:
        """Start it."""
        config, log = PLACE / "config.yaml", PLACE / "log"
        config.write_text(configuration(), encoding="utf-8")
        command = [str(PLACE / "bin" / "litellm"), "--config", str(config)]
        command += ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        process = processes.start(command, processes.GATEWAY_CORE, log, QUIET)
        gateway = Gateway(self.name, port, process)
        return when_ready(gateway, log, lambda: answers(port, "/health/readiness"), START_S)

    def spent_nanos(self, gateway: Gateway) -> int:
        """Return what it has charged to the provider's budget."""
        address = f"http://127.0.0.1:{gateway.port}/provider/budgets"
        asked = Request(address, headers={"authorization": f"Bearer {KEY}"})
        with urlopen(asked, timeout=30) as answer:
            return spent(answer.read())

    def told_nanos(self, answer: bytes) -> None:
        """It keeps books, so its answers are not asked."""


def configuration() -> str:
    """Return its configuration: the models of the upstream, at the prices of all."""
    prices = {
        "input": _per_token(INPUT_USD_PER_MILLION),
        "output": _per_token(OUTPUT_USD_PER_MILLION),
    }
    models = [
        _MODEL.format(model=model, upstream=UPSTREAM_PORT, **prices)
        for model in ("m", *STREAMED_MODELS)
    ]
    return "".join(["model_list:\n", *models, _SETTINGS.format(key=KEY, limit=LIMIT_USD)])


def spent(answer: bytes) -> int:
    """Read what it says of its providers' budgets; returns nano-dollars."""
    budgets = json.loads(answer, parse_float=Decimal)
    return round(Decimal(budgets["providers"]["openai"]["spend"]) * 10**9)


def _per_token(usd_per_million: str) -> str:
    return f"{Decimal(usd_per_million) / 10**6:f}"
