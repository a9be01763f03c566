"""A story: how a world begins, and the choices that somebody made in it. Told again, it gives the same events.

One format for a recording, a counterexample, a lost point, `Lab.at(…)` and `python3 -m paxoskit lab --story FILE`. A
choice names its message by content and its timer by content, so a story with one choice taken out still means the
others: what can no longer happen is left out by whoever shrinks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paxoskit import __version__
from paxoskit.protocol.node import Node
from paxoskit.protocol.plain import Name, fits
from paxoskit.protocol.server import Server
from paxoskit.trace import write_whole
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.synod import REFERENCES, reference
from paxoskit.worlds.world import World

SCHEMA = 1
OURS: dict[str, type[Node]] = {"paxoskit:Server": Server}
"""The kit's own classes, by the name they have in a story. Others are found by whoever opens the story."""

BEAT = 40.0
"""World milliseconds between two choices of a story that is told again without times."""


class StoryError(ValueError):
    """What is no story, or cannot be told again; the message is one line."""


@dataclass(frozen=True)
class Story:
    """How a world begins, and what was chosen.

    `nodes`: the servers' classes, 1 to N, as `"paxoskit:Server"` or `"file.py:Class"`. `clients`: for each client the
    servers it may ask, () for all. `acceptors`: if not 0, the world is a synod, and only the first so many servers are
    anybody's peers. `links`: the directions (sender, receiver) cut from the beginning. `claims`: the name of the set of
    claims that judge. `claim`, `says`: which claim fell and why; empty if none did.

    >>> story = Story(nodes=("paxoskit:Server",) * 3, choices=(Choice("crash", 2),))
    >>> story.replay().is_up(2)
    False
    >>> Story.from_json(story.as_json()) == story
    True
    """

    nodes: tuple[str, ...]
    choices: tuple[Choice, ...] = ()
    clients: tuple[tuple[int, ...], ...] = ((),)
    links: tuple[tuple[Name, Name], ...] = ()
    difficulty: int = 1
    acceptors: int = 0
    seed: int | None = None
    claims: str = "safety"
    claim: str = ""
    says: str = ""
    times: tuple[float, ...] = field(default=(), compare=False)
    """World milliseconds of each choice, where they are known; otherwise one `BEAT` lies between two."""

    def world(self, classes: Mapping[str, type[Node]] | None = None, claims: Sequence[Any] = ()) -> World:
        """Return the world as it begins. `classes` has the classes that are not the kit's own, by their names here.

        Raises StoryError for a class that is not there.
        """
        known = {**OURS, **(classes or {})}
        for name in self.nodes:
            if name not in known and name in REFERENCES:
                known[name] = reference(REFERENCES[name])
            if name not in known:
                raise StoryError(f"the story needs the class {name}: give it with classes={{{name!r}: …}}")
        peers = range(1, self.acceptors + 1) if self.acceptors else None
        world = World([known[name] for name in self.nodes], clients=0, difficulty=self.difficulty, claims=claims,
                      seed=self.seed, peers=peers)  # fmt: skip
        for servers in self.clients:
            world.add_client(servers or None)
        for sender, receiver in self.links:
            world.set_link(sender, receiver, cut=True)
        return world

    def tell(self, world: World) -> Iterator[Choice]:
        """Let the choices happen in `world`, one a step; yield each after it happened.

        Raises StoryError, naming the choice, for one that cannot happen.
        """
        for number, choice in enumerate(self.choices):
            world.trace.now = self.times[number] if number < len(self.times) else world.trace.now + BEAT
            try:
                world.happen(choice)
            except ValueError as error:
                raise StoryError(f"choice {number + 1} of the story cannot happen: {error}") from None
            world.fresh.clear()
            yield choice

    def replay(
        self, steps: int | None = None, classes: Mapping[str, type[Node]] | None = None, claims: Sequence[Any] = ()
    ) -> World:
        """Return the world after all choices, or after the first `steps`."""
        world = self.world(classes, claims)
        for _ in replace(self, choices=self.choices[:steps]).tell(world):
            pass
        return world

    def as_json(self) -> dict[str, Any]:
        """The story as one JSON object."""
        world = {
            "nodes": list(self.nodes), "clients": [list(servers) for servers in self.clients],
            "links": [list(link) for link in self.links], "difficulty": self.difficulty, "acceptors": self.acceptors,
            "seed": self.seed, "claims": self.claims,
        }  # fmt: skip
        data = {
            "schema": SCHEMA, "kit": __version__, "world": world,
            "choices": [choice.as_json() for choice in self.choices], "claim": self.claim, "says": self.says,
        }  # fmt: skip
        return data | ({"times": [round(time, 3) for time in self.times]} if self.times else {})

    @classmethod
    def from_json(cls, data: Any) -> Story:
        """Read back what `as_json` wrote. Raises StoryError for what is no story."""
        try:
            if data["schema"] != SCHEMA:
                raise StoryError(f"expected a story of schema {SCHEMA}, got {data['schema']!r}")
            world = data["world"]
            story = cls(
                nodes=tuple(world["nodes"]),
                choices=tuple(Choice.from_json(choice) for choice in data["choices"]),
                clients=tuple(tuple(servers) for servers in world.get("clients", [[]])),
                links=tuple((sender, receiver) for sender, receiver in world.get("links", [])),
                difficulty=world.get("difficulty", 1), acceptors=world.get("acceptors", 0), seed=world.get("seed"),
                claims=world.get("claims", "safety"),
                claim=data.get("claim", ""), says=data.get("says", ""), times=tuple(data.get("times", [])),
            )  # fmt: skip
        except StoryError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoryError(f"expected a story (schema, world, choices, claim, says): {error}") from None
        kinds: dict[str, Any] = {
            "nodes": tuple[str, ...], "difficulty": int, "acceptors": int, "seed": int | None, "claims": str,
            "claim": str, "says": str, "times": tuple[float | int, ...],
        }  # fmt: skip
        for name, kind in kinds.items():
            if not fits(getattr(story, name), kind):
                raise StoryError(f"expected a story whose {name} is {kind}, got {getattr(story, name)!r:.60}")
        return story

    def save(self, path: str | Path) -> None:
        """Write the story to a file, which is there whole or not at all."""
        write_whole(path, json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n")

    def at_home_in(self, folder: str | Path) -> Story:
        """Return the story with its classes named as a notebook in this folder finds them.

        A file in or below the folder is named from there, so that both can be moved together; others by their full
        path.

        >>> Story(nodes=("paxoskit:Server", f"{__file__}:Mine")).at_home_in(Path(__file__).parent).nodes
        ('paxoskit:Server', 'story.py:Mine')
        """
        return replace(self, nodes=tuple(_from_folder(name, Path(folder).resolve()) for name in self.nodes))

    @classmethod
    def load(cls, path: str | Path) -> Story:
        """Read a story from a file. Raises StoryError for what is none."""
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StoryError(f"{path}: expected a story in JSON: {error}") from None
        try:
            return cls.from_json(data)
        except StoryError as error:
            raise StoryError(f"{path}: {error}") from None


def _from_folder(name: str, folder: Path) -> str:
    file, _, cls = name.rpartition(":")
    if name in OURS or name in REFERENCES or not Path(file).is_file():
        return name
    path = Path(file).resolve()
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{cls}"


def resolver(load: Callable[[str], type[Node]], story: Story) -> dict[str, type[Node]]:
    """Return the classes of a story that are not the kit's own, each found by `load(name)`."""
    return {name: load(name) for name in dict.fromkeys(story.nodes) if name not in {*OURS, *REFERENCES}}


def story_name(cls: type[Node]) -> str:
    """Return the name of a class in a story; a class that no story can name yet gets one that says where it is."""
    for name, known in OURS.items():
        if known is cls:
            return name
    return f"{cls.__module__}:{cls.__name__}"
