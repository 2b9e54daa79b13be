"""`headgate use`: print what makes a client speak through Headgate."""

from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, Config
from headgate.cli.output import EXIT_CONFIGURATION, fail
from headgate.cli.reading import read_configuration
from headgate.config.snapshot import Snapshot

app = typer.Typer()

CLIENTS = {
    "claude-code": """\
export ANTHROPIC_BASE_URL={url}
export ANTHROPIC_AUTH_TOKEN="$HEADGATE_KEY"
export ANTHROPIC_MODEL={model} ANTHROPIC_DEFAULT_HAIKU_MODEL={model}
claude""",
    "codex": """\
# in ~/.codex/config.toml
model = "{model}"
model_provider = "headgate"
web_search = "disabled"    # offered with every call, and its cost has no bound

[model_providers.headgate]
name = "Headgate"
base_url = "{url}/v1"
env_key = "HEADGATE_KEY"
wire_api = "responses" """,
    "gemini-cli": """\
# it asks for models by names of its own: make them aliases, served by a provider of kind gemini
export GOOGLE_GEMINI_BASE_URL={url}
export GEMINI_API_KEY="$HEADGATE_KEY"
gemini""",
    "aider": """\
export OPENAI_API_BASE={url}/v1
export OPENAI_API_KEY="$HEADGATE_KEY"
aider --model openai/{model}""",
    "openai": """\
import os

from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key=os.environ["HEADGATE_KEY"])
reply = client.chat.completions.create(
    model="{model}", messages=[{{"role": "user", "content": "Hello"}}]
)
print(reply.choices[0].message.content)""",
    "anthropic": """\
import os

from anthropic import Anthropic

client = Anthropic(base_url="{url}", api_key=os.environ["HEADGATE_KEY"])
reply = client.messages.create(
    model="{model}", max_tokens=200, messages=[{{"role": "user", "content": "Hello"}}]
)
print(reply.content[0].text)""",
    "curl": """\
curl {url}/v1/chat/completions \\
  --header "authorization: Bearer $HEADGATE_KEY" \\
  --header "content-type: application/json" \\
  --data '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'""",
}
"""What each client needs. All find the key in the environment, so that it stands nowhere."""


@app.command()
def use(
    client: Annotated[str, typer.Argument(help=f"One of: {', '.join(CLIENTS)}.")],
    model: Annotated[
        str | None,
        typer.Option(help="An alias or deployment; the first alias when none is given."),
    ] = None,
    config: Config = CONFIG_DEFAULT,
) -> None:
    """Print the exact lines for a client, with this configuration's address and a model of it."""
    if client not in CLIENTS:
        fail(f"Nothing is known of {client!r}.", f"Name one of: {', '.join(CLIENTS)}.")
    snapshot = read_configuration(config)
    chosen = _model(snapshot, model)
    typer.echo("# HEADGATE_KEY holds a key: headgate keys create KEY makes one")
    typer.echo(CLIENTS[client].format(url=_url(snapshot), model=chosen).rstrip())


def _url(snapshot: Snapshot) -> str:
    """Return the data plane's address as a client on this machine reaches it."""
    host = snapshot.edge.host
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return (
        f"http://[{host}]:{snapshot.edge.port}"
        if ":" in host
        else (f"http://{host}:{snapshot.edge.port}")
    )


def _model(snapshot: Snapshot, asked: str | None) -> str:
    names = [*snapshot.routes, *snapshot.deployments]
    if asked is None and names:
        return names[0]
    if asked not in names:
        fix = f"Name one of: {', '.join(names)}." if names else "Write [deployments.NAME] first."
        fail(f"There is no model {asked!r} in the configuration.", fix, EXIT_CONFIGURATION)
    return str(asked)
