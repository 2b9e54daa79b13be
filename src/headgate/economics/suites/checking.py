"""Whether an answer is good, by the checks that need nothing but the answer."""

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from jsonschema import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from headgate.economics.suites.task import KINDS, Check, Kind, Suite, Task
from headgate.units.money import MoneyError

_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:[eE][+-]?\d{1,3})?|-?\.\d+")
_FENCED = re.compile(r"```[A-Za-z]*\n(.*?)```", re.S)

Known = Callable[[Check, str], bool]


def is_good(check: Check, answer: str) -> bool:
    """Tell whether an answer passes a check that is neither a command nor a judge."""
    return _BY_KIND[check.kind](check, answer)


def wrong_task(suite: Suite, task: Task) -> str | None:
    """Tell what is wrong with a task, None when nothing is."""
    if task.command is None:
        only = (task.folder, task.budget_usd, *task.environment)
        if any(each is not None for each in only):
            return "folder, environment and budget_usd go with a command"
        if not task.prompt:
            return "it has neither a prompt nor a command"
        return "it has no check" if task.check is None else _wrong_check(task.check)
    if task.system is not None or task.output_tokens_max is not None:
        return "system and output_tokens_max go with a prompt, and it is a command"
    if {name for name in task.environment if name.startswith("HEADGATE_")}:
        return "a command has a key of its own, and none of HEADGATE_'s variables is handed on"
    try:
        budget_nanos = suite.budget_nanos(task) if task.budget_usd or suite.budget_usd else 0
    except MoneyError as error:
        return f"budget_usd: {error}"
    if not budget_nanos:
        return "it is a command, and nobody says what it may cost: write budget_usd"
    return None if task.check is None else _wrong_check(task.check)


def _wrong_check(check: Check) -> str | None:
    if len(check.kinds) != 1:
        said = " and ".join(check.kinds) or "nothing"
        return f"its check says {said}, and has to say one of {', '.join(KINDS)}"
    if any(each is not None and not each.is_finite() for each in (check.number, check.tolerance)):
        return "its number is none"
    if check.tolerance is not None and (check.number is None or check.tolerance < 0):
        return "a tolerance goes with a number, and is 0 or more"
    if check.regex is not None:
        try:
            re.compile(check.regex)
        except re.error as error:
            return f"the expression cannot be read: {error}"
    return None if check.schema is None else _wrong_schema(check.schema)


def _wrong_schema(schema: dict[str, Any]) -> str | None:
    try:
        validator_for(schema, default=Draft202012Validator).check_schema(schema)
        # References are resolved only when they are come to; nothing is ever fetched.
        _validator(schema).is_valid(None)
    except SchemaError as error:
        return f"the schema is none: {error.message}"
    except Unresolvable as error:
        return f"the schema refers to what is not in it: {error.ref}"
    return None


def _exact(check: Check, answer: str) -> bool:
    return answer.strip() == (check.exact or "").strip()


def _contains(check: Check, answer: str) -> bool:
    return all(part in answer for part in check.contains or ())


def _regex(check: Check, answer: str) -> bool:
    return re.search(check.regex or "", answer) is not None


def _number(check: Check, answer: str) -> bool:
    found = _NUMBER.findall(answer)
    if not found:
        return False
    assert check.number is not None
    return abs(Decimal(found[-1].replace(",", "")) - check.number) <= (check.tolerance or 0)


def _schema(check: Check, answer: str) -> bool:
    fenced = _FENCED.search(answer)
    try:
        value = json.loads(fenced[1] if fenced else answer)
    except (ValueError, RecursionError):
        return False
    try:
        return _validator(check.schema or {}).is_valid(value)
    except (Unresolvable, RecursionError):
        return False


def _validator(schema: Mapping[str, Any]) -> Validator:
    kind = validator_for(schema, default=Draft202012Validator)
    return kind(schema, registry=Registry())


_BY_KIND: Mapping[Kind, Known] = {
    "exact": _exact,
    "contains": _contains,
    "regex": _regex,
    "number": _number,
    "schema": _schema,
}
