"""Names and the classes they stand for: choices of the configuration, and the door for classes from outside.

A wing makes a registry for each interface it has; a class joins it by a decorator::

    POLICIES = Registry("response policy", Policy)

    @POLICIES.register("additive")
    class Additive(Policy):
        ...
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any, Generic, Literal, NamedTuple, TypeVar, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cosim.core.errors import InputError, Problem, listed, suggest

T = TypeVar("T")
C = TypeVar("C", bound=type)

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_registered = 0
_outside: dict[tuple[str, str], type] = {}


class PluginError(InputError):
    """A class that cannot be registered; its problem names the class, its module, file and line."""


class Entry(NamedTuple):
    """One class of a registry, for lists and documentation."""

    name: str
    """As in a scenario."""
    summary: str
    """First line of the class's docstring."""


class Registry(Generic[T]):
    """The classes of one interface, by the names they have in a scenario.

    Parameters
    ----------
    noun : str
        What one of them is, for messages: ``response policy``.
    interface : type
        A base class or a protocol; a class must have each of its public members.
    in_schema : bool
        Whether the classes are pydantic models that a scenario chooses by their `kind`; else they are plain
        classes.
    welcome : callable, optional
        Called with the name and the class of each that fits, before it is taken in; may refuse it.
    """

    def __init__(
        self,
        noun: str,
        interface: type[T],
        in_schema: bool = True,
        welcome: Callable[[str, type[T]], None] = lambda name, cls: None,
    ) -> None:
        self.noun = noun
        self.interface = interface
        self._in_schema = in_schema
        self._welcomes = [welcome]
        self._classes: dict[str, type[T]] = {}

    def register(self, name: str) -> Callable[[C], C]:
        """Decorator that takes a class in under `name`.

        A model that declares no `kind` of its own is given one. A class of the same module and name takes
        its former self's place, as when the cell of a notebook is run again.

        Raises
        ------
        PluginError
            If the name is taken or no name, or the class misses something of the interface.
        """

        def take_in(cls: C) -> C:
            global _registered
            self._check_name(name, cls)
            self._check_class(name, cls)
            for welcome in self._welcomes:
                welcome(name, cls)
            if self._in_schema:
                _give_kind(cls, name)
            self._classes[name] = cls
            _registered += 1
            if not is_own(cls):
                _outside[self.noun, name] = cls
            return cls

        return take_in

    def ask_too(self, welcome: Callable[[str, type[T]], None]) -> None:
        """Call this, as `welcome`, of each class from now on, and at once of those that there are."""
        for name, cls in self._classes.items():
            welcome(name, cls)
        self._welcomes.append(welcome)

    def without(self, base: type) -> Registry[T]:
        """The same registry, also as it grows, without the classes that derive from `base`."""
        return _Part(self, base)

    def names(self) -> tuple[str, ...]:
        """Names in the order of registration."""
        return tuple(self._classes)

    def classes(self) -> tuple[type[T], ...]:
        """Classes in the order of registration."""
        return tuple(self._classes.values())

    def items(self) -> tuple[tuple[str, type[T]], ...]:
        """Names and classes in the order of registration."""
        return tuple(self._classes.items())

    def entries(self) -> tuple[Entry, ...]:
        """Each name with the first line of its class's docstring."""
        return tuple(Entry(name, _first_line(cls)) for name, cls in self._classes.items())

    def __getitem__(self, name: str) -> type[T]:
        if name in self._classes:
            return self._classes[name]
        raise InputError(
            [Problem(f"there is no {self.noun} of this name", suggest(name, self._classes), value=name)]
        )

    def __contains__(self, name: object) -> bool:
        return name in self._classes

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    def _check_name(self, name: str, cls: type) -> None:
        if not _NAME.fullmatch(name):
            message = f"'{name}' cannot name a {self.noun}"
            raise refused(
                cls, message, "Begin with a lower-case letter, and use only lower-case letters, digits and _."
            )
        former = self._classes.get(name)
        if former is not None and (former.__module__, former.__qualname__) != (
            cls.__module__,
            cls.__qualname__,
        ):
            message = f"the {self.noun} '{name}' already exists ({_full_name(former)})"
            raise refused(cls, message, "Choose another name.")

    def _check_class(self, name: str, cls: type) -> None:
        called = f"the {self.noun} '{name}'"
        if self._in_schema and not is_strict_model(cls):
            base = self.interface.__name__
            message = f"{called} is not a frozen pydantic model that refuses unknown keys"
            raise refused(cls, message, f"Derive the class from {base}, and declare its keys as fields.")
        members = _members(self.interface)
        missing = [member for member in members if not _has(cls, member)]
        if missing:
            message = f"{called} has no {listed(missing)}"
            raise refused(cls, message, f"Define {'it' if len(missing) == 1 else 'them'} in the class.")
        for member in members:
            wanted, own = _function(self.interface, member), _function(cls, member)
            if (
                inspect.isfunction(wanted)
                and inspect.isfunction(own)
                and not _can_be_called_like(own, wanted)
            ):
                message = f"{called}: `{member}` must be callable as {member}{inspect.signature(wanted)}"
                raise refused(cls, message, "Accept these parameters, in this order.")


class _Part(Registry[T]):
    """What a registry has without some of its classes; nothing is registered here."""

    def __init__(self, whole: Registry[T], without: type) -> None:
        self._whole = whole
        self._without = without
        self.noun, self.interface = whole.noun, whole.interface

    @property
    def _classes(self) -> dict[str, type[T]]:  # type: ignore[override]
        every = self._whole._classes
        return {name: cls for name, cls in every.items() if not issubclass(cls, self._without)}


def import_modules(package: str) -> None:
    """Import every module of a package, in the order of their names, so that its classes are registered."""
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        importlib.import_module(module.name)


def registrations() -> int:
    """How many classes all registries have taken in; what is read off a schema is good for one number."""
    return _registered


def outside_classes() -> tuple[type, ...]:
    """Classes of all registries that are none of cosim's own."""
    return tuple(_outside.values())


def is_own(thing: object) -> bool:
    """Whether a class, or that of an object, is one of cosim's own."""
    cls = thing if isinstance(thing, type) else type(thing)
    return cls.__module__.partition(".")[0] == "cosim"


def class_name(thing: object) -> str:
    """Module and name of an object's class, for messages."""
    return _full_name(type(thing))


def _members(interface: type) -> list[str]:
    """Public attributes that an interface declares itself, or by a base that is no model."""
    found: dict[str, None] = {}
    for cls in reversed(interface.__mro__):
        if cls.__module__.partition(".")[0] in ("builtins", "typing", "abc", "pydantic"):
            continue
        found |= dict.fromkeys([*inspect.get_annotations(cls), *vars(cls)])
    return [
        name for name in found if not (name.startswith("_") or hasattr(BaseModel, name) or name == "kind")
    ]


def _has(cls: type, member: str) -> bool:
    if member in getattr(cls, "model_fields", ()):
        return True
    return hasattr(cls, member) and not getattr(getattr(cls, member), "__isabstractmethod__", False)


def _can_be_called_like(own: Callable[..., Any], wanted: Callable[..., Any]) -> bool:
    """Whether a call that suits one function suits the other."""
    parameters = inspect.signature(wanted).parameters.values()
    by_name = {p.name: None for p in parameters if p.kind is p.KEYWORD_ONLY}
    by_place = [None for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    try:
        inspect.signature(own).bind(*by_place, **by_name)
    except TypeError:
        return False
    return True


def _function(cls: type, member: str) -> Any:
    """A method as it is defined, one of the class too; anything else as it is."""
    found = inspect.getattr_static(cls, member, None)
    return found.__func__ if isinstance(found, classmethod) else found


def is_strict_model(cls: object) -> bool:
    """Whether it is a frozen pydantic model that refuses unknown keys."""
    return (
        isinstance(cls, type)
        and issubclass(cls, BaseModel)
        and cls.model_config.get("extra") == "forbid"
        and bool(cls.model_config.get("frozen"))
    )


def _give_kind(cls: type, name: str) -> None:
    """See to it that a model has the key `kind`, first of its keys, with `name` as its one value."""
    assert issubclass(cls, BaseModel)  # `_check_class` has seen to it
    own = cls.model_fields.get("kind")
    if own is not None and get_args(own.annotation) == (name,):
        return
    field = FieldInfo.from_annotated_attribute(Literal[name], name)  # type: ignore[arg-type]
    field.description = f"Chooses `{name}`."
    others = {key: value for key, value in cls.model_fields.items() if key != "kind"}
    cls.__pydantic_fields__ = {"kind": field, **others}
    if cls.__pydantic_complete__:  # else it is built from its fields when it is first used
        cls.model_rebuild(force=True)


def refused(cls: type, message: str, remedy: str) -> PluginError:
    """The error of a class that cannot be registered, with the place of its definition."""
    try:
        file, line = inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):  # made without a file
        file, line = "", 0
    return PluginError([Problem(f"class {_full_name(cls)}: {message}", remedy, file=file, line=line)])


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _first_line(cls: type) -> str:
    return (inspect.getdoc(cls) or "").partition("\n")[0]
