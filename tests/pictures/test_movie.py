"""A film of a run has a frame for each choice that is worth a look; a GIF has its frames."""

from dataclasses import replace
from io import BytesIO
from itertools import pairwise

import pytest
from PIL import Image, ImageChops

from paxoskit.pictures.movie import Cancelled, figure, film, gif
from paxoskit.protocol.messages import ElectionTimeout, Put
from paxoskit.protocol.server import Server
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.simulator import NEMESES, Simulator
from paxoskit.worlds.story import Story, StoryError
from paxoskit.worlds.world import World

NODES = ("paxoskit:Server",) * 3


def settle(world: World) -> None:
    while world.flying:
        world.deliver(next(iter(world.flying.values())))


def run() -> World:
    """A leader is elected, a block is decided, heartbeats go by, a server crashes."""
    world = World(servers=3, clients=1)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    settle(world)
    world.ask("client 1", Put("'x'", "7"))
    settle(world)
    beat = next(message for node, message in world.timers if type(message).__name__ == "HeartbeatTimeout")
    world.happen(Choice("fire", 2, what=beat))
    settle(world)
    world.crash(3)
    return world


SHORT = Story(nodes=NODES, choices=(Choice("crash", 2), Choice("restart", 2), Choice("cut", 1, 3)))


def test_a_film_of_a_story_tells_each_choice_in_a_sentence():
    said = [frame.says for frame in film(SHORT).frames()]
    assert said == [
        "the beginning",
        "server 2 crashes (disk kept)",
        "server 2 restarts",
        "the link from server 3 to server 1 is cut",
    ]


def test_heartbeats_have_no_frame_unless_asked_for():
    trace = run().trace
    said = [frame.says for frame in film(trace).frames()]
    assert not any("Heartbeat" in sentence for sentence in said)
    assert said[0] == "the beginning" and said[-1] == "server 3 crashes (disk kept)"
    assert "server 2 hears its own timer ElectionTimeout" in said
    assert len(film(trace, quiet=True)) > len(said)


def test_a_trace_is_told_again_exactly():
    simulator = Simulator(7, 3, nemesis=NEMESES["all"])
    simulator.run(400)
    reel = film(simulator.trace, quiet=True)
    assert reel.trace.digest() == simulator.trace.digest()


def test_a_recording_of_a_live_cluster_is_a_film():
    with Cluster(3) as cluster:
        cluster.put("x", 7)
        recording = cluster.recording()
    reel = film(recording)
    assert any("put 'x' 7" in frame.says for frame in reel.frames())


def test_worlds_are_frames_as_they_are():
    world = World(servers=3)
    twin = world.fork()
    twin.crash(1)
    assert [frame.world.is_up(1) for frame in film([world, twin]).frames()] == [True, False]
    assert len(film(world)) == 1


def test_only_the_newest_frames_are_kept_and_it_is_known_how_many_there_were():
    trace = run().trace
    whole, short = film(trace), film(trace, most=4)
    assert (len(short), short.of) == (4, len(whole))
    assert [frame.says for frame in short.frames()] == [frame.says for frame in whole.frames()][-4:]


def test_every_message_in_flight_is_on_its_way_and_gets_on():
    seen: dict[int, float] = {}
    for frame in film(run().trace).frames():
        assert set(frame.places) == set(frame.world.flying)
        for number, (begun, ended) in frame.places.items():
            share = (frame.number - begun) / (ended - begun)
            assert 0 < share < 1 and seen.get(number, 0.0) < share
            seen[number] = share
    assert len(seen) > 8


class Other(Server):
    """A learner's server."""


def test_a_story_of_a_learners_class_needs_that_class():
    story = Story(nodes=("mine.py:Other",) * 3, choices=(Choice("crash", 2),))
    with pytest.raises(StoryError, match=r"the story needs the class mine\.py:Other"):
        film(story)
    assert len(film(story, classes={"mine.py:Other": Other})) == 2


def test_a_trace_that_begins_in_the_middle_is_refused_in_one_line():
    trace = run().trace
    trace.forget(30)
    with pytest.raises(ValueError, match=r"^expected a trace from its beginning on .* has event \d+ first$"):
        film(trace)


class Mute(Server):
    """It promises nothing."""

    def on_prepare(self, sender, message):
        """Say nothing."""


class Idle(Server):
    """It never stands for office."""

    def on_election_timeout(self, sender, message):
        """Do nothing."""


class Boastful(Server):
    """It says that its chain is longer than it is."""

    def broadcast(self, message):
        """Say more than is true, in a Prepare."""
        super().broadcast(replace(message, height=9) if type(message).__name__ == "Prepare" else message)


@pytest.mark.parametrize(("server", "delivered"), [(Idle, 0), (Mute, 1), (Boastful, 1), (Mute, 6), (Boastful, 6)])
def test_a_trace_of_other_servers_is_refused_in_one_line(server, delivered):
    world = World(servers=3)
    world.happen(Choice("fire", 2, what=ElectionTimeout()))
    for _ in range(delivered):
        world.deliver(next(iter(world.flying.values())))
    assert len(film(world.trace)) > 1
    with pytest.raises(ValueError, match=r"^expected a trace of the kit's own servers: .*export its story$"):
        film(world.trace, classes={"Server": server})


@pytest.mark.parametrize(("source", "most", "error"), [(SHORT, 0, ValueError), (SHORT, True, ValueError),
                                                       ("story.json", 5, TypeError), ([], 5, ValueError)])  # fmt: skip
def test_what_is_no_run_is_refused_in_one_line(source, most, error):
    with pytest.raises(error, match=r"^(most: )?expected .*got ") as refused:
        film(source, most=most)
    assert "\n" not in str(refused.value)


# The GIF ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def animated() -> Image.Image:
    return Image.open(BytesIO(gif(SHORT, seconds=0.5, dpi=40)))


def test_a_gif_has_a_picture_for_each_frame_and_begins_again(animated):
    assert (animated.n_frames, animated.info["loop"]) == (4, 0)
    times = []
    for number in range(animated.n_frames):
        animated.seek(number)
        times.append(animated.info["duration"])
    assert times == [500, 500, 500, 1500]


def test_the_pictures_of_a_gif_differ(animated):
    pictures = []
    for number in range(animated.n_frames):
        animated.seek(number)
        pictures.append(animated.convert("RGB"))
    assert all(ImageChops.difference(a, b).getbbox() for a, b in pairwise(pictures))


def test_red_stays_red(animated):
    animated.seek(3)
    reddish = [colour for count, colour in animated.convert("RGB").getcolors(1 << 20) if colour == (0xC2, 0x41, 0x0C)]
    assert reddish


def test_who_answers_false_cancels():
    told = []
    with pytest.raises(Cancelled, match="cancelled after 2 of 4 pictures; nothing was written"):
        gif(SHORT, dpi=20, progress=lambda done, of: told.append((done, of)) or done < 2)
    assert told == [(1, 4), (2, 4)]


def test_a_figure_has_the_cluster_above_the_chain_and_the_sentence_on_top():
    drawn = figure(run(), "'$x$' </svg>")
    drawn.canvas.draw()
    assert drawn.texts[0].get_text() == "'$x$' </svg>"
    cluster, chain = ([text.get_text() for text in ax.texts] for ax in drawn.axes)
    assert "leader" in cluster and "block 0" in chain
