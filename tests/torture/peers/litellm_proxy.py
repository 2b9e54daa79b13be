"""LiteLLM's proxy, in an environment of its own, with the budgets that it has without a database.

Configured as its documentation says: https://docs.litellm.ai/docs/proxy/provider_budget_routing,
https://docs.litellm.ai/docs/proxy/users and https://docs.litellm.ai/docs/proxy/custom_auth.
Why without a database, and what is thereby left out, is told in docs/torture.md.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from urllib.request import Request, urlopen

from headgate.simulator import Simulator
from headgate.units.money import format_usd
from tests.node.harness import ROOT
from tests.torture.peers.gateway import until

ENVIRONMENT = ROOT / "build" / "peer"
READY_S = 120.0
END_S = 20.0
STARTS_MAX = 5
NANOS = 10**9

# Prices as the simulated provider bills, so that a difference in spend is none of price books.
CONFIG = """\
model_list:
  - model_name: mini
    litellm_params:
      model: openai/gpt-5.4-mini
      api_base: {upstream}
      api_key: sk-upstream
      input_cost_per_token: 0.00000075
      cache_read_input_token_cost: 0.000000075
      output_cost_per_token: 0.0000045
general_settings:
  master_key: {key}
"""

PROVIDER = """\
router_settings:
  provider_budget_config:
    openai:
      budget_limit: {limit}
      time_period: 30d
"""
REDIS = """\
  redis_host: 127.0.0.1
  redis_port: {port}
"""

RESERVATION = """\
  custom_auth: authenticator.authenticate
  custom_auth_run_common_checks: true
"""
FAIL_CLOSED = "  fail_closed_budget_enforcement: true\n"

# A key's budget comes from the database; an authenticator of one's own can state one as well.
AUTHENTICATOR = """\
from litellm.proxy._types import UserAPIKeyAuth


async def authenticate(request, api_key):
    return UserAPIKeyAuth(api_key=api_key, max_budget={limit})
"""


@dataclass(frozen=True, slots=True)
class Setting:
    """A way to set a limit.

    Attributes:
        about: What it is, for the page.
        budget: What follows `CONFIG`.
        redis: Whether counters are kept in Redis.
        keeps_books: Whether what was spent can be asked for.
    """

    about: str
    budget: str
    redis: bool = False
    keeps_books: bool = False


SETTINGS = {
    "LiteLLM, provider budget": Setting(
        "a budget of the provider, counted in memory", PROVIDER, keeps_books=True
    ),
    "the same, Redis": Setting(
        "a budget of the provider, counted in Redis", PROVIDER + REDIS, redis=True, keeps_books=True
    ),
    "LiteLLM, reservation": Setting("a budget of a key, reserved before a call", RESERVATION),
    "the same, fail closed": Setting(
        "that with `fail_closed_budget_enforcement`", RESERVATION + FAIL_CLOSED
    ),
}
"""By the heading of its column."""


class LiteLLM:
    """The proxy with one worker."""

    key = "sk-torture"

    def __init__(self, folder: Path, setting: Setting) -> None:
        self._folder, self._setting = folder, setting
        self._proxy: subprocess.Popen[bytes] | None = None
        self._redis: subprocess.Popen[bytes] | None = None
        self.about = f"LiteLLM {version()}, one worker, {setting.about}"
        if setting.redis:
            self.about += f" {redis_version()}"
        self.keeps_books = setting.keeps_books
        self.base_url = ""

    def start(self, simulator: Simulator, limit_nanos: int) -> None:
        """Write a configuration and start, Redis first."""
        self._folder.mkdir(parents=True, exist_ok=True)
        limit, port = format_usd(limit_nanos), 0
        if self._setting.redis:
            port = _free_port()
            listen = ("--bind", "127.0.0.1", "--port", str(port))
            self._redis = self._run("redis-server", *listen, "--save", "")
        template = CONFIG + self._setting.budget
        config = template.format(
            upstream=simulator.openai_url, limit=limit, port=port, key=self.key
        )
        (self._folder / "config.yaml").write_text(config)
        (self._folder / "authenticator.py").write_text(AUTHENTICATOR.format(limit=limit))
        self.restart()

    def restart(self) -> None:
        """Start on the same configuration and the same Redis, and wait until it is ready."""
        for _ in range(STARTS_MAX):
            port = _free_port()
            self.base_url = f"http://127.0.0.1:{port}"
            listen = ("--host", "127.0.0.1", "--port", str(port))
            program = str(ENVIRONMENT / "bin" / "litellm")
            proxy = self._run(program, "--config", "config.yaml", *listen, "--telemetry", "False")
            self._proxy = proxy
            assert until(partial(self._decided, proxy), READY_S), f"not ready: see {self._folder}"
            if proxy.poll() is None:
                return
        raise AssertionError(f"does not start: see {self._folder}")

    def spend_nanos(self) -> int:
        """Return what `/provider/budgets` says, rounded to the nano-dollar."""
        answer = json.loads(self._get("/provider/budgets"), parse_float=Decimal)
        return round(Decimal(answer["providers"]["openai"]["spend"]) * NANOS)

    def kill(self) -> None:
        """Kill the proxy; its Redis lives on."""
        assert self._proxy is not None, "start comes first"
        _end(self._proxy, signal.SIGKILL)

    def stop(self) -> None:
        """End the proxy and its Redis."""
        for each in (self._proxy, self._redis):
            if each is not None:
                _end(each, signal.SIGTERM)

    def _run(self, *command: str) -> subprocess.Popen[bytes]:
        quiet = {"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "NO_PROXY": "*"}
        # It would fetch a newer list of prices from the network at each start.
        local = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                env={**os.environ, **quiet, **local},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _decided(self, proxy: subprocess.Popen[bytes]) -> bool:
        """Whether it is ready, or has ended: others may have taken the port since it was free."""
        try:
            self._get("/health/readiness")
        except OSError:
            return proxy.poll() is not None
        return True

    def _get(self, path: str) -> bytes:
        headers = {"authorization": f"Bearer {self.key}"}
        with urlopen(Request(self.base_url + path, headers=headers), timeout=10) as answer:
            content: bytes = answer.read()
            return content


@cache
def version() -> str:
    """Return which version is installed."""
    program = "from importlib.metadata import version; print(version('litellm'))"
    return _output(str(ENVIRONMENT / "bin" / "python"), "-c", program)


@cache
def redis_version() -> str:
    """Return the version of Redis; empty when it is not installed."""
    if shutil.which("redis-server") is None:
        return ""
    words = _output("redis-server", "--version").split()
    return next(word.removeprefix("v=") for word in words if word.startswith("v="))


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a process and all it has started, and wait; kill it when it does not end."""
    if process.poll() is None:
        os.killpg(process.pid, number)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
