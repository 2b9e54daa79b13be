"""What runs in it: simulated providers and a node, and what the scenes play with."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import anthropic

from headgate.cli.demonstration.child import Child
from headgate.cli.demonstration.messages import GatewayReady, GatewaySetup, UpstreamsSetup
from headgate.cli.demonstration.organisation import CONFIG_NAME
from headgate.cli.demonstration.sessions.agent import Agent
from headgate.cli.demonstration.sessions.messages import PlacesReady
from headgate.cli.demonstration.sessions.organisation import KEY, configuration
from headgate.cli.demonstration.stage import LOG_NAME
from headgate.economics.suites.load_answers import Asker
from headgate.gateway.listener.own import Place
from headgate.identity.keys import make_key

CHILDREN = ("sessions.upstreams", "gateway")
CALL_TIMEOUT_S = 20.0
OUTPUT_TOKENS_MAX = 60


class Stage(NamedTuple):
    """A running node with its providers.

    Attributes:
        admins: The providers' control surfaces, by name.
        client: Speaks to the node, and does not try again by itself.
        asker: Tells it how good answers were.
        seed: What all tasks follow from.
    """

    data_dir: Path
    admins: dict[str, str]
    client: anthropic.Anthropic
    asker: Asker
    seed: int
    providers: Child
    node: Child

    def agent(self, name: str, alias: str) -> Agent:
        """Return an agent that begins a session."""
        return Agent(self.client, name, alias)

    def ask(self, deployment: str, prompt: str) -> tuple[str, str]:
        """Ask something; return the call's id and the answer.

        Raises:
            APIError: There is no answer.
        """
        raw = self.client.messages.with_raw_response.create(
            model=deployment,
            max_tokens=OUTPUT_TOKENS_MAX,
            messages=[{"role": "user", "content": prompt}],
        )
        (block,) = raw.parse().content
        return raw.headers["x-headgate-call"], block.text if block.type == "text" else ""

    def check(self, deployment: str, questions: list[tuple[str, str]]) -> int:
        """Ask small questions of a deployment, and tell how good each answer was; counts the good.

        Raises:
            APIError: There is no answer.
            RefusedError: A vote is not taken.
        """
        good = 0
        for prompt, answer in questions:
            call, said = self.ask(deployment, prompt)
            is_good = said == answer
            self.asker.vote(call, good=is_good, source="tests", label="checked")
            good += is_good
        return good


@contextmanager
def staged(data_dir: Path, seed: int) -> Iterator[Stage]:
    """Start everything; whatever still runs in the end is ended.

    Raises:
        DemonstrationError: Something did not start.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = data_dir / LOG_NAME
    children: list[Child] = []
    try:
        children.extend(Child(name, log) for name in CHILDREN)
        yield _set_up(data_dir, seed, *children)
    finally:
        for child in reversed(children):
            child.kill()


def _set_up(data_dir: Path, seed: int, providers: Child, node: Child) -> Stage:
    providers.set_up(UpstreamsSetup(seed))
    upstream = providers.ready(PlacesReady)
    secret = make_key(KEY)
    config = data_dir / CONFIG_NAME
    # It has a key in it: made for its owner alone before anything is written.
    config.touch(mode=0o600)
    config.write_text(configuration(upstream, secret), "utf-8")
    node.set_up(GatewaySetup(str(config), str(data_dir)))
    url = node.ready(GatewayReady).gateway
    client = anthropic.Anthropic(
        api_key=secret, base_url=url, max_retries=0, timeout=CALL_TIMEOUT_S
    )
    admins = {name: place.admin for name, place in upstream.places.items()}
    return Stage(data_dir, admins, client, Asker(Place(url), secret, ""), seed, providers, node)
