"""Expressions that SQLite and PostgreSQL write differently: ends of texts, and what JSON holds.

Keys and counts stand in the SQL itself: PostgreSQL takes two bound values that are equal for two
expressions, and so would refuse to group by one of them.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, String, literal, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

POSTGRESQL = "postgresql"


class Ending(FunctionElement[str]):
    """The last characters of a text.

    Args:
        text: A column.
        count: How many.
    """

    type = String()
    inherit_cache = True
    name = "ending"

    def __init__(self, text: ColumnElement[str], count: int) -> None:
        super().__init__(text, literal_column(str(count)))


@compiles(Ending)
def _ending(element: Ending, compiler: SQLCompiler, **kw: Any) -> str:
    text, count = (compiler.process(each, **kw) for each in element.clauses)
    return f"substr({text}, -{count})"


@compiles(Ending, POSTGRESQL)
def _ending_there(element: Ending, compiler: SQLCompiler, **kw: Any) -> str:
    return f"right({compiler.process(element.clauses, **kw)})"


class Elements(FunctionElement[str]):
    """The elements of a JSON array, as rows with a `value`: texts as they are, others as JSON."""

    type = String()
    inherit_cache = True
    name = "elements"


@compiles(Elements)
def _elements(element: Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **kw)})"


@compiles(Elements, POSTGRESQL)
def _elements_there(element: Elements, compiler: SQLCompiler, **kw: Any) -> str:
    return f"json_array_elements_text(({compiler.process(element.clauses, **kw)})::json)"


class JsonText(FunctionElement[str]):
    """A text in a JSON document; null where there is none.

    Args:
        document: The document, as text.
        where: A field's name, which is a word, or an element's index.
    """

    type = String()
    inherit_cache = True
    name = "json_text"

    def __init__(self, document: ColumnElement[str], where: str | int) -> None:
        path, key = (f"[{where}]", where) if isinstance(where, int) else (f".{where}", f"'{where}'")
        super().__init__(document, literal_column(f"'${path}'"), literal_column(str(key)))


@compiles(JsonText)
def _json_text(element: JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    document, path, _ = (compiler.process(each, **kw) for each in element.clauses)
    return f"json_extract({document}, {path})"


@compiles(JsonText, POSTGRESQL)
def _json_text_there(element: JsonText, compiler: SQLCompiler, **kw: Any) -> str:
    document, _, key = (compiler.process(each, **kw) for each in element.clauses)
    return f"(({document})::json ->> {key})"


class JsonInteger(JsonText):
    """A whole number in a JSON document; null where there is none."""

    type = BigInteger()  # type: ignore[assignment]  # of the same expression
    inherit_cache = True
    name = "json_integer"


@compiles(JsonInteger, POSTGRESQL)
def _json_integer_there(element: JsonInteger, compiler: SQLCompiler, **kw: Any) -> str:
    return f"{_json_text_there(element, compiler, **kw)}::bigint"


class Containing(FunctionElement[bool]):
    """Whether a text has another in it, whatever the case of ASCII letters.

    Args:
        text: A column.
        part: What is looked for; nothing in it has a meaning of its own.
    """

    type = Boolean()
    inherit_cache = True
    name = "containing"

    def __init__(self, text: ColumnElement[str], part: str) -> None:
        plain = part.replace("/", "//").replace("%", "/%").replace("_", "/_")
        super().__init__(text, literal(f"%{plain}%"))


@compiles(Containing)
def _containing(element: Containing, compiler: SQLCompiler, **kw: Any) -> str:
    text, pattern = (compiler.process(each, **kw) for each in element.clauses)
    return f"{text} LIKE {pattern} ESCAPE '/'"


@compiles(Containing, POSTGRESQL)
def _containing_there(element: Containing, compiler: SQLCompiler, **kw: Any) -> str:
    text, pattern = (compiler.process(each, **kw) for each in element.clauses)
    return f"{text} ILIKE {pattern} ESCAPE '/'"
