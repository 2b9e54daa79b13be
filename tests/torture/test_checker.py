"""The checker can object: each thing it promises to notice, it notices."""

import ast
import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.torture.checker import main

Record = dict[str, Any]
WINDOW = "team@once"
SEGMENT = {"k": "segment", "format": 2, "worker": "w", "epoch": "e", "seq": 1, "boot_id": "b"}
CALLER: Record = {"k": "caller", "number": 1, "principal": "p", "windows": [WINDOW]}
SEALED = {"k": "sealed", "at_ns": 9, "last": True}


def hold(name: str = "a", amount: int = 100) -> Record:
    """Return a hold."""
    return {
        "k": "hold",
        "attempt": f"{name}.1",
        "at_ns": 1,
        "amount_nanos": amount,
        "caller": 1,
    }


def extend(name: str = "a", amount: int = 40) -> Record:
    """Return more money for a hold."""
    return {"k": "extend", "attempt": f"{name}.1", "at_ns": 2, "amount_nanos": amount}


def line(quantity: int = 10, amount: int = 50) -> list[Any]:
    """Return a charge line at 5 nanos a unit."""
    return ["output_text", quantity, 5 * 10**6, amount, "row"]


def settle(name: str = "a", amount: int = 50, **more: Any) -> Record:
    """Return a measured end of one line."""
    found = {"k": "settle", "attempt": f"{name}.1", "at_ns": 2, "state": "measured"}
    lines = [line(amount // 5, amount)] if amount else []
    request = {"upstream_request_id": f"req_{name}"}
    return {**found, "amount_nanos": amount, "lines": lines, **request, **more}


def takeover(name: str = "a", amount: int = 100) -> Record:
    """Return the end of an attempt whose worker died."""
    lost: Record = {"state": "estimated", "by": "takeover", "lines": []}
    lost["upstream_request_id"] = None
    return settle(name, amount, **lost)


def charge(name: str = "a", nanos: str = "50", **more: Any) -> Record:
    """Return an entry of the bill."""
    return {"request_id": f"req_{name}", "amount": f"{nanos}e-9", **more}


def verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], records: list[Record], bill: list[Record]
) -> tuple[int, str]:
    """Run the command on one journal and a bill, the limit being 200 nanos."""
    directory = tmp_path / "journal" / "w-e"
    directory.mkdir(parents=True)
    data = b""
    for record in [SEGMENT, CALLER, *records]:
        payload = json.dumps(record).encode()
        data += struct.pack("<II", len(payload), zlib.crc32(payload)) + payload
    (directory / "00000001.hgj").write_bytes(data + bytes(64))
    (tmp_path / "bill").write_text("".join(json.dumps(entry) + "\n" for entry in bill))
    limit = f"--limit={WINDOW}=0.0000002"
    status = main([str(tmp_path), str(tmp_path / "bill"), limit])
    return status, capsys.readouterr().out


def adjustment(amount: int, name: str = "c1", **more: Any) -> Record:
    """Return a correction of the first attempt; None takes a field away."""
    found = {"k": "adjustment", "id": name, "at_ns": 3, "amount_nanos": amount, "attempt": "a.1"}
    found |= {"windows": [WINDOW], "reason": "reconciled", "source": "s", "by": "b", **more}
    return {key: value for key, value in found.items() if value is not None}


GOOD = {
    "a call as billed": ([hold(), settle(), SEALED], [charge()]),
    "half a nano of rounding": ([hold(), settle(), SEALED], [charge(nanos="50.5")]),
    "an estimate above its bill": ([hold(), takeover(), SEALED], [charge("x", "99")]),
    "an estimate that was never billed": ([hold(), takeover(), SEALED], []),
    "an estimate of the call that was billed": (
        [hold() | {"request_id": "c1"}, takeover(), SEALED],
        [charge("x", "99", called="c1")],
    ),
    "an extended hold": ([hold(), extend(), settle(amount=140), SEALED], [charge(nanos="140")]),
    "an extended hold that is taken over": ([hold(), extend(), takeover(amount=140), SEALED], []),
    "a void": ([hold(), {"k": "void", "attempt": "a.1", "at_ns": 2}, SEALED], []),
    "overage": ([hold(), settle(amount=300), SEALED], [charge(nanos="300")]),
    "money that a correction freed": (
        [hold(), takeover(), adjustment(-90), hold("b", 190), settle("b"), SEALED],
        [charge("b")],
    ),
    "a correction above the limit": ([hold(), settle(), adjustment(200), SEALED], [charge()]),
    "one correction, told twice": (
        [hold(), takeover(), adjustment(-90), adjustment(-90), SEALED],
        [],
    ),
    "a correction of a window": (
        [hold(), settle(), adjustment(-2, attempt=None), SEALED],
        [charge()],
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Histories that keep every promise are accepted."""
    status, told = verdict(tmp_path, capsys, *GOOD[name])
    assert status == 0, told


BAD = {
    "ends twice": ([hold(), settle(), settle(), SEALED], [charge()]),
    "was never held": ([settle(), SEALED], [charge()]),
    "held twice": ([hold(), hold(), settle(), SEALED], [charge()]),
    "that was not named": ([hold() | {"caller": 2}, settle(), SEALED], [charge()]),
    "has no end": ([hold(), SEALED], []),
    "is not sealed": ([hold(), settle()], [charge()]),
    "is above 200": (
        [hold("a", 150), hold("b", 60), settle("a", 50), settle("b", 50), SEALED],
        [charge("a"), charge("b")],
    ),
    "when b.1 was held": (
        [hold(), settle(amount=300), hold("b", 1), settle("b", 0), SEALED],
        [charge(nanos="300")],
    ),
    "extended by 40, or not held": ([hold(), settle(), extend(), SEALED], [charge()]),
    "extended by 0": ([hold(), extend(amount=0), settle(), SEALED], [charge()]),
    "when a.1 was extended": ([hold(), extend(amount=101), settle(), SEALED], [charge()]),
    "is billed 51.0": ([hold(), settle(), SEALED], [charge(nanos="51")]),
    "not on the bill": ([hold(), settle(), SEALED], []),
    "no attempt has them": ([hold(), settle(), SEALED], [charge(), charge("lost")]),
    "above its hold": ([hold(), takeover(amount=101), SEALED], []),
    "101.0 nanos were billed": ([hold(), takeover(), SEALED], [charge("x", "101")]),
    "c2 is billed 50.0": (
        [hold() | {"request_id": "c1"}, takeover(), SEALED],
        [charge("x", called="c2")],
    ),
    "c3 is billed 50.0, estimated are []": (
        [hold() | {"request_id": "c3"}, takeover(), SEALED],
        [charge("x", called="c3"), charge("y", called="c3")],
    ),
    "c4 is billed 101.0, estimated are [100]": (
        [hold() | {"request_id": "c4"}, takeover(), SEALED],
        [charge("x", "101", called="c4")],
    ),
    "in flight when its worker died": ([hold(), settle(by="takeover"), SEALED], [charge()]),
    "not the sum of its lines": ([hold(), settle(lines=[line(8, 40)]), SEALED], [charge()]),
    "not its quantity": ([hold(), settle(lines=[line(9, 50)]), SEALED], [charge()]),
    "corrected below nothing": ([hold(), takeover(), adjustment(-101), SEALED], []),
    "corrects by nothing": ([hold(), takeover(), adjustment(0), SEALED], []),
    "which has not ended": ([hold(), takeover(), adjustment(-9, attempt="x.1"), SEALED], []),
    "moves other windows": ([hold(), takeover(), adjustment(-9, windows=["x@once"]), SEALED], []),
    "when c.1 was held": (
        [hold(), takeover(), adjustment(-10), hold("b", 100), takeover("b"), hold("c", 20)],
        [],
    ),
    "names a request twice": ([hold(), settle(), SEALED], [charge(), charge()]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Each broken promise is a problem with words of its own, and the status is 1."""
    status, told = verdict(tmp_path, capsys, *BAD[name])
    assert (status, name in told) == (1, True), told


def test_records_behind_the_end_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A journal goes on after it has ended for good: status 2."""
    status, told = verdict(tmp_path, capsys, [SEALED, hold()], [])
    assert (status, "follows the end" in told) == (2, True)


def test_the_checker_knows_nothing_of_headgate() -> None:
    """The checker imports nothing of the project, so it cannot share its mistakes."""
    own = {"checker.py", "checker_bill.py", "checker_report.py", "journal_files.py"}
    ours = {f"tests.torture.{name.removesuffix('.py')}" for name in own}
    for name in own:
        tree = ast.parse((Path(__file__).parent / name).read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module not in ours:
                assert node.module is not None
                assert node.module.partition(".")[0] in sys.stdlib_module_names
            if isinstance(node, ast.Import):
                assert {alias.name for alias in node.names} <= sys.stdlib_module_names
