"""What simulated models can do: hard tasks are beyond those of less skill, time and again."""

import json
from typing import Any

import pytest

from headgate.simulator import Simulator
from tests.simulator.conftest import post_json

KEYS = {"x-api-key": "sk-test", "anthropic-version": "2023-06-01"}
TASK = 'Do it. [sim:hard=70] [tool:run {"command": "make"}] [then] [say "Done."]'
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}


def said(simulator: Simulator, *messages: Any) -> list[Any]:
    """Return what the model says to a conversation that begins with the task."""
    body = {
        "model": "claude-haiku-4-5",
        "max_tokens": 100,
        "messages": [{"role": "user", "content": TASK}, *messages],
        "tools": [{"name": "run", "input_schema": SCHEMA}],
    }
    status, reply = post_json(simulator.anthropic_url, "/v1/messages", body, KEYS)
    assert status == 200, reply
    content: list[Any] = json.loads(reply)["content"]
    return content


def ran(uses: list[Any], *, failed: bool) -> list[Any]:
    """Return a turn of the model's with what its command gave back."""
    result = {
        "type": "tool_result",
        "tool_use_id": uses[-1]["id"],
        "content": "",
        "is_error": failed,
    }
    return [{"role": "assistant", "content": uses}, {"role": "user", "content": [result]}]


def test_a_model_that_is_up_to_a_task_does_it_step_by_step(simulator: Simulator) -> None:
    """A step that failed is done again; one that went well is followed by the next."""
    begun = said(simulator)
    again = said(simulator, *ran(begun, failed=True))
    done = said(simulator, *ran(begun, failed=True), *ran(again, failed=False))

    commands = [each[-1]["input"]["command"] for each in (begun, again)]
    assert commands == ["make", "make"]
    assert done[-1]["text"] == "Done."


def test_one_that_is_not_makes_the_same_mistake_each_time(simulator: Simulator) -> None:
    """It is another command than the wanted one; of a task that is not hard nothing changes."""
    simulator.skills.set({"claude-haiku-4-5": 69})
    try:
        begun = said(simulator)
        again = said(simulator, *ran(begun, failed=True))
        done = said(simulator, *ran(begun, failed=False))
        simulator.skills.set({"claude-haiku-4-5": 70})
        able = said(simulator)
    finally:
        simulator.skills.set({"claude-haiku-4-5": 100})

    assert begun[-1]["input"] == again[-1]["input"] == {"command": "mak"}
    assert done[-1]["text"] != "Done."
    assert able[-1]["input"] == {"command": "make"}


def test_skills_are_read_and_set_from_outside(simulator: Simulator) -> None:
    """Out of range is refused, and leaves them as they were."""
    url = simulator.admin_url.removesuffix("/_sim")

    status, _ = post_json(url, "/_sim/skills", {"gpt-5.4": 30}, {})
    wrong, _ = post_json(url, "/_sim/skills", {"gpt-5.4": 101}, {})

    assert (status, wrong) == (200, 400)
    assert simulator.skills.all()["gpt-5.4"] == 30
    simulator.skills.set({"gpt-5.4": 100})


@pytest.mark.parametrize("model", ["", "claude-haiku-4-5"])
def test_a_skill_is_between_0_and_100(simulator: Simulator, model: str) -> None:
    """Whoever asks for more hears so."""
    with pytest.raises(ValueError, match="0 to 100"):
        simulator.skills.set({model: -1})
