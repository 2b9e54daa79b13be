"""Its configuration: two accounts at one provider, one deployment in the EU, and the policy."""

from headgate.cli.demonstration.sessions.messages import PlacesReady

KEY = "agent"
CHEAP_MODEL, DEAR_MODEL = "claude-haiku-4-5", "claude-opus-4-8"
CHEAP, DEAR, SESSION = "cheap", "dear", "agent"
"""The aliases: one model each, at both accounts, and the policy `session` over all of them."""
ALONE, ACCOUNTS = "opus", "accounts"
"""The dear model at one account, and at whichever of two."""
EU_ALIAS, EU_CLASS, EU_DEPLOYMENT = "assistant", "personal", "frankfurt"


def configuration(upstream: PlacesReady, secret: str) -> str:
    """Return the text of headgate.toml, with the secret of its one key in it."""
    bases = {name: place.base for name, place in upstream.places.items()}
    return TEMPLATE.format(**bases, secret=secret)


TEMPLATE = """\
# Written by `headgate demo --sessions`. The providers are simulated: nothing here costs real money.

[listen]
gateway = "127.0.0.1:0"
console = "127.0.0.1:0"

[organisation]
id = "weir-and-sons"

[limits]
breaker_open_ms = 300            # an outage is over as soon as it is over

[learning]
votes_per_minute_max = 10000     # the checks of some weeks come within seconds here

[providers.first]
kind = "anthropic"
base_url = "{first}"
seller = "anthropic"
credential = {{ value = "simulated-first" }}

[providers.second]               # another account there, with prompt caches of its own
kind = "anthropic"
base_url = "{second}"
seller = "anthropic"
credential = {{ value = "simulated-second" }}

[providers.eu]
kind = "anthropic"
base_url = "{eu}"
seller = "anthropic"
credential = {{ value = "simulated-eu" }}

[deployments.haiku]
provider = "first"
model = "claude-haiku-4-5"

[deployments.opus]
provider = "first"
model = "claude-opus-4-8"

[deployments.haiku-2]
provider = "second"
model = "claude-haiku-4-5"

[deployments.opus-2]
provider = "second"
model = "claude-opus-4-8"

[deployments.virginia]
provider = "first"
model = "claude-haiku-4-5"
region = "us-east-1"

[deployments.frankfurt]
provider = "eu"
model = "claude-haiku-4-5"
region = "eu-central-1"

# Nothing is said of how often each model succeeds: that is learned from checked tasks.
[policies.agent]
kind = "session"
stake_usd = "0.35"                # what a failed task costs beside being done again

[routes.agent]
deployments = ["haiku", "opus", "haiku-2", "opus-2"]
policy = "agent"

[routes.cheap]
deployments = ["haiku", "haiku-2"]

[routes.dear]
deployments = ["opus", "opus-2"]

[routes.accounts]
deployments = ["opus", "opus-2"]
policy = "agent"

[routes.assistant]
deployments = ["virginia", "frankfurt"]
policy = "ordered"

[data_classes.public]
default = true

[data_classes.personal]
note = "anything about a person"

[requirements.personal-data]
data_classes = ["personal"]
residency = ["eu"]

[teams.engineering]

[principals.agent]
team = "engineering"
kind = "agent"

[keys.agent]
principal = "agent"
secret = {{ value = "{secret}" }}

[budgets.engineering]
node = "team:engineering"
period = "once"
limit_usd = "50.00"
"""
