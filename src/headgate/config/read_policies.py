"""`[policies.ID]`: policies with settings, and composed of others; which keys, each kind says."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from headgate.config.check import checked_by_id, ids_of
from headgate.config.problems import Problems
from headgate.config.shapes_routes import PolicyShape
from headgate.routing.policies.registry import Policy, faults_of, policies
from headgate.routing.settings import PPM, PolicySettings, Setting, SettingKind
from headgate.units.money import MoneyError, exact_fraction, parse_usd

TABLE = "policies"


def policies_from(tables: object, problems: Problems) -> dict[str, PolicySettings]:
    """Return the good policies by id; their parts are there, and none is a part of itself.

    Args:
        tables: The file's `policies`.
        problems: Where problems are noted.
    """
    known = policies()
    found: dict[str, PolicySettings] = {}
    for name, shape in checked_by_id(tables, TABLE, PolicyShape, problems):
        key = f"{TABLE}.{name}"
        if name in known:
            fix = "Give the policy an id of its own."
            problems.add(key, f"{name!r} is a kind of policy already.", fix)
        if shape.kind not in known:
            problems.unknown(f"{key}.kind", "kind of policy", shape.kind, known)
        else:
            found[name] = _settings(name, shape, known[shape.kind], problems)
    _check_parts(found, known, ids_of(tables), problems)
    return found


def _settings(name: str, shape: PolicyShape, policy: Policy, problems: Problems) -> PolicySettings:
    values: dict[str, int] = {}
    parts: dict[str, str] = {}
    texts: dict[str, str] = {}
    settings = {each.key: each for each in policy.SETTINGS}
    given = {key: getattr(shape, key) for key in shape.__struct_fields__ if key != "kind"}
    for key, value in given.items():
        if value is not None and key not in settings:
            place, named = f"{TABLE}.{name}.{key}", ", ".join(settings) or "no keys at all"
            fix = f"It knows {named}; take this one out."
            problems.add(place, f"The policy {policy.KIND!r} knows no such key.", fix)
    for key, setting in settings.items():
        place = f"{TABLE}.{name}.{key}"
        value = given.get(key)
        if value is not None and setting.kind in ("deployment", "text"):
            texts[key] = str(value)
        elif value is not None:
            _read(setting, value, place, values, parts, problems)
        elif setting.required:
            fix = f"Add it: the policy {policy.KIND!r} goes by it."
            problems.add(place, "This key is missing.", fix)
    faults = faults_of(policy)
    for fault in () if faults is None else faults(values, texts):
        problems.add(f"{TABLE}.{name}.{fault.key}", fault.problem, fault.fix)
    return PolicySettings(name, policy.KIND, values, parts, texts)


def _read(
    setting: Setting,
    value: object,
    place: str,
    values: dict[str, int],
    parts: dict[str, str],
    problems: Problems,
) -> None:
    key = setting.key
    if setting.kind == "policy":
        parts[key] = str(value)
    elif setting.kind == "policies":
        assert isinstance(value, Mapping), place
        for name, count in value.items():
            parts[f"{key}.{name}"] = name
            values[f"{key}.{name}"] = count
        _check_counts(value, place, problems)
    elif setting.kind == "shares":
        assert isinstance(value, Mapping), place
        for name, text in value.items():
            # What is no share is noted, and then the file is refused.
            share = read_amount("share", str(text), f"{place}.{name}", problems)
            values[f"{key}.{name}"] = share or 0
    elif setting.kind == "choice":
        if value in setting.choices:
            values[key] = setting.choices.index(str(value))
        else:
            problems.unknown(place, key, str(value), setting.choices)
    elif setting.kind == "count":
        assert isinstance(value, int), place
        values[key] = value
    else:
        amount = read_amount(setting.kind, str(value), place, problems)
        if amount is not None:
            values[key] = amount


def _check_counts(counts: Mapping[str, int], place: str, problems: Problems) -> None:
    for name, count in counts.items():
        if count == 0:
            fix = "Give it a share, or take it out."
            problems.add(f"{place}.{name}", "Nobody ever gets there.", fix)
    if len(counts) < 2:
        problems.add(place, "There is nothing to choose between.", "Name two or more.")


def read_amount(kind: SettingKind, text: str, place: str, problems: Problems) -> int | None:
    """Return a share in millionths, or dollars in nano-dollars; None for neither."""
    if kind == "usd":
        try:
            return parse_usd(text)
        except MoneyError as error:
            problems.add(place, f"{error}.", 'Write dollars as text: "0.50".')
            return None
    share = exact_fraction(text)
    if share is None or not 0 <= share <= 1:
        problems.add(place, f"{text!r} is no share of 1.", 'Write it as text: "0.85".')
        return None
    return int(share * PPM)


def check_named(
    place: str,
    name: str,
    known: Mapping[str, Policy],
    ids: Collection[str],
    problems: Problems,
) -> None:
    """Note a policy that there is not, or that is named by its kind but needs a table.

    Args:
        place: Where it is named.
        name: An id, or a kind.
        known: The policies by kind.
        ids: Those of the file, also of wrong ones.
        problems: Where problems are noted.
    """
    if name in ids:
        return
    if name not in known:
        problems.unknown(place, "policy", name, (*known, *ids))
        return
    needed = [each.key for each in known[name].SETTINGS if each.required]
    if needed:
        fix = f'Add a table [{TABLE}.ID] with kind = "{name}" and its keys, and name its id here.'
        problems.add(place, f"The policy {name!r} needs {' and '.join(needed)}.", fix)


def _check_parts(
    found: Mapping[str, PolicySettings],
    known: Mapping[str, Policy],
    ids: Collection[str],
    problems: Problems,
) -> None:
    for name, each in found.items():
        for key, part in each.parts.items():
            check_named(f"{TABLE}.{name}.{key}", part, known, ids, problems)
    for name in found:
        cycle = _cycle(name, found)
        if cycle is not None:
            way = " -> ".join(cycle)
            fix = "Have one of them name another policy."
            problems.add(f"{TABLE}.{name}", f"It is a part of itself: {way}.", fix)


def _cycle(start: str, found: Mapping[str, PolicySettings]) -> tuple[str, ...] | None:
    """Return the way from a policy back to itself, None when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for part in found[way[-1]].parts.values() if way[-1] in found else ():
            if part == start:
                return (*way, part)
            if part not in seen:
                seen.add(part)
                ways.append((*way, part))
    return None


def check_deployments(
    found: Mapping[str, PolicySettings], ids: Collection[str], problems: Problems
) -> None:
    """Note the deployments that policies say something of and that there are not.

    Args:
        found: The policies.
        ids: All deployments of the file.
        problems: Where problems are noted.
    """
    kinds = policies()
    for each in found.values():
        told = [one.key for one in kinds[each.kind].SETTINGS if one.kind == "shares"]
        for one in kinds[each.kind].SETTINGS:
            named = each.texts.get(one.key)
            if one.kind == "deployment" and named is not None and named not in ids:
                problems.unknown(f"{TABLE}.{each.id}.{one.key}", "deployment", named, ids)
        for key in each.values:
            table, _, name = key.partition(".")
            if table in told and name not in ids:
                problems.unknown(f"{TABLE}.{each.id}.{table}", "deployment", name, ids)


def check_used(
    found: Mapping[str, PolicySettings], used: Iterable[str], problems: Problems
) -> None:
    """Note the policies that no route comes to, by itself or through others.

    Args:
        found: The policies.
        used: The names that routes have for theirs.
        problems: Where problems are noted.
    """
    reached: set[str] = set()
    for name in used:
        reached |= {name, *_below(name, found)}
    for name in found:
        if name not in reached:
            fix = "Name it as the policy of a route or of another policy, or take it out."
            problems.add(f"{TABLE}.{name}", "No route comes to this policy.", fix)


def _below(name: str, found: Mapping[str, PolicySettings]) -> Iterator[str]:
    seen = {name}
    left = [name]
    while left:
        each = left.pop()
        for part in found[each].parts.values() if each in found else ():
            if part not in seen:
                seen.add(part)
                left.append(part)
                yield part
