"""`headgate tokens`: what it says where nothing can be counted."""

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from headgate.cli.main import app

PROMPT = {"system": "Be brief.", "messages": [{"role": "user", "content": "Hé"}], "model": "m"}


def headgate(*arguments: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, arguments)


def test_without_a_public_tokenizer_bytes_are_the_bound(tmp_path: Path) -> None:
    """And the output says so, with the reserve for what nobody has published."""
    file = tmp_path / "asked.json"
    file.write_text(json.dumps(PROMPT))

    told = json.loads(headgate("tokens", str(file), "--model", "claude-sonnet-5", "--json").output)

    assert (told["how"], told["tokenizer"], told["read_as"]) == (
        "bounded",
        None,
        "anthropic_messages",
    )
    assert (told["text_tokens"], told["around_tokens"]) == (12, 4 + 4 + 3 + 1024)


def test_a_text_has_nothing_around_it(tmp_path: Path) -> None:
    """Bytes of a text are the bound of its tokens, and all there is."""
    file = tmp_path / "text"
    file.write_text("Hé")

    told = json.loads(headgate("tokens", str(file), "--json").output)

    assert (told["tokens"], told["around_tokens"], told["read_as"]) == (3, 0, "text")


def test_what_cannot_be_counted_is_said(tmp_path: Path) -> None:
    """Each trouble names what to do."""
    (tmp_path / "bytes").write_bytes(b"\xff")
    (tmp_path / "list").write_text("[]")
    sound = {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "A"}}]}
    (tmp_path / "sound").write_text(json.dumps({"model": "m", "messages": [sound]}))
    troubles = {
        ("nothing-there",): "cannot be read",
        ("bytes",): "Byte 0 is not UTF-8",
        ("list", "--as", "openai_chat"): "It is no request of openai_chat",
        ("list", "--as", "prose"): "Nothing is read as 'prose'",
        ("list", "--model", "gpt-5.55"): "Did you mean openai/gpt-5.5",
        ("list", "--tokenizer", "p50k"): "There is no tokenizer 'p50k'",
        ("sound",): "which nobody can count here",
    }

    for (name, *rest), said in troubles.items():
        ended = headgate("tokens", str(tmp_path / name), *rest)
        assert ended.exit_code in (1, 2)
        assert said in ended.output
