"""The tutorials as notebooks: made from their pages, and executed for the figures that the pages show.

python docs/notebooks.py                  # writes docs/tutorials/*.ipynb
python docs/notebooks.py --figures        # also executes each, and keeps its figures in docs/images/
"""

from __future__ import annotations

import argparse
import base64
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
PAGES = sorted((FOLDER / "tutorials").glob("*.md"))

_PIECE = re.compile(
    r"^```(?P<language>console|python|yaml)\n(?P<source>.*?)^```\n"
    r"(?:\n```text\n(?P<shown>.*?)^```\n)?"
    r"(?:\n!\[[^\]]*\]\(\.\./images/(?P<figure>\w+)\.png\)\n)?",
    flags=re.MULTILINE | re.DOTALL,
)


class Step(NamedTuple):
    """A piece of a tutorial that is run.

    Attributes
    ----------
    language : str
        ``python``, ``console`` (commands) or ``yaml`` (a file, named by its key `name`).
    source : str
        What is run or written; of commands one a line.
    shown : str
        What the page says is printed; ``...`` stands for lines that it leaves out.
    figure : str
        The figure that the page shows after it, or nothing.
    """

    language: str
    source: str
    shown: str
    figure: str


def pieces(page: str) -> list[str | Step]:
    """A tutorial in its order: text, and what is run between it."""
    found: list[str | Step] = []
    end = 0
    for match in _PIECE.finditer(page):
        found += [text] if (text := page[end : match.start()].strip()) else []
        found.append(_step(match))
        end = match.end()
    return [*found, page[end:].strip()]


def _step(match: re.Match[str]) -> Step:
    source, shown = match["source"], match["shown"] or ""
    if match["language"] == "console":
        lines = source.splitlines(keepends=True)
        source = "".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        shown = "".join(line for line in lines if not line.startswith("$ "))
    return Step(match["language"], source.rstrip(), shown, match["figure"] or "")


def file_of(step: Step) -> str:
    """The name of the file that a block of YAML is."""
    name = re.search(r"^name: (\w+)$", step.source, flags=re.MULTILINE)
    assert name is not None
    return f"{name[1]}.yaml"


def notebook(page: str) -> nbformat.NotebookNode:
    """A tutorial as a notebook without output: commands in cells of bash, files written by cells."""
    made = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    for piece in pieces(page):
        if isinstance(piece, str):
            cell = nbformat.v4.new_markdown_cell(piece)
        else:
            head = {"console": "%%bash\n", "yaml": "%%writefile {}\n", "python": ""}[piece.language]
            file = file_of(piece) if piece.language == "yaml" else ""
            cell = nbformat.v4.new_code_cell(head.format(file) + piece.source)
        cell["id"] = f"cell-{len(made.cells)}"  # as it is made it would be drawn at random
        made.cells.append(cell)
    return made


def executed(page: str, folder: Path) -> list[tuple[Step, nbformat.NotebookNode]]:
    """Run a tutorial's notebook in a folder; gives what is run, each with its cell and output."""
    made = notebook(page)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    client = NotebookClient(
        made, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=os.environ | {"PATH": path}, stderr=subprocess.DEVNULL)
    steps = [piece for piece in pieces(page) if isinstance(piece, Step)]
    return list(zip(steps, (cell for cell in made.cells if cell.cell_type == "code"), strict=True))


def printed(cell: nbformat.NotebookNode) -> str:
    """What a cell printed, without colours."""
    text = "".join(each.text for each in cell.outputs if each.get("name") == "stdout")
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def drawn(cell: nbformat.NotebookNode) -> list[bytes]:
    """The figures that a cell drew, as PNG."""
    data = [each.data for each in cell.outputs if each.output_type == "display_data"]
    return [base64.b64decode(each["image/png"]) for each in data if "image/png" in each]


def main() -> None:
    """Write the notebooks, and the figures if they are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--figures", action="store_true", help="also execute them, and keep their figures")
    figures = parser.parse_args().figures
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        nbformat.write(notebook(page), path.with_suffix(".ipynb"))
        with tempfile.TemporaryDirectory() as folder:
            for step, cell in executed(page, Path(folder)) if figures else ():
                if step.figure:
                    (FOLDER / "images" / f"{step.figure}.png").write_bytes(drawn(cell)[0])


if __name__ == "__main__":
    main()
