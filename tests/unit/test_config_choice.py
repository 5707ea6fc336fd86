"""A key whose value is a class of a registry: its short form, its messages, its schema, and late comers."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Annotated

import pytest
from pydantic import ValidationError

from cosim.config.base import Model, Positive
from cosim.config.choice import Choice
from cosim.config.pydantic_errors import translate
from cosim.config.schema_walk import all_keys, keys_of, models_at, sections_with
from cosim.config.yaml_reader import parse_yaml
from cosim.core.registry import Registry


class Shape(Model):
    """What has an area."""

    @abstractmethod
    def area(self) -> float:
        """Its area."""


SHAPES = Registry("shape", Shape)  # type: ignore[type-abstract]


class Corner(Model):
    """How a corner is cut."""

    radius: Positive
    """Its radius."""


@SHAPES.register("square")
class Square(Shape):
    """Four equal sides."""

    side: Positive = 1.0
    """Length of a side."""
    corner: Corner | None = None
    """How its corners are cut."""

    def area(self) -> float:
        """Its area."""
        return self.side**2


@SHAPES.register("strip")
class Strip(Shape):
    """Longer than wide."""

    length: Positive
    """Its length."""

    def area(self) -> float:
        """Its area."""
        return self.length


class Drawing(Model):
    """What is drawn."""

    shape: Annotated[Shape, Choice(SHAPES)] = Square()
    """One shape."""
    more: tuple[Annotated[Shape, Choice(SHAPES)], ...] = ()
    """Others."""
    last: Annotated[Shape, Choice(SHAPES)] | None = None
    """Perhaps one more."""


def told(text: str) -> list[str]:
    document = parse_yaml(text, "drawing.yaml")
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate(document.data)
    return [str(problem) for problem in translate(caught.value, document, Drawing)]


def test_a_name_alone_is_short_for_its_kind() -> None:
    short = Drawing.model_validate({"shape": "square", "more": ["square", {"kind": "strip", "length": 2}]})
    long = Drawing.model_validate(
        {"shape": {"kind": "square"}, "more": [{"kind": "square"}, {"kind": "strip", "length": 2}]}
    )
    assert short == long
    assert short.shape == Square()
    assert [shape.area() for shape in short.more] == [1.0, 2.0]


def test_an_object_is_taken_as_it_is() -> None:
    shape = Strip(length=3.0)
    assert Drawing(shape=shape, last=shape).last == shape
    assert Drawing.model_validate({"last": None}).last is None


def test_what_is_dumped_reads_back() -> None:
    drawing = Drawing(shape=Square(corner=Corner(radius=0.1)), more=(Strip(length=2.0),))
    data = drawing.model_dump(mode="json")
    assert data["shape"] == {"kind": "square", "side": 1.0, "corner": {"radius": 0.1}}
    assert Drawing.model_validate(json.loads(json.dumps(data))) == drawing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "shape: sqare",
            "drawing.yaml:1: shape: 'sqare' is not one of the choices (given: \"sqare\"). "
            "Did you mean 'square'? Choices: square, strip.",
        ),
        (
            "more:\n- kind: stripe",
            "drawing.yaml:2: more.0.kind: 'stripe' is not one of the choices (given: \"stripe\"). "
            "Did you mean 'strip'? Choices: square, strip.",
        ),
        (
            "shape:\n  kind: square\n  corner:\n    radius: -1",
            "drawing.yaml:4: shape.corner.radius: must be more than 0 (given: -1). "
            "Write a number above 0 and at most 1,000,000,000.",
        ),
        (
            "last:\n  kind: square\n  corner:\n    radios: 1",
            "drawing.yaml:4: last.corner.radios: unknown key 'radios' (given: 1). Did you mean 'radius'?",
        ),
        (
            "more:\n- square\n- {kind: strip,\n   side: 2}",
            "drawing.yaml:4: more.1.side: unknown key 'side' (given: 2). "
            "It belongs under `last`, `more` or `shape`. Keys here: kind, length.",
        ),
        (
            "shape: strip",
            "drawing.yaml:1: shape.length: this key is missing. Add `length: ...` (Its length).",
        ),
        (
            "shape:\n  side: 2",
            "drawing.yaml:1: shape: the key 'kind' is missing. It says which form this is: square or strip.",
        ),
        (
            "shape:\n  form: square\n  side: 2",
            "drawing.yaml:1: shape: the key 'kind' is missing. Write `kind: square` in place of `form: ...`.",
        ),
        (
            "shape: 3",
            "drawing.yaml:1: shape: keys and values are expected (given: 3). "
            "Begin with `kind:`, which is square or strip.",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    assert said in told(text)


def test_the_json_schema_has_every_class() -> None:
    schema = Drawing.model_json_schema()
    assert {"Square", "Strip", "Corner"} <= set(schema["$defs"])
    short, long = schema["properties"]["shape"]["anyOf"]
    assert short == {"type": "string", "enum": ["square"]}
    assert [option["$ref"] for option in long["oneOf"]] == ["#/$defs/Square", "#/$defs/Strip"]
    assert schema["$defs"]["Strip"]["properties"]["kind"]["const"] == "strip"


def test_the_walk_knows_the_keys_of_every_class() -> None:
    assert keys_of(models_at(Drawing, ["shape"])) == ["kind", "side", "corner", "length"]
    assert keys_of(models_at(Drawing, ["more", 0, "strip"])) == ["kind", "length"]
    assert sections_with(Drawing, "radius") == ["corner"]


def test_what_is_registered_late_counts_for_models_built_before(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "a" in told("shape: disc")[0]
    monkeypatch.setattr(SHAPES, "_classes", dict(SHAPES._classes))

    @SHAPES.register("disc")
    class Disc(Shape):
        """Round."""

        diameter: Positive = 2.0
        """Across it."""

        def area(self) -> float:
            return 0.785 * self.diameter**2

    assert Drawing.model_validate({"shape": "disc"}).shape == Disc()
    assert "Disc" in Drawing.model_json_schema()["$defs"]
    assert "diameter" in all_keys(Drawing)
    assert "Did you mean 'diameter'" in told("shape: {kind: disc, diametre: 2}")[0]
    assert "Choices: square, strip, disc." in told("shape: dsc")[0]


def test_one_class_alone_is_a_choice_too() -> None:
    shapes = Registry("shape", Shape)  # type: ignore[type-abstract]
    only = type("Only", (Square,), {"__module__": __name__, "__doc__": "Alone."})
    shapes.register("only")(only)

    class Holder(Model):
        shape: Annotated[Shape, Choice(shapes)]

    assert Holder.model_validate({"shape": "only"}).shape.area() == 1.0
    with pytest.raises(ValidationError, match="does not match any of the expected tags: 'only'"):
        Holder.model_validate({"shape": {"kind": "other"}})
