"""Six demos for a lecture: each a scene that one key a step tells, and the same as a page for the day no kernel starts.

    demo("01_put")              a lab that stands at the scene's beginning: PageDown or "." goes on, PageUp back
    demo_page("01_put")         the same steps and the same words as a page of its own, which needs no kernel

A scene is a script as in `paxoskit.lab.scenes`: it chooses what happens in a small world and yields, after each step,
the sentence that belongs to it. Nothing is left to dice. The committed pages are made by

    python3 -m paxoskit.course.demos notebooks/demos/pages
"""

from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from IPython.display import HTML, display

from paxoskit.claims.safety import safety_claims
from paxoskit.course.given import Forgetful
from paxoskit.lab.export import packed, page
from paxoskit.lab.lab import Lab
from paxoskit.lab.scenes import SCENES, Director
from paxoskit.protocol.chain import Chain, Content, mine, verify
from paxoskit.protocol.literals import show
from paxoskit.protocol.messages import Ask, Block, Elected, Get, Prepare, Put
from paxoskit.protocol.node import Node, title
from paxoskit.protocol.plain import Ballot, Message, Name
from paxoskit.protocol.server import Server
from paxoskit.trace import write_whole
from paxoskit.worlds.choice import Choice
from paxoskit.worlds.simulator import Simulator
from paxoskit.worlds.stepper import Stepper
from paxoskit.worlds.steppers import story_of
from paxoskit.worlds.story import OURS, Story
from paxoskit.worlds.world import World

MOST_LETTERS = 100_000
"""A page is at most so many letters long: what is larger does not belong into a repository."""

MOST_STEPS = 1_000
"""So long, in deliveries and timers, a run with dice may take to elect somebody."""

# Demo 6: servers whose disks somebody can get at ------------------------------------------------------------


class Errand(Message):
    """To a server, from somebody in the machine room: no client asks it, so no book of calls waits for its answer."""

    asks: ClassVar[tuple[Message, ...]] = ()


@dataclass(frozen=True)
class Overwrite(Errand):
    """To a server, from whoever sits at its disk: change the value in this block, and nothing else of it."""

    height: int
    value: str


@dataclass(frozen=True)
class Remine(Errand):
    """To a server, from whoever sits at its disk: link and mine the blocks from `first` to `last` again."""

    first: int
    last: int


@dataclass(frozen=True)
class Audit(Errand):
    """To a server: compute all of your chain anew."""


@dataclass(frozen=True)
class Compare(Errand):
    """To a server: show the others your hashes."""


@dataclass(frozen=True)
class Hashes(Message):
    """These are the hashes of my blocks, from block 0 on."""

    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Flaw(Message):
    """A fact: the first block of my chain that fails a check, and the check, as in `in block 1: hash`."""

    where: str


@dataclass(frozen=True)
class NoFlaw(Message):
    """A fact: so many blocks of mine pass every check, as in `in 4 blocks`."""

    where: str


@dataclass(frozen=True)
class Differs(Message):
    """A fact: whose blocks are not mine, and since which, as in `from server 4, since block 1`."""

    where: str


class OpenDisk(Server):
    """A right server with an auditor, at whose disk somebody sits: what he is asked to change there, he changes.

    >>> OpenDisk(1, (1, 2, 3)).receive(1, Audit())
    [Announce(fact=NoFlaw(where='in 0 blocks'))]
    """

    @dataclass
    class Disk(Server.Disk):
        """As ever, and how often somebody changed it: chains with one newest hash count as equal, and as saved."""

        changed: int = 0

    def change(self, blocks: Sequence[Block]) -> None:
        """Write these blocks to the disk in the place of the chain, whatever they are."""
        self.disk.chain = unverified(blocks, self.disk.chain.difficulty)
        self.disk.changed += 1

    def on_overwrite(self, sender: Name, message: Overwrite) -> None:
        """Change a value on the disk; the block still carries the hash it had."""
        blocks = list(self.disk.chain)
        (request,) = blocks[message.height].operations
        changed = dataclasses.replace(request, operation=Put(request.operation.key, message.value))
        blocks[message.height] = dataclasses.replace(blocks[message.height], operations=(changed,))
        self.change(blocks)

    def on_remine(self, sender: Name, message: Remine) -> None:
        """Link each of these blocks to the one before it, and search for a nonce that suits it."""
        blocks, difficulty = list(self.disk.chain), self.disk.chain.difficulty
        for height in range(message.first, message.last + 1):
            before = unverified(blocks[:height], difficulty).hash
            content = Content(height, before, blocks[height].operations)
            blocks[height] = mine(content, blocks[height].nonce, difficulty)
        self.change(blocks)

    def on_audit(self, sender: Name, message: Audit) -> None:
        """Say what `verify` says of the chain on the disk."""
        chain = self.disk.chain
        fault = verify(chain, chain.difficulty)
        if fault is None:
            self.announce(NoFlaw(f"in {chain.height} blocks"))
        else:
            self.announce(Flaw(f"in block {fault.height}: {fault.check}"))

    def on_compare(self, sender: Name, message: Compare) -> None:
        """Show the others all hashes."""
        self.broadcast(Hashes(tuple(block.hash for block in self.disk.chain)))

    def on_hashes(self, sender: Name, message: Hashes) -> None:
        """Say from where on another server's blocks are not mine."""
        for height, (theirs, block) in enumerate(zip(message.hashes, self.disk.chain)):
            if theirs != block.hash:
                self.announce(Differs(f"from {title(sender)}, since block {height}"))
                return


def unverified(blocks: Sequence[Block], difficulty: int) -> Chain:
    """Return the chain of these blocks, whatever they are."""
    chain = Chain(difficulty)
    for block in blocks:
        chain = chain.append_unverified(block)
    return chain


OURS["paxoskit:demos OpenDisk"] = OpenDisk


# The players ------------------------------------------------------------------------------------------------


class Cast(Director):
    """A director whose players are of given classes."""

    def __init__(self, world: World) -> None:
        self.stepper = Stepper(world)
        self.servers = world.servers

    def get(self, client: int = 1, key: str = "colour") -> None:
        """Let a client ask for a get."""
        session = self.stepper.world.sessions(f"client {client}")[0]
        self.choose(Choice("ask", f"client {client}", what=Ask(session, Get(show(key)))))

    def tell(self, server: int, what: Message) -> None:
        """Ask a server for what no node sends."""
        self.choose(Choice("ask", server, what=what))

    def settle(self) -> None:
        """Bring what belongs to a put, from the request to the reply."""
        self.clear("Request", "Accept", "Accepted", "Decide", "Reply")


class Demo(NamedTuple):
    """A scene: its title and first sentence, who plays, and the script.

    `clients`: for each the servers that it may ask, () for all. `judged`: do the claims watch?
    """

    title: str
    opening: str
    cast: tuple[type[Node], ...]
    script: Callable[[Any], Iterator[str]]
    clients: tuple[tuple[int, ...], ...] = ((),)
    judged: bool = True


def put(play: Cast) -> Iterator[str]:
    """One put, message by message."""
    play.elect(1, 2, 3)
    yield "Server 1 leads in ballot 1.1: a majority has promised to follow it, and by now all five have."
    play.ask("blue")
    yield "Client 1 puts colour = blue: a Request, on its way to server 1."
    play.deliver("Request", 1)
    yield "The leader builds a block, finds its nonce, votes for it itself, and sends Accept to the others."
    play.deliver("Accept", 2)
    yield "Server 2 checks the block, saves its vote on its disk, and only then answers. Two votes of five."
    play.deliver("Accept", 3)
    yield "Server 3 votes: three of five in ballot 1.1. Now the block is chosen, and nobody knows it."
    play.drop("Accept")
    yield "The Accepts to servers 4 and 5 are lost. Whoever waited for all five would wait now."
    play.deliver("Accepted", 1, by=2)
    yield "The leader hears server 2. With its own that is two votes; it waits."
    play.deliver("Accepted", 1, by=3)
    yield "It hears server 3: it knows of three. The block is decided here, on the leader's chain, and applied."
    play.deliver("Reply")
    yield "The client has its answer, and only one of five servers has the block on its chain."
    play.deliver("Decide", 2, 3)
    yield "Decide tells servers 2 and 3: they append the block for which they voted."
    play.deliver("Decide", 4, 5)
    yield "Servers 4 and 5 append it too. They never voted, and need not: they check it, and it is chosen."
    play.get()
    play.deliver("Request")
    yield "A get goes the same way: the leader proposes block 1, which holds the hash of block 0."
    play.settle()
    yield "Three words, then: chosen by votes, decided by who knows, applied by who did it. And the get says: blue."


def restart(play: Cast) -> Iterator[None]:
    """The run of demo 5: a server promises, restarts, and then hears an old Accept."""
    play.ring(1, "ElectionTimeout")
    play.deliver("Prepare", 2, by=1)
    play.deliver("Promise", 1, by=2)
    play.drop("Prepare", by=1)
    play.drop("Heartbeat")
    yield
    play.ask("blue", 1)
    play.deliver("Request", 1)
    yield
    play.ring(3, "ElectionTimeout")
    play.deliver("Prepare", 2, by=3)
    play.drop("Prepare", by=3)
    yield
    play.deliver("Promise", 3, by=2)
    play.drop("Heartbeat")
    play.ask("red", 2)
    play.deliver("Request", 3)
    yield
    play.choose(Choice("crash", 2))
    yield
    play.choose(Choice("restart", 2))
    yield
    play.deliver("Accept", 2, by=1)
    yield


def lost(play: Cast) -> Iterator[str]:
    """Server 2 comes back without its promise."""
    yield from told(restart(play), [
        "Server 1 leads in ballot 1.1: it has its own promise and that of server 2. Server 3 hears nothing of it.",
        "Client 1 puts blue. Server 1 votes for it; its Accepts are slow.",
        "Server 3 stands in ballot 1.3. Server 2 promises: no vote below 1.3 from now on, and none given so far.",
        "So server 3 leads, free to propose. Client 2 puts red; server 3 votes for it. Two Accepts fly to server 2.",
        "Server 2 crashes. Its disk is kept…",
        "…and it is back. But this class has its promise in memory only: server 2 knows of no ballot.",
        "The old Accept. Server 2 votes for blue in 1.1, below what it promised: blue is chosen, and claims fall.",
    ])  # fmt: skip
    play.deliver("Accepted", 1, by=2)
    play.deliver("Reply", "client 1")
    yield "Server 1 counts two votes of three, decides blue, and answers client 1: done."
    play.deliver("Accept", 2, by=3)
    yield "Now the other Accept. 1.3 is above 1.1, so server 2 votes again: red is chosen as well, and agreement falls."
    play.deliver("Accepted", 3, by=2)
    play.deliver("Reply", "client 2")
    yield "Server 3 decides red, and answers client 2: done. One slot, one restart, two values."


def kept(play: Cast) -> Iterator[str]:
    """The same choices; server 2 comes back with its promise."""
    yield from told(restart(play), [
        "The same again. Server 1 leads in ballot 1.1, by its own promise and that of server 2.",
        "Client 1 puts blue. Server 1 votes for it; its Accepts are slow.",
        "Server 3 stands in ballot 1.3. Server 2 promises, and the promise is on its disk before the answer leaves.",
        "So server 3 leads. Client 2 puts red; server 3 votes for it. Two Accepts fly to server 2.",
        "Server 2 crashes. Its disk is kept…",
        "…and it is back, and knows from its disk: ballot 1.3 is promised.",
        "The old Accept arrives: 1.1 is below 1.3. No vote; a Nack.",
    ])  # fmt: skip
    play.deliver("Nack", 1, by=2)
    yield "The Nack tells server 1 of ballot 1.3. It steps down; blue has one vote, its own."
    play.deliver("Accept", 2, by=3)
    play.deliver("Accepted", 3, by=2)
    play.clear("Decide")
    play.deliver("Reply", "client 2")
    yield "The other Accept: server 2 votes, red is chosen and decided, and all three have it. One slot, one value."
    play.drop("Accept")
    play.ring(3, "HeartbeatTimeout")
    play.clear("Heartbeat", "HeartbeatHeard")
    play.retry(1)
    play.settle()
    yield "And blue? Client 1 got no answer and asks again: blue is decided, in block 1, after red. Nothing is lost."


def told(script: Iterator[None], words: list[str]) -> Iterator[str]:
    """Let a run happen, with a sentence for each of its steps."""
    for _, says in zip(script, words, strict=True):
        yield says


def tamper(play: Cast) -> Iterator[str]:
    """A block is changed on one disk; then mined again, and all after it."""
    play.elect(1, 2, 3)
    for value in ("white", "red", "green"):
        play.ask(value)
        play.settle()
    yield "Three puts, three blocks, and five equal chains: white, red, green."
    play.tell(4, Audit())
    yield "An auditor at server 4 computes all hashes of its chain anew. Three blocks, no flaw."
    play.tell(4, Overwrite(1, show("pink")))
    yield "Somebody at server 4's disk makes red pink. The picture shows nothing: it goes by the hash a block carries."
    play.tell(4, Audit())
    yield "The auditor points: block 1, hash. Its fields do not give the hash it carries; which field, no hash can say."
    play.tell(4, Remine(1, 1))
    yield "So the forger mines block 1 again: new nonce, new hash. By itself the block is perfect."
    play.tell(4, Audit())
    yield "The auditor points: block 2, previous_hash. It still names the block 1 that a majority voted for."
    play.tell(4, Remine(2, 2))
    yield "So the forger mines block 2, the last, again too. It takes no votes, and here no time to speak of."
    play.tell(4, Audit())
    yield "Three blocks, no flaw. Heights, links, nonces, hashes: each check passes, and the chain is forged."
    play.tell(4, Compare())
    yield "What is left is to ask the others. Server 4 shows them its hashes."
    play.deliver("Hashes")
    yield "Servers 1, 2, 3 and 5 say the same: from block 1 on, server 4's blocks are not mine. Four against one."
    play.ask("gold")
    play.clear("Request", "Accept")
    yield "The next put. Server 4 rejects the block: it does not point at server 4's forged tip."
    play.clear("Accepted", "Decide", "Reply")
    yield "The others decide it without server 4. Majorities keep the log; hashes show only careless forgers."


FIVE = (Server,) * 5
DEMOS = {
    "01_put": Demo("A put, from click to chain", "Five servers, one client, no leader yet, and no block.", FIVE, put),
    "02_dead_leader": Demo(
        "The leader dies after it sent Accept",
        "Five servers, one client. Nobody leads yet.", FIVE, SCENES["dead leader after Accept"].script,
    ),
    "03_duel": Demo(
        "Two proposers duel", "Three servers, none of which has heard a leader.", FIVE[:3], SCENES["duel"].script
    ),
    "04_split": Demo(
        "Five servers split, 2 and 3", "Five servers, two clients. Nobody leads yet.", FIVE,
        SCENES["split 2 and 3"].script, ((), ()),
    ),
    "05_lost_promise": Demo(
        "The lost promise", "Three servers that keep their promises in memory only; their votes are on disk.",
        (Forgetful,) * 3, lost, ((1,), (3,)),
    ),
    "05_kept_promise": Demo(
        "The promise on the disk", "Three servers that save a promise before they give it. The same choices again.",
        FIVE[:3], kept, ((1,), (3,)),
    ),
    "06_tamper": Demo(
        "Tamper with a block", "Five servers with an auditor each. Nobody leads yet, and there is no block.",
        (OpenDisk,) * 5, tamper, judged=False,
    ),
}  # fmt: skip
"""The scenes by name; the number is that of the demo's notebook."""


# On stage ---------------------------------------------------------------------------------------------------


def begin(name: str) -> tuple[Stepper, dict[int, str]]:
    """Return a scene at its start, and the words that belong to its moments.

    >>> stepper, words = begin("01_put")
    >>> stepper.moment.number, words[0]
    (0, 'Five servers, one client, no leader yet, and no block.')

    Raises ValueError, naming the scenes there are, for another name.
    """
    if name not in DEMOS:
        raise ValueError(f"demo: expected one of {', '.join(map(repr, DEMOS))}, got {name!r:.60}")
    scene = DEMOS[name]
    nodes, claims = tuple(place(cls) for cls in scene.cast), "safety" if scene.judged else "none"
    story = Story(nodes, clients=scene.clients, claims=claims)
    world = story.world(claims=safety_claims() if scene.judged else ())
    world.trace.records.clear()
    play = Cast(world)
    stepper = play.stepper
    words = {0: scene.opening}
    for says in scene.script(play):
        words[stepper.moment.number] = says
    stepper.begin = story
    stepper.trunk.name = scene.title
    stepper.goto(0)
    stepper.origin = stepper.moment
    return stepper, words


def place(cls: type[Node]) -> str:
    """Return the name that a class of a scene has in stories."""
    return next(name for name, known in OURS.items() if known is cls)


UNTOLD = "<style>.paxoskit-scene .narration .next { display: none }</style>"
"""Elsewhere the lab says what comes next; here the room is asked first."""


def demo(name: str) -> Lab:
    """Return a lab at the beginning of a scene; PageDown, or ".", tells the next step. See `DEMOS`.

    Raises ValueError, naming the scenes there are, for another name.
    """
    stepper, words = begin(name)
    display(HTML(UNTOLD))  # type: ignore[no-untyped-call]
    return Lab(stepper, beats=words)


# Demo 3: with dice ------------------------------------------------------------------------------------------


def candidacies(low: float, high: float, runs: int = 50) -> dict[str, int]:
    """Return in how many runs with dice it took how many ballots until one of three servers led.

    Each waits between `low` and `high` milliseconds for a leader, again and again; a message takes 5 to 15. After
    `MOST_STEPS` deliveries and timers, a run counts as one without a leader. The seeds are 0, 1, 2, …

    >>> candidacies(400, 800, runs=20)
    {'1': 20}
    """
    impatient = type("Impatient", (Server,), {"ELECTION": (low, high)})
    found = sorted(_ballots(Simulator(seed, server=impatient, claims=False)) for seed in range(runs))
    return {"nobody leads" if ballots == MOST_STEPS else str(ballots): found.count(ballots) for ballots in found}


def _ballots(simulator: Simulator) -> int:
    """Return how many ballots somebody stood in until one was elected; `MOST_STEPS` if nobody was."""
    ballots: set[Ballot] = set()
    seen = 0
    for _ in range(MOST_STEPS):
        simulator.step()
        for event in simulator.trace.since(seen):
            if isinstance(event.what, Elected):
                return len(ballots)
            if event.kind == "send" and isinstance(event.what, Prepare):
                ballots.add(event.what.ballot)
        seen = simulator.trace.count
    return MOST_STEPS


# The day the kernel does not start --------------------------------------------------------------------------


def demo_page(name: str) -> str:
    """Return a scene as a page that stands by itself: a step of it is a step of the scene, in the same words."""
    stepper, words = begin(name)
    stepper.goto(max(words))
    story = story_of(stepper)
    world = story.world()
    worlds = [world.fork()]
    for number, _ in enumerate(story.tell(world), 1):
        if number in words:
            worlds.append(world.fork())
    return narrated(page(worlds, title=DEMOS[name].title, quiet=True), list(words.values()))


def narrated(text: str, words: list[str]) -> str:
    """Return a page whose steps say these words. Raises ValueError if they are not as many."""
    before, data, after = parts(text)
    for frame, says in zip(data["frames"], words, strict=True):
        frame["says"] = says
    return before + packed(data) + after


def parts(text: str) -> tuple[str, Any, str]:
    """Return what is before the film of a page, the film, and what is after it.

    Films are compared by this: how well they are packed depends on the machine's zlib.
    """
    before, mark, rest = text.partition('id="film">')
    data, end, after = rest.partition("</script>")
    return before + mark, json.loads(gzip.decompress(base64.b64decode(data))), end + after


def write_pages(folder: Path) -> list[Path]:
    """Write the pages of all scenes into a folder; return their paths.

    Raises ValueError for a page that is too long to be kept in a repository.
    """
    found = []
    for name in DEMOS:
        text = demo_page(name)
        if len(text.encode()) > MOST_LETTERS:
            raise ValueError(f"{name}: expected at most {MOST_LETTERS:,} bytes, got {len(text.encode()):,}")
        found.append(folder / f"{name}.html")
        write_whole(found[-1], text)
    return found


def main(arguments: list[str]) -> int:
    """Write the pages into the folder that is named; return 0, or 2 if none is."""
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        got = " ".join(arguments) or "nothing"
        print(f"demos: expected one folder, for the pages, as notebooks/demos/pages; got {got}", file=sys.stderr)
        return 2
    for path in write_pages(Path(arguments[0])):
        print(f"{path}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
