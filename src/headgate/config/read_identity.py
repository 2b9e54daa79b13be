"""`[teams.ID]`, `[principals.ID]` and `[keys.ID]`: who may call."""

from collections.abc import Collection, Mapping
from datetime import tzinfo

from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.read_approvals import Named
from headgate.config.read_organisation import moment_from
from headgate.config.secrets import SecretReader
from headgate.config.shapes import KeyShape, PrincipalShape, TeamShape
from headgate.identity.settings import ANY_MODEL, Key, PerMinute, Principal, Team, lineage_of
from headgate.identity.tags import CHARS_MAX, TAGS_MAX, TagRule, is_tag
from headgate.units.ids import is_name

TEAM_DEFAULT = "default"
SECRET_CHARS_MIN = 8


def teams_from(tables: object, problems: Problems) -> dict[str, Team]:
    """Return the teams by id: those of the file, and `default` behind them."""
    found = {
        name: Team(name, shape.share, shape.priorities, shape.parent, _rate(shape))
        for name, shape in checked_by_id(tables, "teams", TeamShape, problems)
    }
    found = {**found, TEAM_DEFAULT: found.get(TEAM_DEFAULT, Team(TEAM_DEFAULT))}
    for team in found.values():
        _check_parent(team, found, problems)
    return found


def _check_parent(team: Team, teams: Mapping[str, Team], problems: Problems) -> None:
    key = f"teams.{team.id}.parent"
    if team.parent is not None and team.parent not in teams:
        problems.unknown(key, "team", team.parent, [name for name in teams if name != team.id])
    top = teams.get(lineage_of(team.id, teams)[-1])
    if top is not None and top.parent in teams:
        # The line goes on from its end, so it has come round to a team that is in it.
        fix = "Leave `parent` out of the team that is right below the organisation."
        problems.add(key, f"The team {team.id!r} is below itself, or below one that is.", fix)


def principals_from(
    tables: object, teams: Collection[str], problems: Problems
) -> dict[str, Principal]:
    """Return the good principals by id."""
    found: dict[str, Principal] = {}
    for name, shape in checked_by_id(tables, "principals", PrincipalShape, problems):
        if shape.team not in teams:
            problems.unknown(f"principals.{name}.team", "team", shape.team, teams)
        found[name] = Principal(name, shape.team, shape.kind, _rate(shape))
    return found


def keys_from(
    tables: object, named: Named, zone: tzinfo, secrets: SecretReader, problems: Problems
) -> dict[str, Key]:
    """Return the good keys by id.

    Args:
        tables: The file's `keys`.
        named: What they can name.
        zone: Where days begin.
        secrets: Resolves the secrets.
        problems: Where problems are noted.
    """
    found: dict[str, Key] = {}
    bearers: dict[str, str] = {}
    for name, shape in checked_by_id(tables, "keys", KeyShape, problems):
        key = f"keys.{name}"
        if shape.principal not in named.principals:
            problems.unknown(f"{key}.principal", "principal", shape.principal, named.principals)
        for model in shape.models:
            if model != ANY_MODEL and model not in named.models:
                problems.unknown(f"{key}.models", "alias or deployment", model, named.models)
        for each in shape.data_classes or ():
            if each not in named.data_classes:
                known = named.data_classes
                problems.unknown(f"{key}.data_classes", "data class", each, known)
        tags = _tags(shape, key, problems)
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
            tags,
            moment_from(shape.until, f"{key}.until", zone, problems),
            _rate(shape),
        )
    return found


def _rate(shape: TeamShape | PrincipalShape | KeyShape) -> PerMinute:
    return PerMinute(shape.requests_per_minute, shape.tokens_per_minute)


def _tags(shape: KeyShape, key: str, problems: Problems) -> TagRule:
    own = tuple(f"{name}={value}" for name, value in sorted(shape.tags.items()))
    for tag in own:
        if not is_tag(tag):
            fix = "Names and values are like ids: letters, digits, dots, dashes, underscores."
            problems.add(f"{key}.tags", f"{tag!r} is no tag.", fix)
    if len(own) > TAGS_MAX or sum(map(len, own)) > CHARS_MAX:
        problem = f"A call has {TAGS_MAX} tags at most, of {CHARS_MAX} characters together."
        problems.add(f"{key}.tags", problem, "Take some out.")
    allowed = shape.tags_allowed or ()
    for tag in allowed:
        name, _, value = tag.partition("=")
        if tag and not (is_name(name) and (value == "*" or is_name(value))):
            fix = 'Write "NAME=VALUE", or "NAME=*" for any value.'
            problems.add(f"{key}.tags_allowed", f"{tag!r} is no tag.", fix)
    return TagRule(own, frozenset(allowed))


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
