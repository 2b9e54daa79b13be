"""`[teams.ID]`, `[principals.ID]` and `[keys.ID]`: who may call."""

from collections.abc import Collection, Mapping

from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.secrets import SecretReader
from headgate.config.shapes import KeyShape, PrincipalShape, TeamShape
from headgate.identity.settings import ANY_MODEL, Key, Principal, Team

TEAM_DEFAULT = "default"
SECRET_CHARS_MIN = 8


def teams_from(tables: object, problems: Problems) -> dict[str, Team]:
    """Return the teams by id: those of the file, and `default` behind them."""
    found = {
        name: Team(name, shape.share, shape.priorities)
        for name, shape in checked_by_id(tables, "teams", TeamShape, problems)
    }
    return {**found, TEAM_DEFAULT: found.get(TEAM_DEFAULT, Team(TEAM_DEFAULT))}


def principals_from(
    tables: object, teams: Collection[str], problems: Problems
) -> dict[str, Principal]:
    """Return the good principals by id."""
    found: dict[str, Principal] = {}
    for name, shape in checked_by_id(tables, "principals", PrincipalShape, problems):
        if shape.team not in teams:
            problems.unknown(f"principals.{name}.team", "team", shape.team, teams)
        found[name] = Principal(name, shape.team, shape.kind)
    return found


def keys_from(
    tables: object,
    principals: Collection[str],
    models: Collection[str],
    data_classes: Collection[str],
    secrets: SecretReader,
    problems: Problems,
) -> dict[str, Key]:
    """Return the good keys by id.

    Args:
        tables: The file's `keys`.
        principals: Ids of all principals.
        models: All aliases and deployments.
        data_classes: All classes of data.
        secrets: Resolves the secrets.
        problems: Where problems are noted.
    """
    found: dict[str, Key] = {}
    bearers: dict[str, str] = {}
    for name, shape in checked_by_id(tables, "keys", KeyShape, problems):
        key = f"keys.{name}"
        if shape.principal not in principals:
            problems.unknown(f"{key}.principal", "principal", shape.principal, principals)
        for model in shape.models:
            if model != ANY_MODEL and model not in models:
                problems.unknown(f"{key}.models", "alias or deployment", model, models)
        for each in shape.data_classes or ():
            if each not in data_classes:
                problems.unknown(f"{key}.data_classes", "data class", each, data_classes)
        secret = secrets.read(shape.secret, f"{key}.secret")
        if secret:
            _check_secret(secret, name, bearers, problems)
        # What is not said is what its team may; see `narrowed`.
        found[name] = Key(
            name,
            shape.principal,
            shape.models,
            secret,
            shape.data_classes or (),
            shape.priorities or (),
        )
    return found


def narrowed(
    keys: Mapping[str, Key],
    principals: Mapping[str, Principal],
    teams: Mapping[str, Team],
    problems: Problems,
) -> dict[str, Key]:
    """Return the keys with their priority classes: their own, which are among their team's."""
    found: dict[str, Key] = {}
    for key in keys.values():
        principal = principals.get(key.principal)
        team = None if principal is None else teams.get(principal.team)
        if team is None:
            found[key.id] = key
            continue
        for name in key.priorities:
            if name not in team.priorities:
                problems.add(
                    f"keys.{key.id}.priorities",
                    f"Its team {team.id!r} may not use the class {name!r}.",
                    f"Take it out, or add it to `priorities` of [teams.{team.id}].",
                )
        found[key.id] = key._replace(priorities=key.priorities or team.priorities)
    return found


def _check_secret(secret: str, name: str, bearers: dict[str, str], problems: Problems) -> None:
    key = f"keys.{name}.secret"
    if len(secret) < SECRET_CHARS_MIN:
        problems.add(
            key,
            f"A secret of fewer than {SECRET_CHARS_MIN} characters can be guessed.",
            "Leave it out and run: headgate keys create " + name,
        )
    other = bearers.setdefault(secret, name)
    if other != name:
        problems.add(
            key,
            f"It is the secret of the key {other!r} too, so a call could not tell who asks.",
            "Give each key a secret of its own.",
        )
