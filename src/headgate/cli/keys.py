"""`headgate keys`: make, list and revoke keys."""

import time
from datetime import datetime, tzinfo
from typing import Annotated

import typer

from headgate.cli.changing import change
from headgate.cli.completing import names_of
from headgate.cli.lives import LIFE_MAX_NS, life_ns
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, fail, hand_on, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.config.problems import SHOWN_MAX, near
from headgate.config.snapshot import Snapshot
from headgate.identity.delegation import public_root
from headgate.identity.keys import digest, load_pepper, make_key
from headgate.identity.registry import KeptKey, kept_keys
from headgate.identity.settings import ANY_MODEL, Key
from headgate.insights.contract import KeyView, MadeKeyView
from headgate.insights.keys import LastUses, key_views, read_last_uses
from headgate.insights.views import iso_or_none
from headgate.node.messages import CreateKey, RevokeKey
from headgate.store.place import has_store
from headgate.store.private import make_private
from headgate.units.ids import is_name
from headgate.units.instants import earliest, from_datetime

app = typer.Typer(no_args_is_help=True, help="Make, list and revoke keys.")

KeyId = Annotated[
    str, typer.Argument(metavar="ID", help="Name of the key.", autocompletion=names_of("keys"))
]


@app.command()
def create(  # noqa: PLR0913 - one for each option
    key_id: KeyId,
    principal: Annotated[
        str | None,
        typer.Option(
            help="Whose it is; left out for a key of the configuration.",
            autocompletion=names_of("principals"),
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may ask for; may be repeated. Default: all.",
            autocompletion=names_of("routes", "deployments"),
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(help="When it ends: a date, or a date-time; in the organisation's time zone."),
    ] = None,
    life: Annotated[
        str | None, typer.Option("--for", help="How long it lasts instead: 90s, 30m, 8h or 30d.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once: it is not kept, only a keyed hash of it."""
    snapshot = read_configuration(config)
    wanted = _wanted(snapshot, key_id, principal, model)
    until_ns = _until_ns(until, life, snapshot.zone)
    secret = made_secret(wanted, data_dir, until_ns)
    ends_at = iso_or_none(earliest(wanted.until_ns, until_ns))
    if as_json:
        made = MadeKeyView(
            id=key_id,
            principal=wanted.principal,
            models=list(wanted.models),
            key=secret,
            ends_at=ends_at,
        )
        print_json(made)
    else:
        hand_on(secret)
        say("Keep it now: it is not shown again.", err=True)
        if ends_at is not None:
            say(f"It ends at {ends_at}.", err=True)


def _until_ns(until: str | None, life: str | None, zone: tzinfo) -> int | None:
    """Return when a key is to end, None for never; ends the command when that is over."""
    if until is None:
        return None if life is None else time.time_ns() + life_ns(life)
    if life is not None:
        fail("--for and --until say the same.", "Use one of them.")
    until_ns = instant(until, zone)
    life_left_ns = until_ns - time.time_ns()
    if life_left_ns <= 0:
        fail(f"A key until {until} has ended already.", "Name a later day.")
    if life_left_ns > LIFE_MAX_NS:
        fail(f"{until} is too far.", "Leave it out for a key that never ends.")
    return until_ns


def made_secret(wanted: Key, data_dir: DataDir, until_ns: int | None = None) -> str:
    """Make a key and return its secret; ends the command when there was one of its id.

    Args:
        wanted: What it is for. The end that its configuration has is obeyed as it stands there.
        data_dir: Where it is kept.
        until_ns: When it ends at the latest, None for what the configuration says.
    """
    make_private(data_dir)
    secret = make_key(wanted.id)
    hashed = digest(load_pepper(data_dir), secret.encode()).hex()
    root = public_root(secret)
    message = CreateKey(
        key=wanted.id,
        principal=wanted.principal,
        models=wanted.models,
        digest=hashed,
        root=None if root is None else root.hex(),
        until_ns=until_ns,
    )
    fix = (
        f"Lost its secret? Revoke it (headgate keys revoke {wanted.id}) and make another: "
        f"headgate keys create {wanted.id}-2 --principal {wanted.principal}"
    )
    change(data_dir, message, fix)
    return secret


@app.command("list")
def list_keys(
    config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT, as_json: AsJson = False
) -> None:
    """List the keys of the configuration and those made here, revoked ones too."""
    views = _views(read_configuration(config), data_dir)
    if as_json:
        print_json(views)
        return
    shown = table("key", "principal", "models", "source", "made", "revoked", "ends", "last used")
    now_ns = time.time_ns()
    for view in views:
        models = ", ".join(view.models)
        made, revoked = view.created_at or "", view.revoked_at or ""
        used = view.last_used_at or ""
        ends = _ends_text(view.ends_at, now_ns)
        shown.add_row(view.id, view.principal, models, view.source, made, revoked, ends, used)
    print_table(shown)


def _ends_text(ends_at: str | None, now_ns: int) -> str:
    if ends_at is None:
        return ""
    over = from_datetime(datetime.fromisoformat(ends_at)) <= now_ns
    return f"ended {ends_at}" if over else ends_at


@app.command()
def revoke(
    key_id: KeyId, config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT
) -> None:
    """Revoke a key made here: from now on it opens nothing."""
    kept = {key.id: key for key in _kept(data_dir)}
    valid = [key.id for key in kept.values() if key.revoked_ns is None]
    snapshot = read_configuration(config)
    if key_id not in kept:
        if key_id in snapshot.keys:
            fail(
                f"The key {key_id!r} stands in the configuration.",
                f"Take [keys.{key_id}] out of {snapshot.file}.",
                EXIT_NO,
            )
        fail(f"There is no key {key_id!r}.", _revocable(key_id, valid), EXIT_NO)
    change(data_dir, RevokeKey(key=key_id), _revocable(key_id, valid))
    say(f"Revoked {key_id}.")


def _revocable(key_id: str, valid: list[str]) -> str:
    return near(key_id, valid, "key") if valid else "No key made here is valid: headgate keys list"


def _wanted(
    snapshot: Snapshot, key_id: str, principal: str | None, models: list[str] | None
) -> Key:
    """Return the key to be made, checked against the configuration."""
    if not is_name(key_id):
        fail(f"{key_id!r} cannot name a key.", "Use letters, digits, dots, dashes, underscores.")
    configured = snapshot.keys.get(key_id)
    if configured is not None:
        if configured.secret is not None:
            fail(
                f"The key {key_id!r} has its secret in the configuration.",
                "Use that, or take it out.",
            )
        if principal is not None or models:
            fail(f"[keys.{key_id}] says whose it is and for what.", "Leave the options out.")
        return configured
    if principal is None:
        fail(
            f"The configuration has no key {key_id!r}, so say whose it is.",
            f"headgate keys create {key_id} --principal {_principals(snapshot)}",
        )
    if principal not in snapshot.principals:
        known = near(principal, snapshot.principals, "principal")
        fail(f"There is no principal {principal!r}.", known)
    asked = (*snapshot.routes, *snapshot.deployments)
    for model in models or ():
        if model != ANY_MODEL and model not in asked:
            fail(f"There is no model {model!r}.", near(model, asked, "alias or deployment"))
    return Key(key_id, principal, tuple(models or (ANY_MODEL,)))


def _principals(snapshot: Snapshot) -> str:
    """Return what may stand for a principal: the only one there is, or some to choose from."""
    known = list(snapshot.principals)
    return known[0] if len(known) == 1 else f"ID (one of {', '.join(known[:SHOWN_MAX])})"


def _kept(data_dir: DataDir) -> list[KeptKey]:
    if not has_store(data_dir):
        return []
    with reading(data_dir) as connection:
        return kept_keys(connection)


def _views(snapshot: Snapshot, data_dir: DataDir) -> list[KeyView]:
    if not has_store(data_dir):
        return key_views(snapshot.keys, (), LastUses({}, None))
    with reading(data_dir) as connection:
        return key_views(snapshot.keys, kept_keys(connection), read_last_uses(connection))
