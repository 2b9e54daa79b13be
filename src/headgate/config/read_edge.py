"""`[listen] gateway`, `[tls]`, `[limits]`: where clients come in, and within which bounds."""

from pathlib import Path
from typing import Any

import msgspec

from headgate.config.check import checked
from headgate.config.problems import Problems
from headgate.config.read_network import address_from, listen_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes_edge import LimitsShape, TlsShape
from headgate.gateway.listener.tls import TlsError, server_context
from headgate.gateway.settings import Edge, Tls


def edge_from(
    document: dict[str, Any], secrets: SecretReader, base: Path, problems: Problems
) -> Edge:
    """Return where the data plane listens and its bounds; paths start at `base`."""
    listen = listen_from(document, problems)
    limits = checked(document.get("limits", {}), "limits", LimitsShape, problems)
    address = address_from(listen.gateway, "listen.gateway", problems)
    return Edge(
        host=address.host,
        port=address.port,
        tls=_tls(document, secrets, base, problems),
        **msgspec.structs.asdict(limits),
    )


def _tls(
    document: dict[str, Any], secrets: SecretReader, base: Path, problems: Problems
) -> Tls | None:
    if "tls" not in document:
        return None
    before = len(problems.found)
    shape = checked(document["tls"], "tls", TlsShape, problems)
    ca = None if shape.client_ca is None else str(base / shape.client_ca)
    tls = Tls(str(base / shape.certificate), str(base / shape.key), ca)
    # Who shows no certificate need not be able to read its key.
    if secrets.reads("tls") and len(problems.found) == before:
        try:
            server_context(tls)
        except TlsError as error:
            fix = "Name PEM files: a certificate with its chain, its key without a password."
            problems.add("tls", str(error), fix)
    return tls
