"""Make the reference pages from the code: every key, column, number and command.

python docs/build_reference.py            # writes the pages of PAGES into docs/
"""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from typer.cli import get_docs_for_click
from typer.main import get_command

from cosim.cli.entry import app
from cosim.config.base import Range
from cosim.config.choice import Choice
from cosim.config.key_descriptions import description_of
from cosim.config.schema_walk import annotation_of, models_in
from cosim.config.values import Choice as OneOf
from cosim.config.values import Each, Normal, NormalMoments, Uniform, UniformInt
from cosim.core.numbers import Catalogue
from cosim.devices.services import KnownService, services
from cosim.engine.scenario import Scenario
from cosim.engine.wings import catalogue, tables
from cosim.grid.schema import NetworkConfig
from cosim.study.impact.schema import ImpactConfig
from cosim.study.peaks import PEAKS
from cosim.study.sweep.schema import SweepConfig

FOLDER = Path(__file__).parent
PLAIN_NAMES = {
    "str": "text",
    "int": "integer",
    "float": "number",
    "bool": "true or false",
    "datetime": "time",
}
_VALUE_FORMS = {Uniform, UniformInt, Normal, NormalMoments, OneOf, Each}


def models_below(model: type[BaseModel], seen: list[type[BaseModel]]) -> list[type[BaseModel]]:
    """`model` and every model that its keys can hold, in the order they are met."""
    if model in seen or model in _VALUE_FORMS:
        return seen
    seen.append(model)
    for field in model.model_fields.values():
        for inner in models_in(annotation_of(field)):
            models_below(inner, seen)
    return seen


def type_name(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """An annotation in words that a user of YAML understands, with the range that numbers have."""
    if get_origin(annotation) is typing.Annotated:
        inner, *about = get_args(annotation)
        return type_name(inner, [*about, *metadata])
    chosen = [item.registry for item in metadata if isinstance(item, Choice)]
    if chosen:
        return " or ".join(type_name(cls) for cls in chosen[0].classes())
    if any(isinstance(item, KnownService) for item in metadata):
        return " \\| ".join(f"`{name}`" for name in services())
    ranges = [item for item in metadata if isinstance(item, Range)]
    within = f" ({ranges[-1]})" if ranges else ""
    return f"{_bare_type_name(annotation)}{within}"


def bare(annotation: Any) -> Any:
    """A type without what `Annotated` says of it."""
    return bare(get_args(annotation)[0]) if get_origin(annotation) is typing.Annotated else annotation


def _bare_type_name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if Uniform in map(bare, arguments):
        return "value"
    if origin is typing.Literal:
        return " \\| ".join(f"`{argument}`" for argument in arguments)
    if origin in (typing.Union, UnionType):
        names = dict.fromkeys(type_name(argument) for argument in arguments if argument is not type(None))
        return " or ".join(names)
    if origin in (tuple, list):
        inner = list(dict.fromkeys(type_name(each) for each in arguments if each is not Ellipsis)) or ["any"]
        if len(inner) > 1:
            return f"pair [{', '.join(inner)}]"
        return f"list of {inner[0].replace('pair [', 'pairs [', 1)}"
    if origin is dict:
        return "mapping"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    return PLAIN_NAMES.get(getattr(annotation, "__name__", ""), "any")


def default_name(field: FieldInfo) -> str:
    """A key's default as it would be written."""
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is PydanticUndefined or default is None:
        return "-"
    if isinstance(default, BaseModel):
        given = default.model_dump(mode="json", exclude_defaults=False)
        return f"`{given}`" if len(str(given)) < 60 else "see there"
    return f"`{list(default) if isinstance(default, tuple) else default}`"


def scenario_page() -> str:
    """Every key of a scenario and of a network file."""
    lines = [
        "# Keys of a scenario",
        "",
        "Made from the code by `make docs`. `cosim schema` prints the same as a JSON schema for editors.",
        "A *value* is a number, or says how each household's number is drawn: `{uniform: [low, high]}`, "
        "`{uniform_int: [low, high]}`, `{normal: {mean: m, std: s}, low: a, high: b}`, `{choice: [a, b]}`, "
        "`{each: [one for each household]}`. Two keys are for files alone: `base:` names a scenario to build "
        "on, and `override:` maps paths to values.",
        "",
    ]
    seen: list[type[BaseModel]] = []
    models_below(Scenario, seen)
    models_below(NetworkConfig, seen)
    return "\n".join([*lines, *key_tables(seen)])


def sweep_page() -> str:
    """Every key of a sweep."""
    lines = [
        "# Keys of a sweep",
        "",
        "Made from the code by `make docs`. `cosim schema --sweep` prints the same as a JSON schema for "
        "editors; [how to write one](sweeps.md).",
        "",
    ]
    return "\n".join([*lines, *key_tables(models_below(SweepConfig, []))])


def impact_page() -> str:
    """Every key of an impact study."""
    lines = [
        "# Keys of an impact study",
        "",
        "Made from the code by `make docs`. `cosim schema --impact` prints the same as a JSON schema for "
        "editors; [how to write one](impact.md).",
        "",
    ]
    return "\n".join([*lines, *key_tables(models_below(ImpactConfig, []))])


def key_tables(models: list[type[BaseModel]]) -> Iterator[str]:
    """The keys of each model, as the lines of a table."""
    for model in models:
        yield from (f"## {model.__name__}", "", (model.__doc__ or "").strip().replace("\n    ", "\n"), "")
        yield from ("| key | type | default | meaning |", "|---|---|---|---|")
        for name, field in model.model_fields.items():
            meaning = " ".join(description_of(model, name).split()).replace("|", "\\|")
            # FieldInfo keeps the annotation without its Annotated wrapper, which is what is wanted here.
            kind = type_name(field.annotation, field.metadata)
            yield f"| `{name}` | {kind} | {default_name(field)} | {meaning} |"
        yield ""


def tables_page() -> str:
    """Every column of every table."""
    lines = [
        "# Tables of a run",
        "",
        "Made from the code by `make docs`. Each is a Parquet file `tables/<name>.parquet`; read one with "
        "`pandas.read_parquet` or DuckDB.",
        "",
    ]
    for table in tables().values():
        lines += [f"## {table.name}", "", table.meaning, ""]
        lines += ["| column | type | unit | meaning |", "|---|---|---|---|"]
        for column in table.columns:
            meaning = column.meaning.replace("|", "\\|")
            lines.append(f"| `{column.name}` | {column.type} | {column.unit} | {meaning} |")
        lines.append("")
    return "\n".join(lines)


def numbers_page() -> str:
    """Every number of a summary."""
    lines = [
        "# Numbers of a run",
        "",
        "Made from the code by `make docs`. `summary.json` holds these by name; `null` stands for a number "
        "that does not exist in this run. Names of the scenario stand in braces. Comparisons add the peaks, "
        "which they take from the tables. *Better* says which side of a number is better, where one is: "
        "`cosim robustness` ranks by it.",
        "",
    ]
    every = Catalogue((*catalogue().numbers, *PEAKS))
    for section in every.sections():
        numbers = [number for number in every.numbers if number.section == section]
        if not numbers:
            continue
        lines += [
            f"## {section}",
            "",
            "| name | what it is | unit | meaning | from | better |",
            "|" + "---|" * 6,
        ]
        for number in numbers:
            unit = {"share": "share, 0 to 1", "ratio": "share, may exceed 1"}.get(number.kind, number.unit)
            better = "" if number.better == "neither" else number.better
            cells = (f"`{number.pattern}`", number.label, unit, number.meaning, number.source, better)
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines)


def commands_page() -> str:
    """Every command, its arguments and its options, as `--help` lists them."""
    command = get_command(app)
    made = get_docs_for_click(obj=command, ctx=typer.Context(command), name="cosim")
    listed, *sections = re.split(r"^(?=## `cosim )", made, flags=re.MULTILINE)
    root = listed.partition("**Commands**")[0].partition("**Usage**")[2]
    lines = [
        "# Commands",
        "",
        "Made from the code by `make docs`; `cosim COMMAND --help` says the same. [The command line](cli.md) "
        "shows how commands are used, and what `--json` prints.",
        "",
        f"**Usage**{root}",
    ]
    text = "\n".join([*lines, *sections]).replace("```console\n$ ", "```text\n")
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


PAGES = {
    "scenario_keys": scenario_page,
    "sweep_keys": sweep_page,
    "impact_keys": impact_page,
    "tables": tables_page,
    "numbers": numbers_page,
    "commands": commands_page,
}
"""Names of the pages, and what makes each."""


def main() -> None:
    """Write the pages."""
    for name, page in PAGES.items():
        (FOLDER / f"{name}.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
