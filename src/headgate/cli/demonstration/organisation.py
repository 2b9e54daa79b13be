"""The organisation of the demonstration: its configuration, and its keys."""

from collections.abc import Mapping
from typing import NamedTuple

from headgate.identity.keys import make_key

VISITOR = "visitor"
"""Whose key is shown: a team of its own, so that the traffic leaves its budget alone."""

KEYS = (
    VISITOR,
    "helpdesk",
    "translator",
    "reviewer",
    "builder",
    "ana",
    "sam",
    "nightly",
    "probe",
)
CONFIG_NAME = "headgate.toml"


class Places(NamedTuple):
    """Where the parts of the demonstration are: addresses to listen on, and base URLs."""

    gateway: str
    console: str
    openai: str
    anthropic: str


def make_keys() -> dict[str, str]:
    """Return new secrets by the id of their key."""
    return {key: make_key(key) for key in KEYS}


def configuration(places: Places, keys: Mapping[str, str]) -> str:
    """Return the text of headgate.toml, with the secrets of `keys` in it."""
    secrets = {f"key_{key}": secret for key, secret in keys.items()}
    return TEMPLATE.format(**places._asdict(), **secrets)


TEMPLATE = """\
# Written by `headgate demo`. The providers are simulated: nothing here costs real money.

[listen]
gateway = "{gateway}"
console = "{console}"

[organisation]
id = "weir-and-sons"

[providers.openai]
kind = "openai_compatible"
base_url = "{openai}"
# A loopback address does not say who answers: whose prices apply, and which field limits output.
seller = "openai"
output_limit_field = "max_completion_tokens"
credential = {{ value = "simulated" }}

[providers.anthropic]
kind = "anthropic"
base_url = "{anthropic}"
seller = "anthropic"
credential = {{ value = "simulated" }}

[deployments.luna]
provider = "openai"
model = "gpt-5.6-luna"

[deployments.mini]
provider = "openai"
model = "gpt-5.4-mini"

[deployments.gpt-5-5]
provider = "openai"
model = "gpt-5.5"

[deployments.haiku]
provider = "anthropic"
model = "claude-haiku-5-5"

[deployments.sonnet]
provider = "anthropic"
model = "claude-sonnet-5"

[deployments.opus]
provider = "anthropic"
model = "claude-opus-4-8"

# A call in OpenAI's dialect gets luna, or mini when luna fails; one in Anthropic's gets haiku;
# when these fail, the others by translation.
[routes.fast]
deployments = ["luna", "mini", "haiku"]

[routes.careful]
deployments = ["sonnet", "opus", "gpt-5-5"]

[teams.support]
[teams.engineering]
[teams.research]
[teams.operations]
[teams.visitors]

[principals.helpdesk]
team = "support"
kind = "service"

[principals.translator]
team = "support"
kind = "service"

[principals.reviewer]
team = "engineering"
kind = "agent"

[principals.builder]
team = "engineering"
kind = "agent"

[principals.ana]
team = "research"

[principals.sam]
team = "research"

[principals.nightly]
team = "operations"
kind = "service"

[principals.probe]
team = "operations"
kind = "service"

[principals.visitor]
team = "visitors"

[keys.helpdesk]
principal = "helpdesk"
secret = {{ value = "{key_helpdesk}" }}
models = ["fast"]

[keys.translator]
principal = "translator"
secret = {{ value = "{key_translator}" }}
models = ["fast"]

[keys.reviewer]
principal = "reviewer"
secret = {{ value = "{key_reviewer}" }}
models = ["careful"]

[keys.builder]
principal = "builder"
secret = {{ value = "{key_builder}" }}
models = ["careful", "gpt-5-5"]

[keys.ana]
principal = "ana"
secret = {{ value = "{key_ana}" }}
models = ["fast", "mini"]        # she asks for "careful" now and then, and is told no

[keys.sam]
principal = "sam"
secret = {{ value = "{key_sam}" }}

[keys.nightly]
principal = "nightly"
secret = {{ value = "{key_nightly}" }}
models = ["fast"]

[keys.probe]
principal = "probe"
secret = {{ value = "{key_probe}" }}
models = ["luna"]

[keys.visitor]
principal = "visitor"
secret = {{ value = "{key_visitor}" }}

[budgets.everything]
node = "organisation"
limit_usd = "5000.00"

[budgets.support]
node = "team:support"
limit_usd = "1000.00"

[budgets.engineering]
node = "team:engineering"
limit_usd = "4000.00"

[budgets.research]
node = "team:research"
limit_usd = "1000.00"

[budgets.visitors]
node = "team:visitors"
limit_usd = "20.00"

[budgets.sam-trial]
node = "principal:sam"
period = "once"
limit_usd = "0.05"               # runs out within seconds

[budgets.builder-today]
node = "principal:builder"
period = "once"
limit_usd = "90.00"              # about two hours of work

[budgets.nightly]
node = "principal:nightly"
limit_usd = "100.00"
on_tight = "shorten"

[budgets.each-run]
node = "run:*"
period = "once"
limit_usd = "1.00"
"""
