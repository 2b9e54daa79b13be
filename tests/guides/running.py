"""Runs a guide of `docs/guides/` as its reader would: every command, in order, against a real node.

What a guide shows is taken at its word:

- A ```` ```toml ```` block is part of the node's configuration from the start.
- A ```` ```sh ```` or ```` ```python ```` block is run; all share one shell, so variables last.
- A ```` ```text ```` block after one is what it prints; `...` stands for anything, within a line or
  for whole lines.

The usual address of the gateway is replaced by the node's, OpenAI's by the simulator's.
`HEADGATE_KEY` is the key of `alice`.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from headgate.budgets.settings import Budget
from tests.node.harness import ALICE, ROOT, TestNode, running_node

GUIDES = ROOT / "docs" / "guides"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
USUAL_URL = "http://127.0.0.1:8080"
USUAL_CONSOLE = "http://127.0.0.1:8081"
MAKER_URL = "https://api.openai.com"
GUIDE_TIMEOUT_S = 120
MARK = "--- the end of block"


class Step(NamedTuple):
    """A block that is run, and what the guide says that it prints (None: it does not say)."""

    language: str
    code: str
    printed: str | None


class Guide(NamedTuple):
    """What can be run of a guide."""

    configuration: str
    steps: Sequence[Step]


def read_guide(name: str) -> Guide:
    """Return what a guide tells its reader to write and to run."""
    text = (GUIDES / f"{name}.md").read_text(encoding="utf-8")
    configuration: list[str] = []
    steps: list[Step] = []
    for language, code in BLOCK.findall(text):
        if language == "toml":
            configuration.append(code)
        elif language == "text":
            assert steps, f"{name}: nothing is run before what it prints"
            steps[-1] = steps[-1]._replace(printed=code)
        elif language in ("sh", "python"):
            steps.append(Step(language, code, None))
    return Guide("\n".join(configuration), steps)


def run_guide(
    name: str,
    tmp_path: Path,
    *,
    budgets: Sequence[Budget] = (),
    principals: Mapping[str, str] = ALICE,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run a guide on a node of its own; every command succeeds and prints what is said.

    Args:
        name: The guide's file, without its ending.
        tmp_path: Where the node lives.
        budgets: Those the guide takes for granted.
        principals: Team by principal; each has a key, `HEADGATE_KEY_<NAME>` in the environment.
        environment: More variables.
    """
    guide = read_guide(name)
    with running_node(
        tmp_path, budgets=budgets, principals=principals, extra=guide.configuration
    ) as node:
        keys = {f"HEADGATE_KEY_{each.upper()}": node.key(each) for each in principals}
        given = {"HEADGATE_KEY": node.key(next(iter(principals))), **keys, **(environment or {})}
        for step, printed in zip(guide.steps, _run(node, guide.steps, given), strict=True):
            if step.printed is not None:
                assert matches(step.printed, printed), (
                    f"{name}: printed\n{printed}\nnot\n{step.printed}"
                )
        node.await_nothing_held()


def _run(node: TestNode, steps: Sequence[Step], given: Mapping[str, str]) -> list[str]:
    """Return what each step printed."""
    script = "set -euo pipefail\n" + f"\necho '{MARK}'\n".join(_shell(step) for step in steps)
    script = script.replace(USUAL_URL, node.gateway_url).replace(USUAL_CONSOLE, node.console_url)
    script = script.replace(MAKER_URL, node.simulator.openai_url.removesuffix("/v1"))
    tools = Path(sys.executable).parent
    environment = {
        **node.environment,
        **given,
        "PATH": f"{tools}:/usr/bin:/bin",
        "HEADGATE_CONFIG": str(node.config),
        "HEADGATE_DATA_DIR": str(node.data_dir),
        "COLUMNS": "120",
    }
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        cwd=node.config.parent,
        capture_output=True,
        text=True,
        timeout=GUIDE_TIMEOUT_S,
        check=False,
    )
    printed = done.stdout.split(f"{MARK}\n")
    assert done.returncode == 0, (
        f"block {len(printed)} of the guide fails:\n{steps[len(printed) - 1].code}\n"
        f"{printed[-1]}\n{done.stderr}"
    )
    return printed


def _shell(step: Step) -> str:
    if step.language == "sh":
        return step.code
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(step.code)}"


def matches(said: str, printed: str) -> bool:
    """Tell whether text is as a guide says it is, `...` standing for anything."""
    pattern = ".*".join(re.escape(piece.strip("\n")) for piece in said.split("..."))
    return re.fullmatch(rf"\s*{pattern}\s*", printed, re.S) is not None
