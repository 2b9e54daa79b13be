"""The compiler's runtime remembers where it looked something up, and never tells what was there."""

import importlib.util
import os
import random
import shlex
import subprocess
import sys
import sysconfig
import types
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

CACHES = Path(__file__).parents[2] / "scripts" / "inline_caches"
SOURCE = """
#include <Python.h>
#include "CPy.h"
PyObject *CPyDict_GetItem(PyObject *dict, PyObject *key) { return PyObject_GetItem(dict, key); }
#include <function_wrapper.c>

static PyObject *get(PyObject *self, PyObject *given) {
    return CPyObject_GetAttr(PyTuple_GET_ITEM(given, 0), PyTuple_GET_ITEM(given, 1));
}
static PyObject *item(PyObject *self, PyObject *given) {
    return CPyDict_GetItem(PyTuple_GET_ITEM(given, 0), PyTuple_GET_ITEM(given, 1));
}
static PyObject *call(PyObject *self, PyObject *given) {
    PyObject *args[3] = {NULL, PyTuple_GET_ITEM(given, 0), PyTuple_GET_ITEM(given, 2)};
    size_t count = 2 | PY_VECTORCALL_ARGUMENTS_OFFSET;
    return PyObject_VectorcallMethod(PyTuple_GET_ITEM(given, 1), args + 1, count, NULL);
}
static PyObject *is_one(PyObject *self, PyObject *given) {
    int found = PyObject_IsInstance(PyTuple_GET_ITEM(given, 0), PyTuple_GET_ITEM(given, 1));
    return found < 0 ? NULL : PyBool_FromLong(found);
}
static PyMethodDef methods[] = {
    {"get", get, METH_VARARGS, ""}, {"item", item, METH_VARARGS, ""},
    {"call", call, METH_VARARGS, ""}, {"is_one", is_one, METH_VARARGS, ""}, {0}
};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "looking", 0, -1, methods};
PyMODINIT_FUNC PyInit_looking(void) { return PyModule_Create(&module); }
"""
NAMES = ("x", "y", "z", "__name__", "__dict__", "__class__", "__doc__")


class Slotted:
    """Has fields at offsets."""

    __slots__ = ("x", "y")
    x: Any


class Larger(Slotted):
    """Has one more."""

    __slots__ = ("z",)


class Borrower:
    """Has the field of another, and no room for it."""

    __slots__ = ()
    z = Larger.__dict__["z"]


class Mixed:
    """Has a field, and whatever else it is given."""

    __slots__ = ("__dict__", "x")


class Computed:
    """Has a field that is none."""

    x = property(lambda _self: 5)


class Filling(dict[str, Any]):
    """Has every key."""

    def __missing__(self, key: str) -> str:
        """Return the key itself."""
        return key


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A module that has one place to look up attributes, and one for items."""
    runtime = importlib.util.find_spec("mypyc")
    headers = Path(sysconfig.get_paths()["include"])
    if runtime is None or runtime.origin is None or not (headers / "Python.h").exists():
        pytest.skip("needs mypyc and Python's headers")
    folder = tmp_path_factory.mktemp("looking")
    (folder / "looking.c").write_text(SOURCE)
    folders = (CACHES, Path(runtime.origin).parent / "lib-rt", headers)
    compiler = shlex.split(os.environ.get("CC", "cc"))
    command = [*compiler, "-w", "-O1", "-shared", "-fPIC", *(f"-I{each}" for each in folders)]
    subprocess.run([*command, "looking.c", "-o", "looking.so"], cwd=folder, check=True)
    before = sys.getdlopenflags()
    # Most of the runtime is not here: what nobody calls is not missed.
    sys.setdlopenflags(os.RTLD_LAZY)
    try:
        spec = importlib.util.spec_from_file_location("looking", folder / "looking.so")
        assert spec is not None
        return importlib.util.module_from_spec(spec)
    finally:
        sys.setdlopenflags(before)


def told(look: Any, *given: Any) -> tuple[Any, ...]:
    """Return what is found, or the kind of the error."""
    try:
        return (look(*given),)
    except (AttributeError, KeyError, TypeError) as error:
        return ("nothing", type(error))


@pytest.mark.slow
def test_whatever_changes_is_looked_up_anew(looking: Any) -> None:
    """Objects, types, modules and dicts that change meanwhile are told as the interpreter does."""
    chance = random.Random(1)
    module = types.ModuleType("changing")
    turning: Any = type("Turning", (Slotted,), {"__slots__": ("z",)})
    field, turned = turning.z, turning()
    mixed, kinds = Mixed(), list[Any]([Slotted, Larger, Mixed, Computed])
    objects: list[Any] = [module, types.ModuleType("other"), Slotted(), Slotted(), Larger()]
    objects += [Larger(), turned, Borrower(), mixed, Computed()]
    dicts: list[dict[str, Any]] = [{}, {}, module.__dict__, mixed.__dict__, Filling()]
    for number in range(200_000):
        one, name, items = chance.choice(objects), chance.choice("xyz"), chance.choice(dicts)
        match chance.randrange(8):
            case 0:
                told(setattr, one, name, number)
            case 1:
                told(delattr, one, name)
            case 2:
                items[name] = number
            case 3:
                items.pop(name, None)
            case 4 if chance.random() < 0.02:
                chance.choice(kinds).other = number
            case 5:
                turning.z = chance.choice([field, Computed.x])
            case 6 if chance.random() < 0.02:
                objects[9] = type("Made", (), {"__slots__": ("x",)})()
        name = chance.choice(NAMES)
        assert told(looking.get, one, name) == told(getattr, one, name)
        assert told(looking.item, items, name) == told(lambda of, key: of[key], items, name)


class Speaking:
    """Has methods, and no attributes of its own."""

    __slots__ = ()

    def x(self, given: Any) -> Any:
        """Return what is given."""
        return given

    def y(self, given: Any) -> Any:
        """Return it twice."""
        return (given, given)


class Louder(Speaking):
    """Inherits them."""

    __slots__ = ()


class Own(Speaking):
    """Has attributes of its own."""


@pytest.mark.slow
def test_methods_that_change_are_looked_up_anew(looking: Any) -> None:
    """Whatever stands by a name, in a type, its base or the object, is what is called."""
    chance = random.Random(2)
    of_each: list[Any] = [Speaking.x, Speaking.y, len, int.__add__, property(lambda _self: str)]
    of_each += [staticmethod(repr), classmethod(lambda _type, given: [given])]
    of_each.append(lambda self, given: (type(self), given))
    objects: list[Any] = [Speaking(), Louder(), Own(), Own(), Mixed(), Larger()]
    objects += [[1], b"ab", "ab", 7]
    for _ in range(200_000):
        one, name = chance.choice(objects), chance.choice(("x", "y", "count", "find", "__add__"))
        match chance.randrange(40):
            case 0:
                setattr(chance.choice((Speaking, Louder, Own)), name, chance.choice(of_each))
            case 1:
                told(delattr, chance.choice((Louder, Own)), name)
            case 2:
                told(setattr, one, name, chance.choice(of_each))
            case 3:
                told(delattr, one, name)
        given = chance.choice((1, b"b", "b"))
        expected = told(lambda of, key, it: getattr(of, key)(it), one, name, given)
        assert told(looking.call, one, name, given) == expected


class Pair(Struct):
    """Is of a type whose own type is not `type`, and judges as it does."""

    x: int


class Judging(type):
    """The type of classes that judge by themselves who is one of them."""

    def __instancecheck__(cls, one: object) -> bool:
        """Take whoever has an `x` now."""
        return hasattr(one, "x")


@pytest.mark.slow
def test_what_is_of_another_class_by_now_is_looked_at_anew(looking: Any) -> None:
    """Objects change their class, classes their bases, and either may say what it likes."""
    chance = random.Random(3)
    first: Any = type("First", (), {"__slots__": ()})
    second: Any = type("Second", (), {"__slots__": ()})
    turning: Any = type("Turning", (first,), {})
    judged: Any = Judging("Judged", (), {})
    said: Any = type("Said", (first,), {})
    says = [first]
    saying = type("Saying", (said,), {"__class__": property(lambda _self: says[0])})
    of = [first, second, turning, judged, said, int, tuple, str, int | str, 5, Pair]
    of += [(first, int), (second, judged), (str, second), (Pair, first), ()]
    objects: list[Any] = [first(), second(), turning(), turning(), said(), Slotted(), 7, True, "x"]
    objects += [Pair(1), Pair(2)]
    one, kind = objects[0], of[0]
    for _ in range(200_000):
        match chance.randrange(20):
            case 0:
                turning.__bases__ = (chance.choice((first, second)),)
            case 1:
                objects[4] = said()
            case 2:
                judge = chance.choice((lambda _one: True, lambda _one: False))
                told(setattr, said, "__instancecheck__", judge)
            case 3:
                objects[4] = saying()
            case 4:
                told(setattr, objects[2], "__class__", chance.choice((turning, said)))
            case 5:
                objects[5].x = 1
            case 6:
                told(delattr, objects[5], "x")
            case 7:
                says[0] = chance.choice((first, second))
        # Mostly the same again, whatever has changed.
        if chance.random() < 0.2:
            one, kind = chance.choice(objects), chance.choice(of)
        assert told(looking.is_one, one, kind) == told(isinstance, one, kind)


@pytest.mark.slow
def test_a_method_may_end_itself(looking: Any) -> None:
    """It is kept while it runs; afterwards it is not there."""

    def last(self: Any, given: Any) -> Any:
        if given:
            del ending.last
        return [given]

    ending: Any = type("Ending", (), {"__slots__": (), "last": last})
    del last
    assert looking.call(ending(), "last", 0) == [0]
    assert looking.call(ending(), "last", 1) == [1]
    assert told(looking.call, ending(), "last", 1) == ("nothing", AttributeError)


@pytest.mark.slow
def test_no_reference_is_lost(looking: Any) -> None:
    """What is found a thousand times is held as often as before."""
    value, one = object(), Slotted()
    one.x = value
    items = {"x": value}
    before = sys.getrefcount(value)

    for _ in range(1_000):
        assert looking.get(one, "x") is looking.item(items, "x") is value
        assert looking.call([value], "count", value) == 1
        assert looking.is_one(value, object)

    assert sys.getrefcount(value) == before
