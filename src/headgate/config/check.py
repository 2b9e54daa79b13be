"""Checking tables of the file against their shapes, key by key: no problem hides another."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo

from headgate.config.problems import Problems, near
from headgate.config.shape import Secret, Shape
from headgate.units.ids import is_alias, is_name

S = TypeVar("S", bound=Shape)

_NAME_FIX = "Use up to 64 letters, digits, dots, dashes, underscores; first a letter or digit."
_ALIAS_FIX = (
    "Use up to 64 letters, digits, dots, dashes, underscores, first a letter or digit; or up to"
    " five of such names with slashes between."
)


def checked(table: object, key: str, shape: type[S], problems: Problems) -> S:
    """Return a table as its shape.

    What is wrong is noted and replaced: by its default, or by an empty value, which stands for
    "noted already" in every later check (no good text is empty).
    """
    if not isinstance(table, dict):
        problems.add(key, f"This is {_kind_of(table)}.", f"Make it a table: [{key}].")
        table = {}
    fields = {field.name: field for field in msgspec.structs.fields(shape)}
    for name in table:
        if name not in fields:
            fix = near(name, fields, "key") if fields else "Take it out."
            problems.add(f"{key}.{name}", "There is no such key.", fix)
    values = {
        name: _value(table, f"{key}.{name}", field, problems) for name, field in fields.items()
    }
    return shape(**values)


def checked_by_id(
    tables: object, key: str, shape: type[S], problems: Problems
) -> Iterator[tuple[str, S]]:
    """Yield tables such as `[providers.ID]` with their ids, as `checked` returns them."""
    yield from _checked_by(is_name, _NAME_FIX, tables, (key, shape), problems)


def checked_by_alias(
    tables: object, key: str, shape: type[S], problems: Problems
) -> Iterator[tuple[str, S]]:
    """Yield tables whose names clients ask for, `[routes.ALIAS]`, as `checked` returns them."""
    yield from _checked_by(is_alias, _ALIAS_FIX, tables, (key, shape), problems)


def _checked_by(
    may_name: Callable[[str], bool],
    fix: str,
    tables: object,
    of: tuple[str, type[S]],
    problems: Problems,
) -> Iterator[tuple[str, S]]:
    key, shape = of
    if not isinstance(tables, dict):
        problems.add(key, f"This is {_kind_of(tables)}.", f"Make it tables: [{key}.ID].")
        return
    for name, table in tables.items():
        if not may_name(name):
            problems.add(f"{key}.{name}", f"{name!r} cannot be an id.", fix)
        yield name, checked(table, f"{key}.{name}", shape, problems)


def ids_of(tables: object) -> tuple[str, ...]:
    """Return the ids of tables, those of wrong ones too, so that naming them is no problem."""
    return tuple(tables) if isinstance(tables, dict) else ()


def _value(table: dict[str, Any], key: str, field: FieldInfo, problems: Problems) -> Any:
    if field.name not in table:
        if field.required:
            problems.add(key, "This key is missing.", _wanted(field.type))
        return _instead(field)
    value = table[field.name]
    within = _table_within(inspect.type_info(field.type))
    if within is not None and isinstance(value, dict):
        return checked(value, key, within, problems)
    try:
        return msgspec.convert(value, field.type)
    except msgspec.ValidationError as error:
        # The value itself is not shown: it may be a secret in the wrong place.
        inside = str(error).partition(" - at `$")[2].rstrip("`")
        problems.add(
            key + inside.replace("[...]", ""), _fault(value, error, inside), _fix(value, field)
        )
        return _instead(field)


def _table_within(info: inspect.Type) -> type[Shape] | None:
    """Return the shape of a table that stands in another one, None for a key without such."""
    if isinstance(info, inspect.UnionType):
        return next((found for each in info.types if (found := _table_within(each))), None)
    if isinstance(info, inspect.StructType) and issubclass(info.cls, Shape):
        return None if info.cls is Secret else info.cls
    return None


def _fix(value: object, field: FieldInfo) -> str:
    wanted = _wanted(field.type)
    # A decimal number in place of a text is an amount: in quotes it stays exact.
    return f'Write "{value}".' if isinstance(value, Decimal) and "in quotes" in wanted else wanted


def _bare(info: inspect.Type) -> inspect.Type:
    return info.type if isinstance(info, inspect.Metadata) else info


def _instead(field: FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    if not field.required:
        return field.default
    kind = _bare(inspect.type_info(field.type))
    if isinstance(kind, inspect.DictType):
        return {}
    if isinstance(kind, inspect.StructType):
        return None
    return () if isinstance(kind, inspect.VarTupleType) else ""


def _fault(value: object, error: msgspec.ValidationError, inside: str) -> str:
    text = str(error)
    if "unknown field" in text:
        return "It has a key that is not known here."
    if "enum value" in text:
        return f"{value!r} is not known here."
    if inside:
        return "It does not fit here."
    if "length" in text:
        return "It is empty or too long."
    if ">=" in text or "<=" in text:
        return "It is out of range."
    return f"This is {_kind_of(value)}."


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    (int, "a whole number"),
    (Decimal, "a decimal number"),
    (str, "a text"),
    (list, "a list"),
    (Mapping, "a table"),
    ((datetime, date, time), "a date or time"),
)


def _kind_of(value: object) -> str:
    return next(words for kind, words in _KINDS if isinstance(value, kind))


def _wanted(wanted: Any) -> str:
    """Return the fix for a key of this type."""
    info = inspect.type_info(wanted)
    return f"Write {_words(info)}."


_TABLES_OF = {
    inspect.UnionType: 'a table of texts, such as { one = "0.60", other = "0.50" }',
    inspect.StrType: 'a table of texts, such as { input = "1.00", output = "2.00" }',
    inspect.IntType: "a table of whole numbers, such as { one = 3, other = 1 }",
}


_PLACES_FIX = '{ env = "NAME" }, { file = "PATH" } or { value = "SECRET" }'


def _words(info: inspect.Type) -> str:
    if isinstance(info, inspect.Metadata):
        return _words(info.type)
    if isinstance(info, inspect.UnionType):
        parts = [_words(t) for t in info.types if not isinstance(t, inspect.NoneType)]
        return " or ".join(parts)
    if isinstance(info, inspect.LiteralType):
        return "one of " + ", ".join(f'"{value}"' for value in info.values)
    if isinstance(info, inspect.IntType):
        return f"a whole number from {info.ge} to {info.le}"
    if isinstance(info, inspect.BoolType):
        return "true or false"
    if isinstance(info, inspect.VarTupleType):
        return 'a list of texts, such as ["a", "b"]'
    if isinstance(info, inspect.DictType):
        return _TABLES_OF[type(_bare(info.value_type))]
    if isinstance(info, inspect.StructType):
        return _PLACES_FIX if info.cls is Secret else "a table"
    if isinstance(info, inspect.AnyType):
        return "a date, such as 2026-01-01"
    return "a text in quotes"
