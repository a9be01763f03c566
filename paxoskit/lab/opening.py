"""A story from a file, as a small notebook beside it: `python3 -m paxoskit lab --story FILE`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from paxoskit.trace import write_whole
from paxoskit.worlds.story import OURS, Story
from paxoskit.worlds.synod import REFERENCES

WORDS = (
    "Run the cell below (click it, then Shift + Enter). It says how the story ends. **Step ▶** tells it, event by "
    "event, and **◀ Back** takes it back."
)
"""What stands above the cell."""


def story_notebook(file: str | Path, folder: Path | None = None) -> tuple[Path, list[str]]:
    """Return a notebook that opens a story in the lab, and the classes that it names besides the kit's own.

    The notebook is written into `folder`, or beside the story; one that is there already stays as it is. Nothing that
    the story names is run here: that is done by whoever runs the notebook's cell.

    Raises StoryError, in one line, for what is no story.
    """
    story = Story.load(file)
    path = Path(file).resolve()
    notebook = (folder or path.parent) / f"{path.stem}.lab.ipynb"
    if not notebook.exists():
        write_whole(notebook, json.dumps(_notebook(os.path.relpath(path, notebook.parent)), indent=1) + "\n")
    return notebook, [name for name in dict.fromkeys(story.nodes) if name not in {*OURS, *REFERENCES}]


def _notebook(path: str) -> dict[str, object]:
    """Return a notebook of a few words and one cell, which stands at the story's beginning.

    What the story says is printed by the cell: the file may be another one by then, and the notebook stays.
    """
    source = [
        "from paxoskit import Lab\n",
        "from paxoskit.worlds.story import Story\n",
        "\n",
        f"story = Story.load({path!r})\n",
        "lab = Lab.at(story)\n",
        "print(story.says)\n",
        "lab.again()\n",
        "lab",
    ]
    cell: dict[str, object] = {"cell_type": "code", "id": "story", "execution_count": None, "metadata": {}}
    cell |= {"outputs": [], "source": source}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    words: dict[str, object] = {"cell_type": "markdown", "id": "words", "metadata": {}, "source": WORDS}
    return {"cells": [words, cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
