"""A story is told again event for event, survives its way through a file, and what is no story is refused in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.node import Node
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.story import Story, StoryError
from paxoskit.worlds.world import World


def some_story(steps: int = 60) -> tuple[Story, World]:
    """Return a story of a world in which the first possible choice but one is taken again and again."""
    begin = Story(nodes=("paxoskit:Server",) * 3, clients=((), (1,)))
    world, choices = begin.world(), []
    for step in range(steps):
        possible = [choice for choice in world.choices() if choice.kind in ("deliver", "fire") and choice.crash is None]
        choice = possible[step % len(possible)]
        world.trace.now += 40.0
        world.happen(choice)
        world.fresh.clear()
        choices.append(choice)
    return Story(nodes=begin.nodes, clients=begin.clients, choices=tuple(choices)), world


def test_a_story_told_again_gives_the_same_events() -> None:
    story, world = some_story()
    assert list(story.replay(claims=safety_claims()).trace) == list(world.trace)


def test_a_story_survives_a_file(tmp_path: Path) -> None:
    story, _ = some_story()
    story.save(tmp_path / "story.json")
    again = Story.load(tmp_path / "story.json")
    assert again == story
    assert again.replay().trace.digest() == story.replay().trace.digest()


def test_a_part_of_a_story_is_told_to_that_step() -> None:
    story, _ = some_story()
    assert [str(choice) for choice in story.replay(7).trace.choices()] != []
    assert len(story.replay(7).trace.choices()) == 7


def test_a_choice_that_cannot_happen_is_named() -> None:
    choices = (Choice("crash", 1), Choice("restart", 1), Choice("restart", 1))
    with pytest.raises(StoryError, match="choice 3 of the story cannot happen: server 1 is up already"):
        Story(nodes=("paxoskit:Server",), choices=choices).replay()


def test_a_class_that_is_not_there_is_asked_for() -> None:
    story = Story(nodes=("mine.py:Mine",))
    with pytest.raises(StoryError, match=r"the story needs the class mine\.py:Mine"):
        story.world()
    assert story.world({"mine.py:Mine": Node}).servers == (1,)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "world": {"nodes": [1]}, "choices": []}',
     '{"schema": 1, "world": {"nodes": ["a"]}, "choices": [{"kind": "deliver"}]}', "[" * 100_000,
     '{"schema": 1, "world": {"nodes": ["a"], "difficulty": "x"}, "choices": []}'],
)  # fmt: skip
def test_what_is_no_story_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StoryError, match=r"story\.json: expected") as caught:
        Story.load(file)
    assert "\n" not in str(caught.value)
