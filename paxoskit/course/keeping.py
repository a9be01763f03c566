"""Where a learner's own things are kept: in a folder `.paxoskit` beside her notebooks.

What she predicted, the stories in which she broke a server, and the results of her checks. All of it is plain JSON on
her own disk, which she can change with any editor: what a mark rests on is replayed or taken on trust, and said so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paxoskit.trace import write_whole

FOLDER = ".paxoskit"


def kept(name: str, beside: str | Path | None = None) -> Path:
    """Return the path of what is kept under `name` beside the notebooks of a folder (the current one)."""
    return Path(beside or Path.cwd()) / FOLDER / name


def read(name: str, beside: str | Path | None = None) -> dict[str, Any]:
    """Return what is kept under `name`, an empty dictionary if nothing is.

    A file that somebody spoilt is moved aside, to a name with `.spoilt` at its end, and counts as nothing: a lesson
    must not stop because of it, and what was in it is not thrown away.
    """
    path = kept(name, beside)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        return data
    path.replace(path.with_name(path.name + ".spoilt"))
    return {}


def write(name: str, data: dict[str, Any], beside: str | Path | None = None) -> Path:
    """Keep `data` under `name`; a reader finds the old file or the new one, never a half. Return its path."""
    path = kept(name, beside)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
    return path
