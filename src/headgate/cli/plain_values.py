"""Values of options that need no library to be checked: texts, paths, switches, nothing at all.

Typer checks every value by pydantic, whose import takes longer than all else a short command does.
It builds that check when a value is first asked for, and keeps it at the option; here a cheaper one
stands there already, which leaves to typer's own whatever is not plain. With a release of typer
that keeps its check elsewhere nothing is lost but time.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from typer.core import TyperCommand, TyperGroup

try:
    from typer._coercion import build_runtime_param
    from typer._param_types import coerce_cli_path
except ImportError:
    build_runtime_param = coerce_cli_path = None  # type: ignore[assignment]  # another release

_CHECK = "_runtime_param"
_AS_THEY_ARE = (str, int, bool)


class PlainCheck(NamedTuple):
    """What stands in for typer's check of one option.

    Attributes:
        described: Typer's description of the option's type.
    """

    described: Any

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """Return the value as the option's type.

        Raises:
            BadParameter: It is none of them.
        """
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        kind, info = self.described.annotation, self.described.parameter_info
        if info.parser is info.path_type is info.min is info.max is None:
            if get_origin(kind) is list and isinstance(value, list | tuple):
                (kind,) = get_args(kind)
                if all(_is_plain(kind, one) for one in value):
                    return [_as(kind, one, info, param, ctx) for one in value]
            elif _is_plain(kind, value):
                return _as(kind, value, info, param, ctx)
        return build_runtime_param(self.described).coerce(value, param=param, ctx=ctx)


def check_plainly(command: TyperCommand | TyperGroup) -> None:
    """Spare a command, and those below it, typer's check of values that are plain."""
    if build_runtime_param is None:
        return
    # Asked of a context, they are told with `--help`.
    for param in command.get_params(command.context_class(command)):
        if getattr(param, _CHECK, param) is None:
            setattr(param, _CHECK, PlainCheck(param.type_descriptor))  # type: ignore[attr-defined]
    below: Iterable[Any] = command.commands.values() if isinstance(command, TyperGroup) else ()
    for one in below:
        check_plainly(one)


def _is_plain(kind: Any, value: object) -> bool:
    if kind is Path:
        return isinstance(value, str | Path)
    return kind in _AS_THEY_ARE and type(value) is kind


def _as(kind: Any, value: Any, info: Any, param: Any, ctx: Any) -> Any:
    if kind is not Path:
        return value
    # A path is checked by typer, as the option says: whether it is there, and may be read.
    return coerce_cli_path(Path(value), info, path_type=Path, param=param, ctx=ctx)
