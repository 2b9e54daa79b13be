"""`headgate tokens`: count the tokens of a text or a request, before it is sent."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from headgate.catalog.facts import ModelFacts
from headgate.catalog.load import load_models
from headgate.cli.options import AsJson
from headgate.cli.output import EXIT_NO, complain, fail, print_json, print_table, say, table
from headgate.counting.count import Count, bounded, counted
from headgate.counting.load_tokenizer import TOKENIZERS, TokenizerMissingError, load_tokenizer
from headgate.counting.prompt import Prompt, UncountableError, read
from headgate.counting.tally import tally
from headgate.dialects.likely import likely_dialect
from headgate.dialects.translation.registry import translators
from headgate.insights.contract_tokens import TokensView
from headgate.units.errors import Refusal

app = typer.Typer()

TEXT = "text"


@app.command()
def tokens(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A text or a request; - for stdin.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="[SELLER/]MODEL", help="Whose tokens they are."),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help=f"Count by this one: {' or '.join(TOKENIZERS)}.")
    ] = None,
    read_as: Annotated[
        str | None,
        typer.Option("--as", help="text, or a request's dialect; default: what it looks like."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count the tokens of a text, or of the prompt of a request.

    Where the model's tokenizer is public, its texts are counted exactly; else they are bounded by
    their bytes. What a provider puts around the messages of a request is known by a recipe and
    by bounds. Nothing is sent anywhere.
    """
    facts = None if model is None else _facts(model)
    name = tokenizer or (None if facts is None else facts.tokenizer)
    if name is not None and name not in TOKENIZERS:
        fail(f"There is no tokenizer {name!r}.", f"There are {' and '.join(TOKENIZERS)}.")
    prompt, dialect = _read(_bytes(file), read_as)
    found = _count(prompt, name, is_text=dialect == TEXT)
    view = TokensView(
        tokens=found.tokens,
        text_tokens=found.text_tokens,
        around_tokens=found.tokens - found.text_tokens,
        how="bounded" if found.tokenizer is None else "counted",
        tokenizer=found.tokenizer,
        model=None if facts is None else f"{facts.seller}/{facts.name}",
        read_as=dialect,
    )
    if as_json:
        print_json(view)
    else:
        _show(view)


def _facts(model: str) -> ModelFacts:
    """Return what the catalog knows of a model; ends the command where it knows nothing."""
    models = load_models()
    seller, slash, name = model.partition("/")
    sellers = [seller] if slash else sorted({each.seller for each in models.models})
    found = (models.facts(each, name if slash else model) for each in sellers)
    facts = next((each for each in found if each is not None), None)
    if facts is None:
        near = models.near(model)
        hint = f"Did you mean {' or '.join(near)}? Or say" if near else "Say"
        fail(f"The catalog knows no model {model!r}.", f"{hint} which one by --tokenizer.")
    return facts


def _bytes(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}.", "Name a file, or - for stdin.")


def _read(data: bytes, read_as: str | None) -> tuple[Prompt, str]:
    """Return what is counted of a file, and as what it was read."""
    known, dialect = translators(), read_as or likely_dialect(data) or TEXT
    if dialect == TEXT:
        return Prompt((_text(data),)), TEXT
    if dialect not in known:
        fail(f"Nothing is read as {dialect!r}.", f"Say text, {', '.join(sorted(known))}.")
    try:
        prompt = read(data, known[dialect])
    except UncountableError as error:
        fail(f"It carries {error}, which nobody can count here.", "Leave it out.", EXIT_NO)
    if isinstance(prompt, Refusal):
        _unreadable(dialect, prompt)
    return prompt, dialect


def _unreadable(dialect: str, refusal: Refusal) -> NoReturn:
    fail(f"It is no request of {dialect}: {refusal.message}", "Mend it, or say --as text.", EXIT_NO)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        fail(f"Byte {error.start} is not UTF-8.", "Give a text in UTF-8.", EXIT_NO)


def _count(prompt: Prompt, name: str | None, *, is_text: bool) -> Count:
    """Count by a tokenizer where there is one, else bound by bytes; says what is missing."""
    if name is not None:
        try:
            text_tokens = tally(prompt.texts, load_tokenizer(name))
        except TokenizerMissingError as error:
            complain(str(error), error.fix or "")
            text_tokens = None
        if text_tokens is not None:
            return counted(prompt, name, text_tokens)
    return bounded(prompt, 0) if is_text else bounded(prompt)


def _show(view: TokensView) -> None:
    shown = table("", ">tokens", "")
    exact = view.tokenizer is not None
    shown.add_row("texts", str(view.text_tokens), "exact" if exact else "at most: their bytes")
    if view.read_as != TEXT:
        shown.add_row("around them", str(view.around_tokens), "by recipe and bounds")
        shown.add_row("together", str(view.tokens), "")
    print_table(shown)
    how = "bounded by bytes" if view.tokenizer is None else f"counted by {view.tokenizer}"
    say(f"Read as {view.read_as}; {how}.")
