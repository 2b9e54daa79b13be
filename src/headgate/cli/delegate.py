"""`headgate delegate`: mint a narrower credential offline, read one, or revoke one."""

import os
import sys
import time
from datetime import datetime
from typing import Annotated

import typer

from headgate.cli.changing import change
from headgate.cli.delegate_text import chain_view, show_chain
from headgate.cli.lives import life_ns
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, fail, hand_on, print_json, say
from headgate.identity.delegation import (
    CAN_DELEGATE,
    ID_CHARS,
    MISSING,
    PREFIX,
    SECRET_CHARS_MIN,
    TOKEN_BYTES_MAX,
    Read,
    append,
    mint,
    read,
)
from headgate.identity.grant import Asked, Grant, narrow
from headgate.insights.contract_control import DelegateView
from headgate.node.messages import RevokeDelegation
from headgate.units.errors import Refusal
from headgate.units.instants import from_datetime
from headgate.units.money import MoneyError, parse_usd

MADE_SECRET_CHARS = 43
"""The secret of a key made by `headgate keys create`: 256 bits in base64."""

KEY_VARIABLE = "HEADGATE_KEY"

app = typer.Typer(no_args_is_help=True, help="Mint, read and revoke delegations.")

Token = Annotated[str, typer.Argument(metavar="TOKEN", help="A token, or - for standard input.")]


@app.command("create")
def create(  # noqa: PLR0913 - one for each thing a delegation can say
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="What the child is called.")],
    models: Annotated[
        str | None, typer.Option(help="Aliases and deployments it may ask for, with commas.")
    ] = None,
    money: Annotated[str | None, typer.Option(help="An allotment of its own, in dollars.")] = None,
    life: Annotated[
        str | None, typer.Option("--for", help="How long it lasts: 90s, 30m, 8h or 7d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="When it ends instead: 2026-12-31T18:00:00Z.")
    ] = None,
    tools: Annotated[
        str | None, typer.Option(help='Tools it may offer, with commas; "" for none.')
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=0, max=8, help="How many generations may stand below it.")
    ] = None,
    parent: Annotated[
        str, typer.Option(help=f"Whose child it is: - reads standard input, else {KEY_VARIABLE}.")
    ] = "",
    key_id: Annotated[
        str | None, typer.Option("--key", help="Id of the parent key, if it does not show it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Mint a child of a key or of a token and print its token. Nobody is asked for it."""
    _require_package()
    asked = Asked(
        agent,
        models=_set_of(models),
        tools=_set_of(tools),
        until_ns=_until_ns(life, until),
        money_nanos=None if money is None else _nanos(money),
        depth=depth,
    )
    if parent not in ("", "-"):
        fail("A key on a command line can be seen by others.", "Write it to --parent - instead.")
    secret = sys.stdin.read().strip() if parent else os.environ.get(KEY_VARIABLE, "")
    if not secret:
        fail("There is no parent.", f"Set {KEY_VARIABLE}, or write the key to --parent -")
    try:
        token = _child(secret, key_id, asked)
    except ValueError as error:
        fail(f"No child can be minted: {error}.", "See: headgate delegate create --help")
    if len(token) > TOKEN_BYTES_MAX:
        fail("The token would be longer than a gateway takes.", "Name fewer models or tools.")
    if as_json:
        made = read(token)
        assert made is not None
        print_json(DelegateView(token=token, chain=chain_view(made)))
    else:
        hand_on(token)


@app.command()
def show(token: Token, as_json: AsJson = False) -> None:
    """Tell what a token says, generation by generation; whether it is valid a gateway knows."""
    found = _read(token)
    if as_json:
        print_json(chain_view(found))
    else:
        show_chain(found)


@app.command()
def revoke(
    delegation: Annotated[
        str, typer.Argument(metavar="ID|TOKEN", help="A delegation's id, a token, or - for one.")
    ],
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Revoke a delegation and all below it; what is left of its money flows back."""
    known = delegation.lower()
    if len(known) != ID_CHARS or set(known) - set("0123456789abcdef"):
        known = _read(delegation).ids[-1]
    change(data_dir, RevokeDelegation(known), "Nothing is left to do.")
    say(f"Revoked {known} and all below it.")


def _child(secret: str, key_id: str | None, asked: Asked) -> str:
    if secret.startswith(PREFIX.decode()):
        token = append(secret, asked)
        _require_narrow(token)
        return token
    if len(secret) < SECRET_CHARS_MIN:
        fail(
            f"A key of fewer than {SECRET_CHARS_MIN} characters cannot delegate.",
            "Make one: headgate keys create ID",
        )
    named = key_id or _id_in(secret)
    if named is None:
        fail("This key does not show its id.", "Say it: --key ID, as `headgate keys list` has it.")
    token = mint(secret, named, asked)
    _require_narrow(token)
    return token


def _id_in(secret: str) -> str | None:
    """Return the id within `hg_<id>_<secret>`; an own secret of any other form shows none."""
    if not secret.startswith("hg_"):
        return None
    if secret[-MADE_SECRET_CHARS - 1 :].startswith("_"):
        return secret[3 : -MADE_SECRET_CHARS - 1] or None
    return secret[3:].rpartition("_")[0] or None


def _require_narrow(token: str) -> None:
    """End with a fix when a gateway would refuse a token, as far as can be told from itself."""
    made = read(token)
    if made is None:
        fail("This token says what is not understood.", "See docs/reference/delegation.md.")
    grant: Grant | Refusal = Grant()
    for block in made.blocks:
        assert isinstance(grant, Grant)
        grant = narrow(grant, block.asked)
        if isinstance(grant, Refusal):
            fail(grant.message, "Ask for less; its parent is what: headgate delegate show", EXIT_NO)


def _require_package() -> None:
    if not CAN_DELEGATE:
        fail("Delegating needs a package more.", MISSING.partition(": ")[2])


def _read(token: str) -> Read:
    _require_package()
    found = read(sys.stdin.read().strip() if len(token) == 1 else token)
    if found is None:
        fail("This is no delegation token, or it was altered.", "Copy it whole.", EXIT_NO)
    return found


def _set_of(names: str | None) -> frozenset[str] | None:
    if names is None:
        return None
    return frozenset(name.strip() for name in names.split(",") if name.strip())


def _nanos(money: str) -> int:
    try:
        return parse_usd(money)
    except MoneyError as error:
        fail(str(error), 'Write dollars: --money "2.50".')


def _until_ns(life: str | None, until: str | None) -> int | None:
    if until is None:
        return None if life is None else time.time_ns() + life_ns(life)
    if life is not None:
        fail("--for and --until say the same.", "Use one of them.")
    try:
        return from_datetime(datetime.fromisoformat(until))
    except ValueError:
        fail(f"{until!r} is no instant.", "Write it like 2026-12-31T18:00:00Z.")
