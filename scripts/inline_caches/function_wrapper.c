/*
 * What the compiler's own runtime looks up by name each time is remembered where it was looked up.
 *
 * Compiled code reads the fields of a Struct by their names, calls methods of what is not compiled by
 * theirs, and finds what its module imports from one that is not compiled by its name: some hundred lookups a call, most with the answer of the last
 * time. The interpreter remembers those in its bytecode; this does the same for the compiler.
 *
 * It lies in front of the runtime's file of its name (`scripts/compile`), which the generated code
 * includes after all that defines what is redefined here. Where it is not found, or the interpreter
 * is of another kind, everything is looked up as before.
 */
#include_next <function_wrapper.c>

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030F0000 && !defined(Py_GIL_DISABLED)
#include <structmember.h>

#define HAS_DICT_VERSIONS (PY_VERSION_HEX < 0x030D0000)

#if HAS_DICT_VERSIONS
/* An item of a dict, as long as nothing in the dict changes: no two states have one version. */
typedef struct {
    uint64_t version;
    PyObject *key; /* kept, so that no other key comes to lie where it lay */
    PyObject *value;
} ItemPlace;

static void ItemPlace_keep(ItemPlace *place, PyObject *dict, PyObject *key, PyObject *value) {
    if (PyDict_CheckExact(dict) && PyUnicode_CheckExact(key)) {
        PyObject *before = place->key;
        place->version = ((PyDictObject *)dict)->ma_version_tag;
        place->key = Py_NewRef(key);
        place->value = value; /* the dict keeps it while it has this version */
        Py_XDECREF(before);
    }
}

static inline int ItemPlace_holds(ItemPlace *place, PyObject *dict, PyObject *key) {
    return key == place->key && PyDict_CheckExact(dict) &&
           ((PyDictObject *)dict)->ma_version_tag == place->version;
}

static Py_NO_INLINE PyObject *ItemPlace_find(ItemPlace *place, PyObject *dict, PyObject *key) {
    PyObject *value = CPyDict_GetItem(dict, key);
    if (value != NULL) {
        ItemPlace_keep(place, dict, key, value);
    }
    return value;
}

static inline PyObject *ItemPlace_get(ItemPlace *place, PyObject *dict, PyObject *key) {
    return ItemPlace_holds(place, dict, key) ? Py_NewRef(place->value)
                                             : ItemPlace_find(place, dict, key);
}

#define CPyDict_GetItem(dict, key)               \
    ({                                           \
        static ItemPlace place;                  \
        ItemPlace_get(&place, (dict), (key));    \
    })
#endif

/* A field: at this offset in objects of a type, as long as nobody changes the type; or a name of a
   module. */
typedef struct {
    PyTypeObject *type;
    unsigned int version;
    PyObject *name; /* kept; `getattr` asks for many in one place */
    Py_ssize_t offset;
#if HAS_DICT_VERSIONS
    ItemPlace item;
#endif
} FieldPlace;

#if HAS_DICT_VERSIONS
static PyObject *ItemPlace_of_module(ItemPlace *place, PyObject *module, PyObject *name) {
    PyObject *dict = PyModule_GetDict(module);
    if (ItemPlace_holds(place, dict, name)) {
        return Py_NewRef(place->value);
    }
    PyObject *value = PyObject_GetAttr(module, name);
    /* What the type of modules has by that name, or a module's own __getattr__, is not in the dict. */
    if (value != NULL && PyDict_GetItemWithError(dict, name) == value) {
        ItemPlace_keep(place, dict, name, value);
    }
    return value;
}
#endif

static Py_NO_INLINE PyObject *FieldPlace_find(FieldPlace *place, PyObject *object, PyObject *name) {
    PyTypeObject *type = Py_TYPE(object);
#if HAS_DICT_VERSIONS
    if (PyModule_CheckExact(object)) {
        return ItemPlace_of_module(&place->item, object, name);
    }
#endif
    if (type->tp_getattro == PyObject_GenericGetAttr) {
        PyObject *found = _PyType_Lookup(type, name);
        if (found != NULL && Py_IS_TYPE(found, &PyMemberDescr_Type)) {
            PyMemberDef *member = ((PyMemberDescrObject *)found)->d_member;
            /* No flag: the field is read as it is. A version of 0 says that there is none. A type may
               have the field of another under its name, of which its objects have no room. */
            if (member->type == T_OBJECT_EX && (member->flags & ~READONLY) == 0 &&
                type->tp_version_tag != 0 && PyType_IsSubtype(type, PyDescr_TYPE(found))) {
                PyObject *before = place->name;
                place->type = type;
                place->version = type->tp_version_tag;
                place->name = Py_NewRef(name);
                place->offset = member->offset;
                Py_XDECREF(before);
            }
        }
    }
    return PyObject_GetAttr(object, name);
}

static inline PyObject *FieldPlace_get(FieldPlace *place, PyObject *object, PyObject *name) {
    PyTypeObject *type = Py_TYPE(object);
    if (type == place->type && type->tp_version_tag == place->version && name == place->name) {
        PyObject *value = *(PyObject **)((char *)object + place->offset);
        if (value != NULL) {
            return Py_NewRef(value);
        }
    }
    return FieldPlace_find(place, object, name);
}

#undef CPyObject_GetAttr
#define CPyObject_GetAttr(object, name)            \
    ({                                             \
        static FieldPlace place;                   \
        FieldPlace_get(&place, (object), (name));  \
    })

/* A method: of a type whose objects have nothing else by its name, as long as nobody changes the type; or
   a function of a module, which is called as one. */
typedef struct {
    PyTypeObject *type;
    unsigned int version;
    PyObject *name;   /* kept */
    PyObject *method; /* the type keeps it while it has this version */
#if HAS_DICT_VERSIONS
    ItemPlace item;
#endif
} MethodPlace;

static Py_NO_INLINE PyObject *MethodPlace_find(MethodPlace *place, PyObject *name,
                                               PyObject *const *args, size_t nargsf,
                                               PyObject *kwnames) {
    PyTypeObject *type = Py_TYPE(args[0]);
#if HAS_DICT_VERSIONS
    if (PyModule_CheckExact(args[0])) {
        PyObject *function = ItemPlace_of_module(&place->item, args[0], name);
        if (function == NULL) {
            return NULL;
        }
        /* What was said of the place before the arguments holds for that of the module. */
        PyObject *result = PyObject_Vectorcall(function, args + 1, nargsf - 1, kwnames);
        Py_DECREF(function);
        return result;
    }
#endif
    if (type->tp_getattro == PyObject_GenericGetAttr && type->tp_dictoffset == 0 &&
        !PyType_HasFeature(type, Py_TPFLAGS_MANAGED_DICT)) {
        PyObject *found = _PyType_Lookup(type, name);
        if (found != NULL && type->tp_version_tag != 0 &&
            PyType_HasFeature(Py_TYPE(found), Py_TPFLAGS_METHOD_DESCRIPTOR)) {
            PyObject *before = place->name;
            place->type = type;
            place->version = type->tp_version_tag;
            place->name = Py_NewRef(name);
            place->method = found;
            Py_XDECREF(before);
        }
    }
    return PyObject_VectorcallMethod(name, args, nargsf, kwnames);
}

static inline PyObject *MethodPlace_call(MethodPlace *place, PyObject *name, PyObject *const *args,
                                         size_t nargsf, PyObject *kwnames) {
    PyTypeObject *type = Py_TYPE(args[0]);
    if (type == place->type && type->tp_version_tag == place->version && name == place->name) {
        PyObject *method = Py_NewRef(place->method); /* what it does may change the type */
        nargsf &= ~PY_VECTORCALL_ARGUMENTS_OFFSET;
        PyObject *result = PyObject_Vectorcall(method, args, nargsf, kwnames);
        Py_DECREF(method);
        return result;
    }
    return MethodPlace_find(place, name, args, nargsf, kwnames);
}

/* Whether objects of a type are of a class, or of one of several, as long as nobody changes the type. */
typedef struct {
    PyTypeObject *type;
    unsigned int version;
    PyObject *class; /* kept */
    int is_one;
} KindPlace;

static int KindPlace_inherits(PyTypeObject *type, PyTypeObject *base, PyObject **name, const char *text) {
    if (*name == NULL && (*name = PyUnicode_InternFromString(text)) == NULL) {
        PyErr_Clear();
        return 0;
    }
    return _PyType_Lookup(type, *name) == _PyType_Lookup(base, *name);
}

/* Whether a class does not judge by itself who is one of it, and never will: its own type cannot be changed. */
static int KindPlace_is_plain(PyObject *class) {
    static PyObject *name = NULL;
    PyTypeObject *type = Py_TYPE(class);
    return PyType_Check(class) && !PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
           KindPlace_inherits(type, &PyType_Type, &name, "__instancecheck__");
}

static int KindPlace_are_plain(PyObject *class) {
    if (!PyTuple_CheckExact(class)) {
        return KindPlace_is_plain(class);
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(class); i++) {
        if (!KindPlace_is_plain(PyTuple_GET_ITEM(class, i))) {
            return 0;
        }
    }
    return 1;
}

static Py_NO_INLINE int KindPlace_find(KindPlace *place, PyObject *object, PyObject *class) {
    static PyObject *name = NULL;
    PyTypeObject *type = Py_TYPE(object);
    int is_one = PyObject_IsInstance(object, class);
    /* An object may say that it is of another class than its type. */
    if (is_one >= 0 && KindPlace_are_plain(class) && type->tp_getattro == PyObject_GenericGetAttr &&
        KindPlace_inherits(type, &PyBaseObject_Type, &name, "__class__") && type->tp_version_tag != 0) {
        PyObject *before = place->class;
        place->type = type;
        place->version = type->tp_version_tag;
        place->class = Py_NewRef(class);
        place->is_one = is_one;
        Py_XDECREF(before);
    }
    return is_one;
}

static inline int KindPlace_is(KindPlace *place, PyObject *object, PyObject *class) {
    PyTypeObject *type = Py_TYPE(object);
    if (type == place->type && type->tp_version_tag == place->version && class == place->class) {
        return place->is_one;
    }
    return KindPlace_find(place, object, class);
}

#define PyObject_IsInstance(object, class)                 \
    ({                                                     \
        static KindPlace place;                            \
        KindPlace_is(&place, (object), (class));           \
    })

#define PyObject_VectorcallMethod(name, args, nargsf, kwnames)                 \
    ({                                                                         \
        static MethodPlace place;                                              \
        MethodPlace_call(&place, (name), (args), (nargsf), (kwnames));         \
    })
#endif
