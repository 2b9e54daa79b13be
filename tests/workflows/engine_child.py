"""A process that runs workflows of an engine alone: started, killed and started again.

    python -m tests.workflows.engine_child URL NODE FOLDER ACTION

Each step appends a line to a file of the folder, so that the test sees how often it was done.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from headgate.workflows.dbos_engine import DbosEngine

STEPS = 4
TTL_MS = 400
FATE = {"die": signal.SIGKILL, "sleep": signal.SIGSTOP}


def main() -> None:
    url, node, folder, action = sys.argv[1:5]
    code = sys.argv[5] if len(sys.argv) > 5 else "code"
    engine = DbosEngine(url, node, TTL_MS)
    _define(engine, Path(folder))
    engine.launch(code)
    loop = asyncio.new_event_loop()
    told = loop.run_until_complete(_act(engine, action))
    states = {each.id: each.state for each in engine.list()}
    answer = {"told": told, "states": states, "refused": [each.id for each in engine.refused]}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    engine.close()


def _define(engine: DbosEngine, folder: Path) -> None:
    async def count(upto: int, die_at: int) -> list[str]:
        numbers = []
        for number in range(upto):

            async def note(id_: str, number: int = number) -> str:
                with (folder / "steps").open("a") as file:
                    file.write(f"{id_}\n")
                if number == die_at and not (folder / "died").exists():
                    (folder / "died").touch()
                    os.kill(os.getpid(), FATE[sys.argv[4].partition(" ")[0]])
                return id_

            numbers.append(await engine.step("note", note))
        return numbers

    async def fan(children: int) -> list[Any]:
        ids = [await engine.spawn("count", (2, -1)) for _ in range(children)]
        return [await engine.result(each) for each in ids]

    async def asked(topic: str) -> Any:
        return await engine.wait(topic, 60)

    engine.define("count", count)
    engine.define("fan", fan)
    engine.define("asked", asked)


async def _act(engine: DbosEngine, action: str) -> Any:
    if action.startswith(("die", "sleep", "take")):
        name = action.partition(" ")[2] or "one"
        await engine.start(name, "count", (STEPS, 2))
        return await engine.result(name)
    if action == "rest":
        await engine.start("one", "count", (STEPS, 2))
        fanned = await _fan(engine)
        await engine.start("ask", "asked", ("approval",))
        await engine.signal("ask", "approval", {"yes": True})
        said = await engine.result("ask")
        await engine.start("stopped", "asked", ("never",))
        await engine.cancel("stopped")
        return [fanned, said, await engine.result("one")]
    return None


async def _fan(engine: DbosEngine) -> Any:
    await engine.start("all", "fan", (3,))
    return await engine.result("all")


if __name__ == "__main__":
    main()
