"""The guide to delegation, and the ten lines that mint a child without Headgate."""

import os
import re
import subprocess
import sys
from pathlib import Path

from headgate.identity.delegation import public_root, verify
from headgate.identity.grant import Delegation, Grant
from tests.guides.running import run_guide
from tests.node.harness import ROOT, once, secret_of

HELPER = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)


def test_the_guides_commands_do_what_it_says(tmp_path: Path) -> None:
    """Minting, handing on, being refused and revoking print what the guide shows."""
    run_guide("delegation", tmp_path, budgets=[once("principal:alice", "1.00")])


def test_ten_lines_mint_a_child_without_headgate() -> None:
    """The reference's helper, run as it stands and without our package, makes a valid token."""
    page = (ROOT / "docs" / "reference" / "delegation.md").read_text(encoding="utf-8")
    (code,) = HELPER.findall(page)
    key = secret_of("alice")

    token = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env={"HEADGATE_KEY": key, "HEADGATE_KEY_ID": "alice", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()

    found = verify(token.encode(), public_root(key), Grant())
    assert "headgate." not in code and len(code.splitlines()) <= 11
    assert isinstance(found, Delegation)
    assert found.names == ("reader",)
    assert found.grant == Grant(models=frozenset({"mini"}), money_nanos=250_000_000, depth=0)
