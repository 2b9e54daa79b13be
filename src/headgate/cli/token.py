"""`headgate token`: an access token for a service account, as a `credential_command` prints it."""

import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, hand_on
from headgate.providers.issuers import service_account
from headgate.providers.issuers.service_account import SCOPE_DEFAULT
from headgate.providers.issuers.settings import Ask, IssuerError, IssuerSettings

TIMEOUT_S = 20
REPLY_BYTES_MAX = 65_536

app = typer.Typer()


@app.command()
def token(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Key file (JSON) of the service account.")
    ],
    scope: Annotated[
        str, typer.Option("--scope", help="What the token may be used for.")
    ] = SCOPE_DEFAULT,
) -> None:
    """Print an access token of a service account, which its key signs for."""
    try:
        now_ns = time.time_ns()
        ask = service_account.ask(IssuerSettings("", scope=scope), file.read_bytes(), now_ns)
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", "Name the key file.", EXIT_NO)
    except IssuerError as error:
        if not service_account.CAN_SIGN:
            fail("Signing needs a package more.", "pip install 'headgate[service-account]'")
        fail(f"{file} is no key of a service account: {error}.", "Make a new key.", EXIT_NO)
    hand_on(exchanged(ask))


def exchanged(ask: Ask) -> str:
    """Return the token that the endpoint gives for a signed claim; without one the command ends."""
    # The address is http(s), and plain only on this machine: that was checked.
    request = urllib.request.Request(ask.url, data=ask.body, headers=dict(ask.headers))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:  # noqa: S310
            body = reply.read(REPLY_BYTES_MAX)
        return service_account.read(200, body, 0).credential
    except urllib.error.HTTPError as error:
        error.close()
        problem = f"{ask.url} answered {error.code}."
        fail(problem, "Is the key still valid, and the clock right?", EXIT_NO)
    except (OSError, IssuerError) as error:
        fail(f"{ask.url} gave no token: {error}", "Is it reachable from here?", EXIT_UNREACHABLE)
