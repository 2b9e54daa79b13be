"""`headgate claims`: check what published articles say about the economics of models."""

from collections.abc import Mapping
from typing import Any

import typer

from headgate.cli.desk import (
    AsJson,
    Html,
    InputsFile,
    Png,
    checked,
    document,
    show,
    write_page,
    write_picture,
)
from headgate.cli.output import print_json
from headgate.economics.claims.check import check
from headgate.economics.claims.load import load_claims
from headgate.economics.claims.views import claims_report, claims_view
from headgate.economics.inputs import InputError
from headgate.economics.load import changes_of

app = typer.Typer()


@app.command()
def claims(
    inputs: InputsFile = None, html: Html = None, png: Png = None, as_json: AsJson = False
) -> None:
    """Compute each statement from its inputs and say whether it agrees, to the digit.

    A file of inputs holds `name = "value"` for all claims, and may hold tables named after a
    claim, such as `[C50]`, for that claim alone.
    """
    known = load_claims()
    with checked():
        everywhere, of_claim = _split(document(inputs), {one.id for one in known.claims})
        used = known.inputs.changed_by(everywhere)
        results = check(known.claims, used, of_claim)
    changed = (f"{name}:{sorted(texts.items())}" for name, texts in sorted(of_claim.items()))
    view = claims_view(results, known.articles, used.sha256(*changed))
    report = claims_report(view, used)
    if as_json:
        write_page(report, html)
        write_picture(report, png)
        print_json(view)
    else:
        show(report, html, png=png, as_json=False)


def _split(
    changes: Mapping[str, Any], ids: set[str]
) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return what is changed for all claims, and what for one alone.

    Raises:
        InputError: A table is not named after a claim, or a value is none.
    """
    tables = {name: value for name, value in changes.items() if isinstance(value, dict)}
    for name in tables.keys() - ids:
        raise InputError(f"There is no claim {name!r}.", "Name a claim, such as C50.")
    plain = {name: value for name, value in changes.items() if name not in tables}
    return changes_of(plain), {name: changes_of(value) for name, value in tables.items()}
