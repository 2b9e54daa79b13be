"""The configuration that is measured: every part of the gateway that a call can meet is on.

Each model is an alias of eight deployments at one upstream whose prices differ a little, and a
call is held on four budgets: the organisation's, the team's, and two of the principal's (a
month's and one without an end), because the load names no run.
"""

from dataclasses import dataclass

KEY = "sk-bench"
MODELS = ("m", "m-c100-d0", "m-c50-d20", "m-c25-d20", "m-c10-d1000", "m-c30-d1000")
"""What may be asked for; the upstream reads chunks (`c`) and milliseconds between them (`d`)."""

TRANSLATED = ("t", "t-c25-d20", "t-c50-d20")
"""The same, served by deployments that speak Anthropic's Messages only."""

CANDIDATES = 8
CONCURRENCY_MAX = 16_384
LIMIT_USD = "90000000.00"
"""So large that no budget refuses a call, and small enough for whole nano-dollars."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Where the gateway listens and what it forwards to.

    Attributes:
        port: Of the data plane; the console's is left to the system.
        upstream: Base address without a path, `http://127.0.0.1:9100`.
        ca_file: Authority of the upstream's certificate; None with plain http.
    """

    port: int
    upstream: str
    ca_file: str | None = None


def headgate_toml(setup: Setup) -> str:
    """Return the configuration file."""
    parts = [_head(setup)]
    for model in (*MODELS, *TRANSLATED):
        provider = "messages" if model in TRANSLATED else "upstream"
        names = [f"{model}-at-{place}" for place in range(CANDIDATES)]
        parts += [_deployment(model, place, provider) for place in range(CANDIDATES)]
        listed = ", ".join(f'"{name}"' for name in names)
        parts.append(f'[routes."{model}"]\ndeployments = [{listed}]\n')
    parts += [_price(f"place-{place}", place) for place in range(CANDIDATES)]
    # What the upstream's replies name as the served model.
    parts.append(_price("m", 0))
    parts += [_budget(name, node, period) for name, node, period in _BUDGETS]
    return "\n".join(parts)


_BUDGETS = (
    ("organisation-month", "organisation", "month"),
    ("team-month", "team:load", "month"),
    ("principal-month", "principal:generator", "month"),
    ("principal-once", "principal:generator", "once"),
)
HOLDS_PER_CALL = len(_BUDGETS)


def _head(setup: Setup) -> str:
    trust = "" if setup.ca_file is None else f'ca_file = "{setup.ca_file}"\n'
    return f"""\
[listen]
gateway = "127.0.0.1:{setup.port}"
console = "127.0.0.1:0"

[organisation]
id = "bench"

[limits]
connections_max = 65536

[providers.upstream]
kind = "openai_compatible"
base_url = "{setup.upstream}/v1"
credential = {{ value = "sk-upstream" }}
seller = "bench"
{trust}
[providers.messages]
kind = "anthropic"
base_url = "{setup.upstream}"
credential = {{ value = "sk-upstream" }}
seller = "bench"
{trust}
[teams.load]

[principals.generator]
team = "load"
kind = "service"

[keys.generator]
principal = "generator"
secret = {{ value = "{KEY}" }}
"""


def _deployment(model: str, place: int, provider: str) -> str:
    return f"""\
[deployments."{model}-at-{place}"]
provider = "{provider}"
model = "{model}"
catalog = "bench/place-{place}"
context_tokens = 128000
output_tokens_max = 16384
concurrency_max = {CONCURRENCY_MAX}
"""


def _price(model: str, place: int) -> str:
    return f"""\
[[prices]]
provider = "upstream"
model = "{model}"
valid_from = 2026-01-01
per_million_tokens = {{ input = "1.0{place}", output = "2.0{place}", cache_read = "0.10" }}
source = "https://example.org/prices"
"""


def _budget(name: str, node: str, period: str) -> str:
    return f"""\
[budgets.{name}]
node = "{node}"
period = "{period}"
limit_usd = "{LIMIT_USD}"
"""
