"""A moment as text: what `Lab.here()` writes, `Lab.at(…)` and `python3 -m paxoskit lab --story FILE` open again."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping

from paxoskit.loading import load_node
from paxoskit.protocol.node import Node
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.steppers import stepper_of_story
from paxoskit.worlds.story import Story, StoryError, resolver

MARK = "story:"
"""A compact text begins with it; the rest is the story's JSON, packed, in base 64."""

MOST = 50_000_000
"""A story of more than so many letters is refused before it is unpacked any further."""


def at_text(story: Story) -> str:
    """Return a story as one compact line.

    >>> story = Story(nodes=("paxoskit:Server",) * 3)
    >>> read(at_text(story)) == story
    True
    """
    text = json.dumps(story.as_json(), ensure_ascii=False, separators=(",", ":"))
    return MARK + base64.urlsafe_b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def read(text: str) -> Story:
    """Return the story that a text holds: a compact line, or JSON. Raises StoryError for what is none."""
    try:
        if text.startswith(MARK):
            unpacker = zlib.decompressobj()
            packed = base64.b64decode(text[len(MARK) :], altchars=b"-_", validate=True)
            unpacked = unpacker.decompress(packed, MOST)
            if not unpacker.eof:
                raise ValueError("it is cut off, or too long")
            text = unpacked.decode("utf-8")
        data = json.loads(text)
    except (ValueError, zlib.error, RecursionError) as error:
        says = " ".join(str(error).split())
        raise StoryError(f"expected a moment, as lab.here() gives it, or a story in JSON: {says:.100}") from None
    return Story.from_json(data)


def opened(where: str | Story, classes: Mapping[str, type[Node]] | None = None) -> Stepper:
    """Return a stepper at the end of a story. Classes that are named FILE:Class are loaded from there, and it is said.

    Raises StoryError, or LoadError for a class that cannot be loaded; each is one line.
    """
    story = where if isinstance(where, Story) else read(where)
    known = dict(classes or {})

    def load(name: str) -> type[Node]:
        if name not in known:
            print(f"paxoskit: the story names the class {name}: running that file")
            known[name] = load_node(name)
        return known[name]

    return stepper_of_story(story, resolver(load, story))
