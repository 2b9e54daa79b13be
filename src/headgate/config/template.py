"""The configuration that `headgate init` writes: it works as it stands, and explains itself."""

FILE_NAME = "headgate.toml"

TEMPLATE = """\
# Headgate's configuration. Every key: docs/reference/configuration.md.
# Check it with:  headgate doctor

[listen]
gateway = "127.0.0.1:8080"   # where clients send their calls
console = "127.0.0.1:8081"   # the web page

[organisation]
id = "my-organisation"
timezone = "UTC"             # calendar months begin at midnight here

# Who sells models. A credential is read from the environment, a file, or stands here:
#   { env = "NAME" }   { file = "path" }   { value = "secret" }
[providers.openai]
kind = "openai_compatible"   # also DeepSeek, vLLM, Ollama, OpenRouter ... by base_url
base_url = "https://api.openai.com/v1"
credential = { env = "OPENAI_API_KEY" }

# [providers.anthropic]
# kind = "anthropic"
# base_url = "https://api.anthropic.com"
# credential = { env = "ANTHROPIC_API_KEY" }

# What can be called. A client may name a deployment, or an alias of [routes].
[deployments.gpt-mini]
provider = "openai"
model = "gpt-5.4-mini"

# [deployments.sonnet]
# provider = "anthropic"
# model = "claude-sonnet-4-6"

# Prices of models that are not built in, in dollars per million tokens.
# [[prices]]
# provider = "openai"
# model = "my-model"
# valid_from = 2026-01-01
# per_million_tokens = { input = "1.00", output = "2.00", cache_read = "0.10" }
# source = "https://..."

[routes.fast]
deployments = ["gpt-mini"]   # the cheapest that can serve a call is tried first

# Who calls, and for whom.
[teams.research]

[principals.me]
team = "research"
kind = "person"              # person | agent | service

# A key without a secret is made by:  headgate keys create me
[keys.me]
principal = "me"
models = ["*"]               # aliases and deployments it may ask for

# Hard limits: posted + held never exceeds one.
[budgets.organisation-month]
node = "organisation"        # organisation | team:ID | principal:ID | run:*
period = "month"             # month | once
limit_usd = "100.00"
on_tight = "refuse"          # or "shorten" the answer to what is affordable

[budgets.each-run]
node = "run:*"               # each run, named by the header x-headgate-run
period = "once"
limit_usd = "5.00"
"""
