"""The house rules that a linter does not know, each a function from syntax to what it objects to.

Every rule yields sentences with a line number, none if the module is in order. Which modules a
rule looks at is said in `test_tidy.py`; that each rule can object is shown in `test_rules.py`.
"""

import ast
import re
from collections.abc import Iterator

from tests.architecture.repository import Function, called_name, functions, imported_modules

# What reads the world, and so may not be called where the same input must give the same output.
IMPURE_CALLS = frozenset(
    {"now", "utcnow", "today", "time_ns", "monotonic", "monotonic_ns", "perf_counter"}
    | {"perf_counter_ns", "uuid1", "uuid4", "uuid7", "getenv", "urandom"}
    | {"read_text", "read_bytes", "write_text", "write_bytes"}
)
IMPURE_BUILTINS = frozenset({"open", "print", "input"})
IMPURE_MODULES = frozenset(
    {"asyncio", "logging", "multiprocessing", "os", "random", "secrets", "select", "shutil"}
    | {"signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading"}
    | {"time", "uuid"}
)
CHANCE_MODULES = frozenset({"random", "secrets", "uuid"})
PROVIDER_NAME = re.compile(
    r"openai|anthropic|deepseek|gemini|mistral|openrouter|ollama|vllm|bedrock|claude|\bgpt", re.I
)
SQL_CALLS = frozenset(
    {"text", "execute", "executemany", "executescript", "exec_driver_sql", "scalar", "scalars"}
)
BARE_NOQA = re.compile(r"#\s*noqa(?!:\s*[A-Z]+[0-9]+)", re.I)
LATE_IMPORT_NOQA = re.compile(r"#\s*noqa:.*PLC0415", re.I)


def floats(tree: ast.AST) -> Iterator[str]:
    """Object to the name, the annotation and the literal; `isinstance(x, float)` is a guard."""
    guards = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called_name(node) == "isinstance"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "float" and id(node) not in guards:
            yield f"line {node.lineno}: the name float"
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"line {node.lineno}: the literal {node.value}"


def impurities(tree: ast.AST) -> Iterator[str]:
    """Object to clock, chance, environment, files, output, processes, threads and coroutines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield f"line {node.lineno}: a coroutine"
        if isinstance(node, ast.Call):
            name = called_name(node)
            bare = isinstance(node.func, ast.Name) and name in IMPURE_BUILTINS
            if bare or (isinstance(node.func, ast.Attribute) and name in IMPURE_CALLS):
                yield f"line {node.lineno}: a call of {name}()"
    for module, line in imported_modules(tree):
        if module.split(".")[0] in IMPURE_MODULES:
            yield f"line {line}: import of {module}"


def chance(tree: ast.AST) -> Iterator[str]:
    """Object to the import of what makes numbers nobody can repeat."""
    for module, line in imported_modules(tree):
        if module.split(".")[0] in CHANCE_MODULES:
            yield f"line {line}: import of {module}"


def provider_names(tree: ast.AST) -> Iterator[str]:
    """Object to names and strings that name a provider; comments and docstrings may."""
    docstrings = {id(node) for node in _docstring_nodes(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str() as word) if id(node) not in docstrings:
                pass
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.arg(arg=word):
                pass
            case (
                ast.FunctionDef(name=word)
                | ast.AsyncFunctionDef(name=word)
                | ast.ClassDef(name=word)
            ):
                pass
            case ast.alias(name=word) | ast.keyword(arg=str() as word):
                pass
            case _:
                continue
        if PROVIDER_NAME.search(word):
            yield f"line {getattr(node, 'lineno', '?')}: {word[:60]!r}"


def composed_sql(tree: ast.AST) -> Iterator[str]:
    """Object to SQL that is put together from strings: values travel as parameters."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node) in SQL_CALLS and node.args:
            match node.args[0]:
                case ast.JoinedStr() | ast.BinOp(op=ast.Add() | ast.Mod()):
                    yield f"line {node.lineno}: {called_name(node)}() of a composed string"
                case ast.Call(func=ast.Attribute(attr="format")):
                    yield f"line {node.lineno}: {called_name(node)}() of a formatted string"


def dynamic_imports(tree: ast.AST) -> Iterator[str]:
    """Object to imports by name, which no contract sees; a folder may look for its parts."""
    if any(module.split(".")[0] == "pkgutil" for module, _ in imported_modules(tree)):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node) in {"import_module", "__import__"}:
            yield f"line {node.lineno}: {called_name(node)}()"


def silenced_linters(text: str) -> Iterator[str]:
    """Object to a `noqa` without its code, and to one that excuses an import inside a function."""
    for number, line in enumerate(text.splitlines(), 1):
        if BARE_NOQA.search(line):
            yield f"line {number}: noqa names no code"
        if LATE_IMPORT_NOQA.search(line):
            yield f"line {number}: an import inside a function"


def sleeps(tree: ast.AST) -> Iterator[str]:
    """Object to `time.sleep`, however it was imported: wait for the event, not for the clock."""
    bare = any(module == "time.sleep" for module, _ in imported_modules(tree))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="time"), attr="sleep")):
                yield f"line {node.lineno}: time.sleep()"
            case ast.Call(func=ast.Name(id="sleep")) if bare:
                yield f"line {node.lineno}: time.sleep()"


def tests_without_a_sentence(tree: ast.AST) -> Iterator[str]:
    """Object to a test that does not say in its docstring what it shows."""
    for node in functions(tree):
        if node.name.startswith("test_") and not ast.get_docstring(node):
            yield f"line {node.lineno}: {node.name} has no docstring"


def echoes(tree: ast.AST) -> Iterator[str]:
    """Object to output that is not looked through for what steers a terminal."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called_name(node) in {"echo", "secho", "print"}:
            yield f"line {node.lineno}: {ast.unparse(node.func)}()"


PLAIN_IN_SLICES = {"len", "min", "max", "start", "end", "get", "lstrip"}
"""What may be called within the bounds of a slice: asked twice, it says the same."""


def doing_slices(tree: ast.AST) -> Iterator[str]:
    """Slices whose bounds call something that may do something: compiled, it is done twice."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Slice):
            for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
                name = call.func.attr if isinstance(call.func, ast.Attribute) else call.func
                if (name.id if isinstance(name, ast.Name) else name) not in PLAIN_IN_SLICES:
                    yield f"{call.lineno}: {ast.unparse(call)} within a slice"


def views_joined_from_the_right(tree: ast.AST) -> Iterator[str]:
    """Sets that are cut with `keys()` on the right: a `set` comes out where none is expected."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and _is_keys(node.right) and not _is_keys(node.left):
            yield f"{node.lineno}: {ast.unparse(node)} has keys() on the right"


OFFERED = frozenset({"KIND", "PATH", "PATHS", "FORWARDED", "DEFAULTS"})
"""What modules of a kind offer by a protocol, which has no word for a constant."""


def constants_that_may_change(tree: ast.Module) -> Iterator[str]:
    """Constants of a module that are not `Final`: compiled code looks them up, each time."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = "" if "Final" in ast.unparse(node.annotation) else node.target.id
        else:
            continue
        if name.isupper() and name not in OFFERED and not _is_type_variable(node.value):
            yield f"{node.lineno}: {name} is not Final"


def _is_type_variable(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Call) and ast.unparse(value.func) == "TypeVar"


def _is_keys(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "keys"
    )


def function_lengths(tree: ast.AST) -> Iterator[tuple[Function, int]]:
    """Yield each function with its length in lines, from `def` to its last statement."""
    for node in functions(tree):
        yield node, (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str()) as docstring), *_]:
                    yield docstring
