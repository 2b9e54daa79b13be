"""Loading a policy from a file of its own, checked as the configuration checks its policies."""

import tomllib
from decimal import Decimal
from pathlib import Path

from headgate.config.check import ids_of
from headgate.config.problems import Problems
from headgate.config.read_policies import TABLE, check_named, check_used, policies_from
from headgate.routing.policies.registry import Chosen, chosen, policies

KEY = "policy"
FIX = 'Write policy = "ID" and a table [policies.ID], as in the configuration.'


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
