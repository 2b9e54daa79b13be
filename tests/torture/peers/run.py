"""`make torture-peer`: the same scripts against Headgate and a peer, and what came of each.

    make torture-peer                            all of it; docs/torture.md is written anew
    make torture-peer ARGS="--no-record"         a try

It takes about five minutes. What fails is told, not hidden: a script that a gateway does not get
through stands in the table as such, and the exit status is 1.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from bench.machine import commit, facts
from tests.node.harness import ROOT
from tests.torture.peers import experiments
from tests.torture.peers.experiments import Finding
from tests.torture.peers.gateway import Gateway
from tests.torture.peers.litellm_proxy import SETTINGS, LiteLLM, redis_version
from tests.torture.peers.ours import Ours

PAGE = ROOT / "docs" / "torture.md"
FROM, TO = "### What came of it", "## The last run"
TOLD = ("processor", "kernel", "python", "fsync of 4 KB", "load average before")
SCRIPTS: dict[str, Callable[[Gateway], Finding]] = {
    "stampede": experiments.stampede,
    "last cent": experiments.last_cent,
    "killed": experiments.killed,
    "abandoned": experiments.abandoned,
}
OF_BOOKS = ("killed", "abandoned")
"""Scripts for those only who keep books."""

Makers = dict[str, Callable[[Path], Gateway]]
Findings = dict[tuple[str, str], Finding | None]
"""By script and gateway; None where it did not get through, and nothing where it was not asked."""


def main() -> int:
    """Put each gateway through each script, print, record; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make torture-peer")
    parser.add_argument("--no-record", action="store_true", help="leave docs/torture.md as it is")
    given = parser.parse_args()
    folder = Path(mkdtemp(prefix="torture-peer-"))
    lines = [f"- {name}: {value}" for name, value in facts(folder).items() if name in TOLD]
    lines += [f"- {datetime.now(UTC):%Y-%m-%d %H:%M UTC}, commit {commit()}"]
    makers = gateways()
    lines += [f"- {name}: {make(folder).about}" for name, make in makers.items()]
    findings: Findings = {}
    for script, name in asked(makers):
        _say(f"{script}: {name}")
        gateway = makers[name](folder / f"{script}-{name}".replace(" ", "-"))
        try:
            findings[script, name] = SCRIPTS[script](gateway)
        except (AssertionError, OSError, TimeoutError) as error:
            _say(f"did not get through: {type(error).__name__}: {error}")
            findings[script, name] = None
        finally:
            gateway.stop()
    text = "\n".join([*lines, "", *table(findings, list(makers))]) + "\n"
    sys.stdout.write(text)
    if not given.no_record:
        PAGE.write_text(page(PAGE.read_text(), text))
    return int(None in findings.values())


def asked(makers: Makers) -> Iterator[tuple[str, str]]:
    """Yield who is put through which script."""
    for script in SCRIPTS:
        for name, make in makers.items():
            if make(Path()).keeps_books or script not in OF_BOOKS:
                yield script, name


def gateways() -> Makers:
    """Return how to make each gateway, by the heading of its column."""
    found: Makers = {"Headgate": Ours}
    for name, setting in SETTINGS.items():
        if setting.redis and not redis_version():
            _say(f"not run: {name}, which needs redis-server")
        else:
            found[name] = partial(LiteLLM, setting=setting)
    return found


def _say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


def table(findings: Findings, names: Sequence[str]) -> list[str]:
    """Return the findings side by side."""
    rows: list[tuple[str, str, Callable[[Finding], str]]] = [
        ("stampede", "stampede: admitted of 200, where 20 fit", lambda f: f"{f.admitted}"),
        ("stampede", "- billed over the limit", lambda f: _share(f.over_nanos, f.limit_nanos)),
        ("last cent", "last cent: admitted, where 5 fit", lambda f: f"{f.admitted}"),
        ("last cent", "- billed over the limit", lambda f: _share(f.over_nanos, f.limit_nanos)),
        ("killed", "killed: billed by the upstream", lambda f: _usd(f.billed_nanos)),
        ("killed", "- recorded after the restart", lambda f: _usd(f.recorded_nanos)),
        ("killed", "- missing in the books", lambda f: _share(f.missing_nanos, f.billed_nanos)),
        ("abandoned", "abandoned: billed by the upstream", lambda f: _usd(f.billed_nanos)),
        ("abandoned", "- recorded", lambda f: _usd(f.recorded_nanos)),
        ("abandoned", "- missing", lambda f: _share(f.missing_nanos, f.billed_nanos)),
    ]
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for script, title, tell in rows:
        cells = [_cell(findings, script, name, tell) for name in names]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _cell(findings: Findings, script: str, name: str, tell: Callable[[Finding], str]) -> str:
    if (script, name) not in findings:
        return "not asked"
    finding = findings[script, name]
    return "did not get through" if finding is None else tell(finding)


def _usd(nanos: int | None) -> str:
    assert nanos is not None, "only those with books are asked"
    return f"${nanos // 10**9}.{nanos % 10**9 // 1000:06d}"


def _share(nanos: int, of_nanos: int) -> str:
    """Return an amount as a share in percent; below zero, the books have more than was billed."""
    if nanos == 0:
        return "nothing"
    tenths = (abs(nanos) * 1_000 + of_nanos // 2) // of_nanos
    sign = "" if nanos > 0 else "-"
    return f"{sign}{tenths // 10}.{tenths % 10} %"


def page(before: str, text: str) -> str:
    """Return the page with new results between `FROM` and `TO`; the rest is left as it is."""
    above, found, rest = before.partition(FROM)
    assert found, f"the page has no {FROM!r}"
    _, found, below = rest.partition(TO)
    assert found, f"the page has no {TO!r}"
    return f"{above}{FROM}\n\n{text}\n{TO}{below}"


if __name__ == "__main__":
    raise SystemExit(main())
