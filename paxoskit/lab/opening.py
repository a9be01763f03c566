"""A story from a file, as a small notebook beside it: `python3 -m paxoskit lab --story FILE`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from paxoskit.trace import write_whole
from paxoskit.worlds.story import OURS, Story
from paxoskit.worlds.synod import REFERENCES


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
    """Return a notebook of one cell, which stands at the story's beginning."""
    source = [
        "from paxoskit import Lab\n",
        "from paxoskit.worlds.story import Story\n",
        "\n",
        f"lab = Lab.at(Story.load({path!r}))\n",
        "lab.again()\n",
        "lab",
    ]
    cell: dict[str, object] = {"cell_type": "code", "id": "story", "execution_count": None, "metadata": {}}
    cell |= {"outputs": [], "source": source}
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
