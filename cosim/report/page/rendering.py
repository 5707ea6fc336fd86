"""Pages from templates: everything they show is escaped, and everything they need is inside."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cosim.core.errors import CosimError
from cosim.core.text import visible

_ASSETS = Path(__file__).parent / "assets"
_LIBRARY = ("bokeh.min.js", "bokeh-api.min.js")


def render(template: str, scripts: tuple[str, ...], data: dict[str, Any], **context: Any) -> str:
    """A page of its own, with the plotting library in it once.

    Parameters
    ----------
    template : str
        File in ``assets``.
    scripts : tuple of str
        Files in ``assets``, in the order in which they are run.
    data : dict
        What the scripts show; must be JSON.
    **context
        What the template shows.
    """
    found = _environment().get_template(template)
    text = json.dumps(_visible(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    inside = _markup(text.replace("<", "\\u003c"))
    return str(
        found.render(data=inside, scripts=scripts, libraries=_library(), asset=_asset, **_visible(context))
    )


def render_part(template: str, **context: Any) -> str:
    """A part of a page, as a notebook shows it."""
    return str(_environment().get_template(template).render(**_visible(context)))


@cache
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_ASSETS), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def _asset(name: str) -> Any:
    """A file of the package, which is no text from outside."""
    return _markup((_ASSETS / name).read_text(encoding="utf-8"))


@cache
def _library() -> tuple[Any, ...]:
    """The plotting library, from the package that carries it, which need not be imported."""
    spec = find_spec("bokeh")
    if spec is None or spec.origin is None:
        raise CosimError(
            "the page is drawn by scripts of the package bokeh, which is not installed: pip install bokeh"
        )
    folder = Path(spec.origin).parent / "server" / "static" / "js"
    return tuple(_markup((folder / name).read_text(encoding="utf-8")) for name in _LIBRARY)


def _markup(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)


def _visible(value: Any) -> Any:
    """Texts with an escape in place of each control character, wherever they stand."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {key: _visible(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_visible(each) for each in value]
    if isinstance(value, tuple):
        parts = [_visible(each) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value
