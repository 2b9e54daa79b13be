"""A program that runs a swarm, as a user writes one; started, killed and started again by a test.

python -m tests.workflows.swarm_child ENGINE_URL GATEWAY_URL KEY AGENTS STEPS BUDGET_USD
"""

import asyncio
import json
import sys
from collections.abc import Sequence

from headgate.workflows import Swarm, approval, step, workflow
from headgate.workflows.dbos_engine import DbosEngine
from headgate.workflows.gateway import Gateway
from headgate.workflows.openai_client import openai_client

RUN = "swarm"


@step
async def ask(agent: int, number: int) -> str:
    """One model call."""
    reply = await openai_client().chat.completions.create(
        model="mini",
        messages=[{"role": "user", "content": f"Agent {agent}, step {number}"}],
        max_tokens=20,
    )
    return reply.id


@workflow
async def agent(number: int, steps: int) -> Sequence[str]:
    """Some steps, one after the other."""
    return [await ask(number, each) for each in range(steps)]


@workflow
async def swarm(agents: int, steps: int) -> list[Sequence[str]]:
    """Agents side by side; then a person says what comes of it."""
    working = [await agent.spawn(number, steps) for number in range(agents)]
    answers = [await each.result() for each in working]
    if await approval() != "approved":
        return []
    return answers


async def run(swarming: Swarm, agents: int, steps: int, budget_usd: str) -> object:
    await swarming.start(swarm, agents, steps, run=RUN, budget_usd=budget_usd)
    return await swarming.result(RUN)


def main() -> None:
    engine_url, gateway_url, key, agents, steps, budget_usd = sys.argv[1:7]
    with Swarm(DbosEngine(engine_url), Gateway(gateway_url, key)) as swarming:
        answers = asyncio.run(run(swarming, int(agents), int(steps), budget_usd))
    sys.stdout.write(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main()
