"""Registries: what is taken in, and how what does not fit is refused."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar, Literal, Protocol

import pytest
from pydantic import BaseModel

from cosim.config.base import Model
from cosim.config.key_descriptions import description_of
from cosim.core.errors import InputError
from cosim.core.registry import Entry, PluginError, Registry, registrations


class Shape(Model):
    """What has an area."""

    sides: ClassVar[int]

    @abstractmethod
    def area(self, scale: float) -> float:
        """Its area."""


class Timer(Protocol):
    """What ticks; no model."""

    def tick(self, now_ms: int, *, late: bool) -> int:
        """The next instant."""


@pytest.fixture
def shapes() -> Registry[Shape]:
    shapes = Registry("shape", Shape)  # type: ignore[type-abstract]

    @shapes.register("square")
    class Square(Shape):
        """Four equal sides.

        And more.
        """

        sides: ClassVar[int] = 4
        side: float = 1.0

        def area(self, scale: float) -> float:
            return scale * self.side**2

    return shapes


def refusal(registry: Registry, name: str, cls: type) -> str:  # type: ignore[type-arg]
    before = registry.names(), registrations()
    with pytest.raises(PluginError) as caught:
        registry.register(name)(cls)
    assert (registry.names(), registrations()) == before
    (problem,) = caught.value.problems
    assert problem.file == __file__
    assert problem.line > 0
    return f"{problem.message}. {problem.remedy}"


def test_a_class_is_found_by_its_name(shapes: Registry[Shape]) -> None:
    square = shapes["square"]
    assert square().area(2.0) == 2.0
    assert shapes.names() == ("square",)
    assert shapes.classes() == (square,)
    assert "square" in shapes
    assert "circle" not in shapes
    assert shapes.entries() == (Entry("square", "Four equal sides."),)
    with pytest.raises(InputError, match=r"no shape of this name \(given: sqare\)\. Did you mean 'square'\?"):
        shapes["sqare"]


def test_a_model_is_given_its_kind_as_the_first_key(shapes: Registry[Shape]) -> None:
    square = shapes["square"]
    assert list(square.model_fields) == ["kind", "side"]
    assert square(side=2.0).model_dump() == {"kind": "square", "side": 2.0}
    with pytest.raises(ValueError, match="'square'"):
        square(kind="circle")  # type: ignore[call-arg]


def test_a_kind_of_its_own_stays(shapes: Registry[Shape]) -> None:
    @shapes.register("point")
    class Point(Shape):
        sides: ClassVar[int] = 0
        kind: Literal["point"] = "point"
        """What the class itself says."""

        def area(self, scale: float) -> float:
            return 0.0

    assert description_of(Point, "kind") == "What the class itself says."


def test_a_name_is_taken_once(shapes: Registry[Shape]) -> None:
    text = refusal(shapes, "square", Square2)
    assert "test_core_registry.Square2: the shape 'square' already exists" in text
    assert "Square)" in text


def test_the_same_class_may_come_again(shapes: Registry[Shape]) -> None:
    old = shapes["square"]
    again = type(
        old.__name__, (Shape,), {**vars(Square2), "__qualname__": old.__qualname__}
    )  # as a notebook does
    shapes.register("square")(again)
    assert shapes.classes() == (again,)


class Square2(Shape):
    sides: ClassVar[int] = 4

    def area(self, scale: float) -> float:
        return scale


@pytest.mark.parametrize("name", ["", "Square", "a b", "2d", "a.b", "é", "a" * 65])
def test_a_name_is_a_small_word(shapes: Registry[Shape], name: str) -> None:
    assert "cannot name a shape" in refusal(shapes, name, Square2)


class NoArea(Shape):
    sides: ClassVar[int] = 3


class Nothing(Model):
    pass


class OtherArea(Shape):
    sides: ClassVar[int] = 3

    def area(self) -> float:  # type: ignore[override]
        return 1.0


class Loose(BaseModel):
    sides: ClassVar[int] = 3

    def area(self, scale: float) -> float:
        return scale


@pytest.mark.parametrize(
    ("cls", "said"),
    [
        (NoArea, "the shape 'new' has no area. Define it in the class."),
        (Nothing, "the shape 'new' has no sides and area. Define them in the class."),
        (OtherArea, "`area` must be callable as area(self, scale: 'float') -> 'float'"),
        (Loose, "is not a frozen pydantic model that refuses unknown keys. Derive the class from Shape"),
    ],
)
def test_what_does_not_fit_is_refused(shapes: Registry[Shape], cls: type, said: str) -> None:
    text = refusal(shapes, "new", cls)
    assert text.startswith(f"class {__name__}.{cls.__name__}: ")
    assert said in text


def test_plain_classes_need_no_model() -> None:
    timers = Registry[Timer]("timer", Timer, in_schema=False)  # type: ignore[type-abstract]

    @timers.register("fast")
    class Fast:
        """Ticks at once."""

        def tick(self, now_ms: int, *, late: bool) -> int:
            return now_ms

    class Slow:
        def tick(self, now_ms: int) -> int:
            return now_ms

    assert timers["fast"] is Fast
    assert "tick(self, now_ms: 'int', *, late: 'bool')" in refusal(timers, "slow", Slow)
    assert "the timer 'none' has no tick" in refusal(timers, "none", NotATimer)


class NotATimer:
    pass
