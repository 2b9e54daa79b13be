"""A YAML file as plain data, within bounds: nothing of it is run, and no number becomes binary.

The parser composes a tree of nodes with their texts; what becomes of those is decided here, so that
no constructor of the parser runs, an amount keeps its digits, and what refers to a part of the file
many times is counted as often as it is read. Texts mean what they mean in YAML 1.1, as whoever
wrote the file had them read: https://yaml.org/spec/1.1/.
"""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import yaml

from headgate.units.errors import HeadgateError

BYTES_MAX: Final = 1 << 20
NODES_MAX: Final = 100_000
DEPTH_MAX: Final = 32

_TAG: Final = "tag:yaml.org,2002:"
_TRUE: Final = frozenset({"yes", "true", "on", "y"})
_MERGE: Final = f"{_TAG}merge"

Plain = None | bool | int | Decimal | str | list[Any] | dict[str, Any]


class FileError(HeadgateError):
    """A file cannot be read as YAML; carries what to do."""


def load_yaml(path: Path) -> Plain:
    """Return what a file says: mappings by text, lists, texts, whole numbers, decimals.

    Raises:
        FileError: It is too large, no YAML, nests too deeply, refers to itself, or asks for objects
            to be made.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(BYTES_MAX + 1)
    if len(data) > BYTES_MAX:
        raise FileError(f"{path} is longer than {BYTES_MAX:,} bytes.", fix="Leave comments out.")
    try:
        loader = yaml.SafeLoader(data.decode())
        node = loader.get_single_node()
        return None if node is None else _Reader(loader).read(node, 0)
    except UnicodeDecodeError as error:
        fix = "Save the file as UTF-8."
        raise FileError(f"{path}: byte {error.start} is not UTF-8.", fix=fix) from error
    except yaml.YAMLError as error:
        raise FileError(f"{path} is no YAML: {_said(error)}.", fix="Correct it there.") from error
    except RecursionError as error:
        raise FileError(f"{path} nests too deeply.", fix="Write it flatter.") from error
    except _UnreadableError as error:
        fix = "Write plain values: mappings, lists, texts and numbers."
        raise FileError(f"{path}, line {error.line}: {error}.", fix=fix) from error


class _UnreadableError(ValueError):
    def __init__(self, what: str, node: Any) -> None:
        super().__init__(what)
        self.line = node.start_mark.line + 1


def _said(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "it cannot be read"
    return problem if mark is None else f"line {mark.line + 1}, {problem}"


class _Reader:
    """Makes plain data of nodes, and counts them."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        self._left = NODES_MAX

    def read(self, node: Any, depth: int) -> Plain:
        self._left -= 1
        if self._left < 0:
            raise _UnreadableError(f"it comes to more than {NODES_MAX:,} values", node)
        if depth > DEPTH_MAX:
            raise _UnreadableError("it nests too deeply, or refers to itself", node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self.read(each, depth + 1) for each in node.value]
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        raise _UnreadableError(f"it asks for {node.tag[:64]!r} to be made", node)

    def _mapping(self, node: Any, depth: int) -> dict[str, Any]:
        if node.tag != f"{_TAG}map":
            raise _UnreadableError(f"it asks for {node.tag[:64]!r} to be made", node)
        merged: dict[str, Any] = {}
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _UnreadableError("a key is no text", key)
            if key.tag == _MERGE:
                merged = {**self._merged(value, depth + 1), **merged}
            else:
                found[str(key.value)] = self.read(value, depth + 1)
        return {**merged, **found}

    def _merged(self, node: Any, depth: int) -> dict[str, Any]:
        """Return the members of one mapping, or of several, the first of which counts most."""
        read = self.read(node, depth)
        found: dict[str, Any] = {}
        for each in read if isinstance(read, list) else [read]:
            if not isinstance(each, dict):
                raise _UnreadableError("what is merged in is no mapping", node)
            found = {**each, **found}
        return found

    def _scalar(self, node: Any) -> Plain:
        text = str(node.value)
        match node.tag.removeprefix(_TAG):
            case "null":
                return None
            case "bool":
                return text.lower() in _TRUE
            case "int":
                return self._whole(node)
            case "float":
                return _decimal(text)
            case "str" | "timestamp" | "value" if text.isascii() or _is_whole(text):
                return text
        raise _UnreadableError("a value in it is no text, and nothing else that is read", node)

    def _whole(self, node: Any) -> int:
        try:
            return int(self._loader.construct_yaml_int(node))
        except ValueError as error:
            raise _UnreadableError("a number in it is none, or too large", node) from error


def _is_whole(text: str) -> bool:
    """Tell whether a text has no halves of characters, which an escape can make."""
    return not any("\ud800" <= one <= "\udfff" for one in text)


def _decimal(text: str) -> Decimal | str:
    """Return a decimal with all its digits; the text where it is none that is finite."""
    try:
        found = Decimal(text.replace("_", ""))
    except InvalidOperation:
        return text
    return found if found.is_finite() else text
