"""`headgate audit`: who changed what, and whether that record is whole."""

from typing import Annotated

import msgspec
import typer

from headgate.cli.options import DATA_DIR_DEFAULT, AsJson, DataDir
from headgate.cli.output import EXIT_NO, fail, print_json, print_table, say, table
from headgate.cli.reading import reading_if_any
from headgate.insights.contract_control import AuditEntryView, AuditVerdictView
from headgate.store import audit
from headgate.store.audit import Entry, Verdict
from headgate.units.instants import to_iso

app = typer.Typer(no_args_is_help=True, help="Who changed what, and whether that record is whole.")


@app.command()
def show(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many, at most.")] = 50,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the newest entries of the audit chain."""
    with reading_if_any(data_dir) as connection:
        found = audit.newest(connection, limit)
    if as_json:
        print_json([_view(entry) for entry in found])
        return
    shown = table(">seq", "at", "who", "did", "to", "detail")
    for entry in found:
        said = ", ".join(f"{name}: {value}" for name, value in _detail(entry).items() if value)
        row = (str(entry.seq), to_iso(entry.at_ns), entry.actor, entry.action, entry.subject, said)
        shown.add_row(*row)
    print_table(shown)


@app.command()
def verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQ:HASH", help="A head noted earlier, which has to be there still."),
    ] = None,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Recompute the hash of every entry; exit code 1 when one does not fit.

    Note the head that is printed somewhere else: with `--head` it shows, later, that nothing was
    cut off or written anew since.
    """
    noted = None if head is None else _parsed(head)
    with reading_if_any(data_dir) as connection:
        verdict = audit.verify(connection)
        found = None if noted is None else audit.hash_at(connection, noted[0]) == noted[1]
    whole = verdict.broken_at is None and found is not False
    if as_json:
        view = AuditVerdictView(whole=whole, head_found=found, **verdict._asdict())
        print_json(view)
    else:
        _tell(verdict, head_found=found)
    if not whole:
        raise typer.Exit(EXIT_NO)


def _tell(verdict: Verdict, *, head_found: bool | None) -> None:
    if verdict.broken_at is not None:
        message = f"Entry {verdict.broken_at} does not fit: it, or one before, was altered."
        say(f"{message} The {verdict.entries} before it are whole.")
    else:
        say(f"Whole: {verdict.entries} entries. Head: {verdict.entries}:{verdict.head}")
    if head_found is False:
        say("The head that was noted is not in the chain: it was cut off or written anew.")


def _parsed(head: str) -> tuple[int, str]:
    seq, _, noted = head.partition(":")
    if not seq.isdecimal() or len(noted) != len(audit.GENESIS):
        fail(f"{head!r} is no head.", "Give it as `headgate audit verify` printed it: SEQ:HASH.")
    return int(seq), noted


def _detail(entry: Entry) -> dict[str, str | int | None]:
    return msgspec.json.decode(entry.detail, type=dict[str, str | int | None])


def _view(entry: Entry) -> AuditEntryView:
    return AuditEntryView(
        seq=entry.seq,
        at=to_iso(entry.at_ns),
        actor=entry.actor,
        action=entry.action,
        subject=entry.subject,
        detail=_detail(entry),
        hash=entry.hash,
    )
