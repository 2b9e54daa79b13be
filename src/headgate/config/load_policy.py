"""Loading a policy that is no route's: from a file of its own, by its name, or from a table.

It is checked as the configuration checks its policies.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from headgate.config.check import ids_of
from headgate.config.problems import Problems
from headgate.config.read_policies import TABLE, check_named, check_used, policies_from
from headgate.routing.policies.registry import Chosen, chosen, policies
from headgate.routing.settings import PolicySettings

KEY = "policy"
SUFFIX = ".toml"
"""What ends so is meant as a file, also when there is none."""

FIX = 'Write policy = "ID" and a table [policies.ID], as in the configuration.'


def policy_named(
    name: str, configured: Mapping[str, PolicySettings], folder: Path = Path()
) -> Chosen:
    """Return the policy of a name: one of the configuration, a kind, or a file in a folder.

    Raises:
        ConfigurationError: There is none, or it cannot be used.
    """
    path = folder / name
    is_known = name in configured or name in policies()
    if not is_known and (path.is_file() or name.endswith(SUFFIX)):
        return load_policy(path)
    problems = Problems(str(path))
    if not name:
        problems.add(KEY, "This key is missing.", FIX)
    check_named(KEY, name, policies(), configured, problems)
    problems.raise_if_any()
    return chosen(name, configured, policies())


def load_policy(path: Path) -> Chosen:
    """Return the policy that a file names by `policy`, with those it is composed of.

    Raises:
        ConfigurationError: It cannot be used; carries every problem with its line.
    """
    problems = Problems(str(path))
    try:
        problems.text = path.read_text("utf-8")
        document = tomllib.loads(problems.text, parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.add("file", f"It cannot be read: {error}.", FIX)
        document = {}
    problems.raise_if_any()
    return _policy_of(document, problems)


def policy_of_table(name: str, table: Mapping[str, Any], file: str) -> Chosen:
    """Return the policy of a table like `[policies.ID]` that stands in another file.

    Args:
        name: What it is called.
        table: Its kind and keys.
        file: Where it stands, for problems.

    Raises:
        ConfigurationError: It cannot be used.
    """
    return _policy_of({KEY: name, TABLE: {name: table}}, Problems(file))


def _policy_of(document: Mapping[str, Any], problems: Problems) -> Chosen:
    for table in document:
        if table not in (KEY, TABLE):
            problems.add(table, "It does not belong here.", FIX)
    tables = document.get(TABLE, {})
    found = policies_from(tables, problems)
    name = str(document.get(KEY, ""))
    if name:
        check_named(KEY, name, policies(), ids_of(tables), problems)
        check_used(found, [name], problems)
    else:
        problems.add(KEY, "This key is missing.", FIX)
    problems.raise_if_any()
    return chosen(name, found, policies())
