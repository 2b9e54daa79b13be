"""The checks of `headgate doctor`; each touches one thing of the world and says how it is."""

import http.client
import os
import re
import socket
import ssl
from contextlib import closing
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sqlalchemy import func, select

from headgate.cli.frozen import frozen_text, read_frozen
from headgate.cli.reading import reading
from headgate.dial.tls import TrustError
from headgate.gateway.listener.own import line, place_of
from headgate.gateway.settings import Edge, Tls
from headgate.insights.contract import CheckView
from headgate.ledger.tables import attempt
from headgate.node.paths import socket_path
from headgate.providers.settings import Provider
from headgate.store.place import has_store
from headgate.units.errors import StoreError
from headgate.units.instants import NANOS_PER_SECOND, to_iso

TIMEOUT_S = 3.0
CERTIFICATE_WARN_NS = 14 * 86_400 * NANOS_PER_SECOND
"""How long before its end a certificate is warned of."""
OTHERS = 0o077
_SECRET_INSIDE = re.compile(r"^[^#\n]*\bvalue\s*=", re.MULTILINE)
CLOCK_SLACK_NS = 5 * NANOS_PER_SECOND


def result(
    name: str, message: str, fix: str = "", status: Literal["ok", "warning", "error"] = "ok"
) -> CheckView:
    """Return what a check found; `fix` says what to do about it."""
    return CheckView(name=name, status=status, message=message, fix=fix)


def check_data_dir(data_dir: Path) -> CheckView:
    """Tell whether the data directory can be written, or made."""
    name = "data directory"
    if data_dir.is_dir():
        if os.access(data_dir, os.W_OK | os.X_OK):
            return result(name, f"{data_dir} can be written.")
        fix = f"Run as its owner, or: chown $USER {data_dir}"
        return result(name, f"{data_dir} cannot be written.", fix, "error")
    if data_dir.exists():
        return result(name, f"{data_dir} is no folder.", "Name another: --data-dir.", "error")
    parent = next(path for path in data_dir.absolute().parents if path.exists())
    if os.access(parent, os.W_OK | os.X_OK):
        return result(name, f"{data_dir} is not there yet and will be made.")
    return result(name, f"{parent} cannot be written.", "Name another: --data-dir.", "error")


def check_files(config: Path, data_dir: Path) -> CheckView:
    """Tell whether others on this machine can read what is secret."""
    # What lies in the data directory is closed to others as long as the directory is.
    secret = [data_dir]
    if config.is_file() and _SECRET_INSIDE.search(config.read_text("utf-8", errors="replace")):
        secret.append(config)
    open_ones = [str(path) for path in secret if path.exists() and path.stat().st_mode & OTHERS]
    if open_ones:
        names = " ".join(open_ones)
        message = f"Others on this machine can read {names}."
        return result("permissions", message, f"chmod go= {names}", "warning")
    return result("permissions", "Secrets are readable by their owner only.")


def check_steward(data_dir: Path) -> CheckView:
    """Tell whether a steward answers on this data directory."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_S)
        try:
            connection.connect(str(socket_path(data_dir)))
        except OSError:
            message = f"No steward runs on {data_dir}."
            return result("steward", message, "Start one with: headgate serve", "warning")
    return result("steward", "It takes connections.")


def check_clock(data_dir: Path, now_ns: int) -> CheckView:
    """Tell whether the clock is behind what the books have seen: months would be wrong."""
    try:
        with reading(data_dir) as connection:
            newest_ns = connection.scalar(select(func.max(attempt.c.at_ns)))
    except StoreError as error:
        if not has_store(data_dir):
            return result("store and clock", "There is no store yet.")
        return result("store and clock", str(error), "Restore the file from a backup.", "error")
    if newest_ns is not None and newest_ns > now_ns + CLOCK_SLACK_NS:
        message = f"The clock says {to_iso(now_ns)}, but the books know {to_iso(newest_ns)}."
        return result("store and clock", message, "Set the clock of this machine.", "error")
    return result("store and clock", f"The store can be read; it is {to_iso(now_ns)}.")


def check_frozen(data_dir: Path) -> list[CheckView]:
    """Tell what may not spend now, since when and why; an unreadable store is another check's."""
    try:
        frozen = read_frozen(data_dir)
    except StoreError:
        return []
    return [
        result("frozen", f"{frozen_text(one)}.", f"headgate thaw {one.node}", "warning")
        for one in frozen
    ]


def check_port(name: str, host: str, port: int, *, running: bool) -> CheckView:
    """Tell whether an address is free, or ours when the gateway runs."""
    address = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if running:
                return result(name, f"{address} is in use while the gateway runs.")
            message = f"{address} cannot be used: {error.strerror}."
            return result(name, message, "Stop what has it, or change [listen].", "error")
    if running:
        message = f"A steward runs, but nothing listens on {address}."
        return result(name, message, "Look at what headgate serve prints.", "error")
    return result(name, f"{address} is free.")


def check_gateway(edge: Edge) -> CheckView:
    """Tell whether the worker says it is ready."""
    try:
        with closing(line(place_of(edge), TIMEOUT_S)) as asking:
            asking.request("GET", "/readyz")
            status = asking.getresponse().status
    except (OSError, TrustError, http.client.HTTPException) as error:
        message = f"The worker does not answer on {edge.host}:{edge.port}: {error}."
        return result("worker", message, "Look at what headgate serve prints.", "error")
    if status == http.HTTPStatus.OK:
        return result("worker", "It is ready.")
    fix = "Wait a moment, then look at what headgate serve prints."
    return result("worker", f"It says {status} on /readyz.", fix, "error")


def check_closed(lacking: str) -> CheckView:
    """Tell that the worker cannot be asked, and which key of the configuration would change it."""
    message = f"It cannot be asked: {lacking} does not let our own programs in."
    fix = f"Set {lacking}; see [tls] and [listen] in the reference of the configuration."
    return result("worker", message, fix, "warning")


def check_certificate(edge: Edge, tls: Tls, now_ns: int) -> CheckView:
    """Tell until when the certificate is good that clients are shown."""
    try:
        with closing(line(place_of(edge), TIMEOUT_S)) as shaking:
            shaking.connect()
            assert isinstance(shaking.sock, ssl.SSLSocket)
            shown = shaking.sock.getpeercert() or {}
    except (OSError, TrustError) as error:
        fix = "Renew it; the gateway takes a changed file up by itself."
        return result("certificate", f"Clients are not shown a good one: {error}.", fix, "error")
    ends_ns = ssl.cert_time_to_seconds(str(shown["notAfter"])) * NANOS_PER_SECOND
    message = f"It is good until {to_iso(ends_ns)}."
    if ends_ns - now_ns > CERTIFICATE_WARN_NS:
        return result("certificate", message)
    fix = f"Renew {tls.certificate}; the gateway takes a changed file up by itself."
    return result("certificate", message, fix, "warning")


def check_provider(provider: Provider) -> CheckView:
    """Tell whether a provider's host, or the proxy before it, takes connections.

    No credential is sent.
    """
    name, fix = f"provider {provider.id}", "Look at base_url, the network and its firewall."
    parts, proxy = urlsplit(provider.base_url), provider.proxy
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if proxy is not None:
        host, port, fix = proxy.host, proxy.port, "Look at proxy, the network and its firewall."
    what = f"{host}:{port}" if proxy is None else f"Its proxy {host}:{port}"
    try:
        socket.create_connection((host, port), TIMEOUT_S).close()
    except OSError as error:
        message = f"{what} cannot be reached: {error.strerror or error}."
        return result(name, message, fix, "warning")
    return result(name, f"{what} takes connections.")
