"""House rules that a linter does not know. A rule that is not tested is a wish.

Each rule says here which modules it looks at; an exception stands in the table beside it, with its
reason. A table of exceptions is a debt: entries leave it, and one that is no longer needed fails.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture import repository, rules
from tests.architecture.repository import ROOT, SOURCE, inside, syntax

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60

# Path -> lines it has today, and path::function -> lines it has today. The numbers may only shrink.
MODULE_LINES_RATCHET: dict[str, int] = {}
FUNCTION_LINES_RATCHET: dict[str, int] = {}
# A migration is a list of tables in one function; it is written once and never edited.
LISTS = ("*/migrations/versions/*",)

# Where money is computed or kept, as patterns of paths inside the package.
MONEY = (
    *("units/*", "ledger/*", "budgets/*", "governance/*", "catalog/*"),
    *("records/*charge*", "records/*quote*", "records/*money*", "records/*price*"),
    *("records/*hold*", "records/*lease*", "records/*journal*", "records/*attempt*"),
    *("records/*adjustment*", "records/*reconciled*", "reconcile/*"),
    *("economics/usage_logs/*", "economics/plans/*"),
    *("economics/exact.py", "economics/inputs.py", "economics/formulas/*", "economics/claims/*"),
    *("economics/vendor/*", "economics/mix/offers.py"),  # simulations and solvers are in floats
    *("exports/charges.py", "exports/files.py", "exports/focus.py", "exports/parquet.py"),
    *("exports/events.py", "exports/statement.py"),
    *("economics/prices/*", "economics/whatif/*", "economics/replays/policy.py"),
)
MONEY_ALLOWED: dict[str, str] = {}

# Where the same input gives the same output. The files that touch the world are told by their name.
PURE = (
    *("units/*", "records/*", "catalog/*", "dialects/*", "trackers/*"),
    *("providers/*", "ledger/*", "budgets/*", "governance/*", "routing/*", "experience/*"),
    "counting/*",
    *("economics/usage_logs/formats/*", "economics/plans/*"),
    *("economics/exact.py", "economics/inputs.py", "economics/report.py", "economics/page.py"),
    *("economics/charts.py", "economics/pictures.py", "economics/formulas/*"),
    *("economics/claims/*", "economics/vendor/*"),
    *("economics/stress/*", "economics/roi/*", "economics/mix/*", "reconcile/*"),
    "economics/vendor_futures/*",
    *("economics/whatif/*", "economics/suites/*", "economics/replays/*", "economics/shocks/*"),
)
TOUCHES_THE_WORLD = (
    *("*/load*.py", "*/tables.py", "*/tables/*", "*/store*.py", "*/stores/*"),
    "*/keeper.py",  # moves what a pure module decided into the store, and journals out of files
)
PURE_ALLOWED: dict[str, str] = {}

# Who may make what nobody can repeat: secrets, boot and epoch names, the simulator's seeded faults.
CHANCE = ("identity/*", "node/*", "simulator/*", "cli/demo*")
CHANCE_ALLOWED: dict[str, str] = {}

# Where a provider may be named: its own file, its wire format, its prices, its stand-in, the show.
PROVIDERS_NAMED = (
    *("providers/*", "dialects/*", "catalog/*", "simulator/*", "cli/demo*"),
    *("economics/usage_logs/formats/*", "economics/prices/formats/*"),
    *("workflows/*_client.py", "reconcile/admin/*"),
)
PROVIDERS_ALLOWED = {
    "cli/main.py": "A package that some commands need has the name of one.",
    "counting/load_tokenizer.py": "The package with public vocabularies has the name of one.",
    "cli/prices.py": "The help shows what a seller and a model look like.",
    "exports/otel_names.py": "OpenTelemetry's names of providers, by their kind.",
    "routing/evaluation/load_judged.py": "The names that models of public sets are sold by.",
    "units/errors.py": "A code carries the error type that each dialect has for it.",
}

SQL_ALLOWED = {
    "store/database.py": "PRAGMA takes no parameters, and the number is a constant of ours.",
}
IMPORTS_ALLOWED = {
    "cli/pricing/impact.py": "An extra, for one subcommand of several.",
    "cli/runs.py": "An extra that takes a second to import, for one subcommand of several.",
    "counting/load_tokenizer.py": "An extra of 74 MB.",
    "economics/usage_logs/formats/generic_parquet.py": "A large library that few have.",
    "node/supervisor.py": "Only nodes that share a store need SQL in their supervisor.",
    "store/migrate.py": "Alembic takes a while to import, and is needed where a schema changes.",
    "store/postgresql.py": "The driver of PostgreSQL is an extra.",
    "exports/parquet.py": "A large library that few have.",
    "routing/quality/load_prior.py": "An extra, for the routes that ask for estimates.",
    "store/database.py": "The bundled SQLite driver has wheels for some systems only.",
}
ECHOES_ALLOWED = {
    "cli/main.py": "The version and the help are our own words, in colours.",
    "cli/output.py": "Here it is looked through.",
}
EXCEPTIONS = (
    *(MONEY_ALLOWED, PURE_ALLOWED, CHANCE_ALLOWED, PROVIDERS_ALLOWED),
    *(SQL_ALLOWED, IMPORTS_ALLOWED, ECHOES_ALLOWED),
)

VAGUE_MODULES = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r")\b")


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Tell whether `path` fits one of `patterns`."""
    return any(fnmatch(path, pattern) for pattern in patterns)


def judge(module: Path, found: Iterable[str], allowed: Mapping[str, str]) -> None:
    """Fail on what was found, unless the module is allowed; fail on an allowance without need."""
    findings = list(found)
    path = inside(module)
    if path in allowed:
        assert findings, f"{path} needs no exception any more: take it out of the table"
    else:
        assert not findings, "\n".join([path, *findings])


def test_a_module_can_be_read_in_one_sitting(module: Path) -> None:
    """A module has at most 400 lines; an older, longer one may only shrink."""
    path = module.relative_to(ROOT).as_posix()
    lines = len(module.read_text(encoding="utf-8").splitlines())

    if path in MODULE_LINES_RATCHET:
        assert lines == MODULE_LINES_RATCHET[path], "the ratchet holds the exact number of lines"
        assert lines > MODULE_LINES_MAX, "short enough now: take it out of the ratchet"
    else:
        assert lines <= MODULE_LINES_MAX, f"{path} has {lines} lines"


def test_a_function_fits_on_a_screen(module: Path) -> None:
    """A function has at most 60 lines; an older, longer one may only shrink."""
    if matches(module.as_posix(), LISTS):
        return
    for node, lines in rules.function_lengths(syntax(module)):
        name = f"{module.relative_to(ROOT).as_posix()}::{node.name}"

        if name in FUNCTION_LINES_RATCHET:
            assert lines == FUNCTION_LINES_RATCHET[name], f"{name}: the ratchet is exact"
            assert lines > FUNCTION_LINES_MAX, f"{name}: take it out of the ratchet"
        else:
            assert lines <= FUNCTION_LINES_MAX, f"{name} has {lines} lines"


def test_a_module_has_a_telling_name(module: Path) -> None:
    """A helper lives with the noun it serves, not in a drawer for everything."""
    assert module.name not in VAGUE_MODULES


def test_money_has_no_floats(source_module: Path) -> None:
    """Binary fractions cannot hold a cent, so they may not come near one."""
    if matches(inside(source_module), MONEY):
        judge(source_module, rules.floats(syntax(source_module)), MONEY_ALLOWED)


def test_the_pure_rooms_are_pure(source_module: Path) -> None:
    """No clock, chance, environment, file, output or coroutine below the gateway's edge."""
    path = inside(source_module)
    if matches(path, PURE) and not matches(path, TOUCHES_THE_WORLD):
        judge(source_module, rules.impurities(syntax(source_module)), PURE_ALLOWED)


def test_chance_has_few_homes(source_module: Path) -> None:
    """Random values are made where secrets and epochs are; everyone else is given them."""
    if not matches(inside(source_module), CHANCE):
        judge(source_module, rules.chance(syntax(source_module)), CHANCE_ALLOWED)


def test_shared_code_names_no_provider(source_module: Path) -> None:
    """What is true of one provider stands in that provider's file and nowhere else."""
    if not matches(inside(source_module), PROVIDERS_NAMED):
        judge(source_module, rules.provider_names(syntax(source_module)), PROVIDERS_ALLOWED)


def test_sql_is_never_composed(source_module: Path) -> None:
    """A statement is written out or built by SQLAlchemy; values travel as parameters."""
    judge(source_module, rules.composed_sql(syntax(source_module)), SQL_ALLOWED)


def test_commands_print_what_steers_no_terminal(source_module: Path) -> None:
    """Clients, providers and files of others have named much of what commands print."""
    if matches(inside(source_module), ("cli/*",)):
        judge(source_module, rules.echoes(syntax(source_module)), ECHOES_ALLOWED)


def test_imports_stand_in_the_open(source_module: Path) -> None:
    """The contracts can judge only the imports they can see."""
    judge(source_module, rules.dynamic_imports(syntax(source_module)), IMPORTS_ALLOWED)


def test_a_silenced_linter_says_why(module: Path) -> None:
    """A `noqa` names its code, and no code excuses an import inside a function."""
    findings = list(rules.silenced_linters(module.read_text(encoding="utf-8")))

    assert not findings, findings


def test_every_room_says_what_it_is_for() -> None:
    """A package is imported by name and tells its purpose in a README.md or its docstring."""
    for folder in {path.parent for path in repository.python_files("src")} - {SOURCE.parent}:
        front_door = folder / "__init__.py"

        assert front_door.exists(), f"{folder} has no __init__.py, so the contracts cannot see it"
        told = (folder / "README.md").exists() or ast.get_docstring(syntax(front_door))
        assert told, f"{folder} has neither README.md nor docstring"


def test_every_test_says_what_it_shows(test_module: Path) -> None:
    """A test's docstring is the sentence that is no longer true when it fails."""
    findings = list(rules.tests_without_a_sentence(syntax(test_module)))

    assert not findings, findings


def test_no_test_sleeps(test_module: Path) -> None:
    """A test waits for an event, with a time limit; a pause is either too short or too long."""
    findings = list(rules.sleeps(syntax(test_module)))

    assert not findings, findings


def test_nothing_is_left_for_later() -> None:
    """Work that is left belongs in an issue, where someone will see it."""
    left = [
        f"{path.relative_to(ROOT)}:{number}"
        for path, text in repository.text_files()
        for number, line in enumerate(text.splitlines(), 1)
        if UNFINISHED.search(line)
    ]

    assert not left, left


def test_exceptions_are_for_modules_that_exist() -> None:
    """An exception outlives its module only by mistake, and has to say why it is there."""
    for table in EXCEPTIONS:
        for path, reason in table.items():
            assert (SOURCE / path).exists(), f"{path} has gone: take it out of the table"
            assert len(reason.split()) >= 4, f"{path}: a reason is a sentence"
    for name in (*MODULE_LINES_RATCHET, *FUNCTION_LINES_RATCHET):
        assert (ROOT / name.split("::")[0]).exists(), f"{name} has gone: take it out of the ratchet"
