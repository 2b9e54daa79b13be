"""Makes session logs like Claude Code's, and times imports of them, paired with another reader.

    python -m bench.usage_logs make FOLDER --megabytes 500
    python -m bench.usage_logs time FOLDER --other "ccusage daily --offline --json" --rounds 5

What is made depends on the size and the seed alone, so that anyone can make the same again. It is
never committed. `time` runs both readers in turn on warm files, each from an empty start, and
prints the medians of wall time and the largest memory of a process.
"""

import argparse
import json
import os
import random
import resource
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SEED = 20261125
SESSION_REPLIES = (20, 400)
MODELS = ("claude-opus-4-8", "claude-sonnet-4-6", "claude-haiku-4-5-20251001")
START_S = 1_783_000_000
WORDS = ("shape", "the", "of", "ledger", "value", "returns", "when", "a", "test", "module", "\\n")


def make(folder: Path, megabytes: int, seed: int) -> int:
    """Write whole sessions until there are so many bytes; return how many replies they hold."""
    chance = random.Random(seed)
    text = " ".join(chance.choice(WORDS) for _ in range(40_000))
    written = replies = number = 0
    while written < megabytes * 1_000_000:
        project = folder / "projects" / f"-home-dev-project-{number % 40}"
        project.mkdir(parents=True, exist_ok=True)
        session = f"{chance.getrandbits(128):032x}"
        count = chance.randint(*SESSION_REPLIES)
        with (project / f"{session}.jsonl").open("w") as file:
            for line in _session(chance, session, text, (number, count)):
                written += file.write(line + "\n")
        replies += count
        number += 1
    return replies


def _session(
    chance: random.Random, session: str, text: str, place: tuple[int, int]
) -> Iterator[str]:
    number, count = place
    common: dict[str, object] = {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": f"/home/dev/project-{number % 40}",
        "sessionId": session,
        "version": "2.1.150",
        "gitBranch": "main",
    }
    model = MODELS[chance.choices((0, 1, 2), (5, 4, 1))[0]]
    at_s = START_S + number * 2_000 + chance.random()
    cached = 15_000
    for reply in range(count):
        at_s += chance.uniform(3, 60)
        cached += chance.randint(100, 2_000)
        yield _line(common, at_s, f"u{reply}", {"type": "user"} | _told(chance, text))
        yield from _reply(chance, common, text, (model, at_s, cached, f"{session[:12]}{reply:06d}"))


def _told(chance: random.Random, text: str) -> dict[str, object]:
    """Return what a tool answered; the client writes it down twice, as it does."""
    start, length = chance.randint(0, 60_000), min(20_000, int(chance.expovariate(1 / 1_800)) + 80)
    content = text[start : start + length]
    block = {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}
    return {
        "message": {"role": "user", "content": [block]},
        "toolUseResult": {"stdout": content, "stderr": "", "interrupted": False},
    }


def _reply(
    chance: random.Random,
    common: dict[str, object],
    text: str,
    about: tuple[str, float, int, str],
) -> Iterator[str]:
    """Yield a line per block of a reply, as it streams: the output count grows."""
    model, at_s, cached, identity = about
    blocks = chance.choices((1, 2, 3, 4), (3, 4, 2, 1))[0]
    fresh, output = chance.randint(200, 3_000), chance.randint(20, 900)
    for block in range(1, blocks + 1):
        start, length = chance.randint(0, 60_000), chance.randint(100, 2_600)
        last = block == blocks
        usage = {
            "input_tokens": 3,
            "cache_creation_input_tokens": fresh,
            "cache_read_input_tokens": cached,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": fresh},
            "output_tokens": output if last else block,
            "service_tier": "standard",
        }
        message = {
            "id": f"msg_{identity}",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": [{"type": "text", "text": text[start : start + length]}],
            "stop_reason": "end_turn" if last else None,
            "stop_sequence": None,
            "usage": usage,
        }
        more: dict[str, object] = {
            "type": "assistant",
            "message": message,
            "requestId": f"req_{identity}",
        }
        yield _line(common, at_s + block, f"{identity}-{block}", more)


def _line(common: dict[str, object], at_s: float, name: str, more: dict[str, object]) -> str:
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s))
    stamp = {"uuid": name, "timestamp": f"{moment}.{int(at_s * 1000) % 1000:03d}Z"}
    return json.dumps(common | more | stamp, separators=(",", ":"))


def compare(folder: Path, other: str, rounds: int) -> None:
    """Run both readers in turn and print their medians, and what both used of the processors."""
    runs: dict[str, list[tuple[float, float]]] = {"headgate": [], "other": []}
    environment = {**os.environ, "CLAUDE_CONFIG_DIR": str(folder)}
    for _ in range(rounds):
        data = Path(tempfile.mkdtemp())
        ours = [str(Path(sys.executable).parent / "headgate"), "import", "--data-dir", str(data)]
        runs["headgate"].append(_run(ours, environment))
        if other:
            runs["other"].append(_run(shlex.split(other), environment))
        again = _run(ours, environment)
        shutil.rmtree(data)
        sys.stdout.write(f"headgate, a second time: {again[0]:.3f} s\n")
    for name, times in runs.items():
        if times:
            walls, cpus = zip(*times, strict=True)
            told = ", ".join(f"{wall:.2f}" for wall in walls)
            sys.stdout.write(
                f"{name}: {statistics.median(walls):.2f} s of wall time ({told}), "
                f"{statistics.median(cpus):.2f} s of processors\n"
            )
    if other:
        pairs = list(zip(runs["headgate"], runs["other"], strict=True))
        for number, what in enumerate(("wall time", "processors")):
            ratio = statistics.median(theirs[number] / own[number] for own, theirs in pairs)
            sys.stdout.write(f"other / headgate, {what}: {ratio:.2f}\n")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"largest process: {memory:.0f} MB\n")


def _run(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return seconds of wall time, and of all processors, that a command takes."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return wall, cpu


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("--megabytes", type=int, default=500)
    making.add_argument("--seed", type=int, default=SEED)
    timing = commands.add_parser("time")
    timing.add_argument("folder", type=Path)
    timing.add_argument("--other", default="", help="command of the other reader")
    timing.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    if given.command == "make":
        replies = make(given.folder, given.megabytes, given.seed)
        sys.stdout.write(f"{replies} replies\n")
    else:
        compare(given.folder, given.other, given.rounds)


if __name__ == "__main__":
    main()
