"""`shell`: one console for a live cluster, in the spelling of the course's own program (docs/original.md).

There every server and every client had a terminal of its own; here one console speaks for all, so a command names
its server first, and `client 7` says who asks from now on. A line is a command; a script is lines.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from paxoskit.loading import LoadError, load_server
from paxoskit.options import Options, seconds, whole
from paxoskit.protocol.chain import Chain
from paxoskit.protocol.literals import canonical, parse, show, split
from paxoskit.protocol.node import title
from paxoskit.protocol.plain import Name
from paxoskit.protocol.server import Server
from paxoskit.protocol.store import Store
from paxoskit.worlds.cluster import Cluster, NoMajority
from paxoskit.worlds.storage import StorageError
from paxoskit.worlds.world import MOST_CLIENTS, MOST_SERVERS, World

SHORT = 8
"""So many digits of a hash are shown."""

_MISSING = object()


class Quit(Exception):
    """The user has had enough."""


class WrongForm(ValueError):
    """A command's arguments are not what it expects."""


class Command(NamedTuple):
    """A command: how it is written, for instance how, what it does, and the method of `Shell` that does it."""

    form: str
    example: str
    says: str
    do: Callable[[Shell, str], str]


class Shell:
    """Obeys commands on a cluster, one line at a time.

    >>> with Cluster(3) as cluster:
    ...     shell = Shell(cluster)
    ...     print(shell.obey('put {"key1": "val1"} 7'))
    ...     print(shell.obey('get {"key1": "val1"}'))
    ...     print(shell.obey("gte 1"))
    put {'key1': 'val1'}: done
    get {'key1': 'val1'}: 7
    there is no command gte; did you mean get?
    """

    def __init__(self, cluster: Cluster, clients: int = 1, timeout: float = 5.0) -> None:
        self.cluster = cluster
        self.clients = clients
        self.timeout = timeout
        self.client = 1

    @property
    def prompt(self) -> str:
        """What stands before the cursor: who asks."""
        return f"client {self.client}> "

    def run(self, lines: Iterable[str], typed: bool = False) -> None:
        """Obey each line, and print what comes of it, until one says quit.

        If somebody has `typed` them, Ctrl-C ends the wait for an answer, and the next line is obeyed.
        """
        for line in lines:
            try:
                answer = self.obey(line)
            except Quit:
                return
            except KeyboardInterrupt:
                if not typed:
                    raise
                answer = "\nnobody waits for the answer any more; what was asked may still take effect"
            if answer:
                print(answer, flush=True)

    def obey(self, line: str) -> str:
        """Do what a line says; return what there is to say about it. Raises Quit.

        Whatever is wrong with the line is said in one line, and changes nothing.
        """
        line = line.removeprefix("\ufeff")  # with which some editors begin a script
        name, rest = (*line.split(maxsplit=1), "", "")[:2]
        if not name or name.startswith("#"):
            return ""
        if name not in COMMANDS:
            return no_such_command(name)
        try:
            return COMMANDS[name].do(self, rest.strip())
        except WrongForm as error:
            came = f", got {_printable(rest.strip())}" if rest.strip() else ""
            return f"{name}: expected {error}{came}; for instance {COMMANDS[name].example}"
        except (ValueError, StorageError) as error:
            return f"{name}: {error}"

    # Asking ------------------------------------------------------------------------------------------------

    def get(self, rest: str) -> str:
        """Ask for the value of a key."""
        (key,) = map(canonical, split(rest, 1))
        try:
            value = self.cluster.get(parse(key), client=self.client, timeout=self.timeout, default=_MISSING)
        except NoMajority as error:
            return f"get {key}: {str(error).removeprefix(f'get {key}: ')}"
        return f"get {key}: {'no such key' if value is _MISSING else show(value)}"

    def put(self, rest: str) -> str:
        """Let a key have a value."""
        key, value = map(canonical, split(rest, 2))
        try:
            self.cluster.put(parse(key), parse(value), client=self.client, timeout=self.timeout)
        except NoMajority as error:
            return f"put {key}: {str(error).removeprefix(f'put {key} {value}: ')}"
        return f"put {key}: done"

    def choose_client(self, rest: str) -> str:
        """Say who asks from now on."""
        (self.client,) = _numbers(rest, "client", 1, self.clients)
        return f"client {self.client} asks from now on"

    # Faults ------------------------------------------------------------------------------------------------

    def fail_process(self, rest: str) -> str:
        """Crash a server."""
        (server,) = self._servers(rest)
        self.cluster.fail_process(server)
        return f"{title(server)} has failed; its disk is kept"

    def fix_process(self, rest: str) -> str:
        """Restart a server."""
        (server,) = self._servers(rest)
        self.cluster.restart_process(server)
        return f"{title(server)} is up again"

    def fail_link(self, rest: str) -> str:
        """Cut a link, both ways."""
        a, b = self._ends(rest)
        self.cluster.fail_link(a, b)
        return f"the link between {title(a)} and {title(b)} is cut"

    def fix_link(self, rest: str) -> str:
        """Mend a link, both ways."""
        a, b = self._ends(rest)
        self.cluster.fix_link(a, b)
        return f"the link between {title(a)} and {title(b)} works"

    def _servers(self, rest: str) -> list[int]:
        return _numbers(rest, "server", 1, len(self.cluster.servers))

    def _ends(self, rest: str) -> tuple[Name, Name]:
        """Read the two ends of a link: two servers, or a server and `client 7`, in whichever order."""
        words = rest.split()
        if len(words) == 3 and words[0] == "client":
            words = [words[2], *words[:2]]
        if len(words) == 3 and words[1] == "client":
            (client,) = _numbers(words[2], "client", 1, self.clients)
            return self._servers(words[0])[0], f"client {client}"
        a, b = _numbers(rest, "server", 2, len(self.cluster.servers))
        return a, b

    # Looking -----------------------------------------------------------------------------------------------

    def print_blockchain(self, rest: str) -> str:
        """Show the chains."""
        with self.cluster.look() as world:
            return "\n".join(chains(world, self._chosen(rest)))

    def print_store(self, rest: str) -> str:
        """Show the stores."""
        with self.cluster.look() as world:
            return "\n".join(stores(world, self._chosen(rest)))

    def print_queue(self, rest: str) -> str:
        """Show what waits to be decided."""
        with self.cluster.look() as world:
            return "\n".join(queue(world, name) for name in self._chosen(rest))

    def print_links(self, rest: str) -> str:
        """Show which links are cut."""
        if rest:
            raise WrongForm("no more words")
        with self.cluster.look() as world:
            return "\n".join(links(world))

    def _chosen(self, rest: str) -> Sequence[int]:
        return self._servers(rest) if rest else self.cluster.servers

    # Talking -----------------------------------------------------------------------------------------------

    def help(self, rest: str) -> str:
        """Say what there is, or what one command does."""
        if not rest:
            width = max(len(command.form) for command in COMMANDS.values())
            return "\n".join(f"{command.form:<{width}}  {command.says}" for command in COMMANDS.values())
        if rest not in COMMANDS:
            return no_such_command(rest)
        command = COMMANDS[rest]
        return f"{command.form}: {command.says}; for instance {command.example}"

    def quit(self, rest: str) -> str:
        """End."""
        raise Quit


COMMANDS = {
    "get": Command("get KEY", 'get "a string"', "the value of a key, any Python literal", Shell.get),
    "put": Command("put KEY VALUE", "put {'key1': 'val1'} 7", "let a key have a value", Shell.put),
    "client": Command("client N", "client 7", "let this client ask from now on", Shell.choose_client),
    "failProcess": Command("failProcess SERVER", "failProcess 2", "crash a server", Shell.fail_process),
    "fixProcess": Command("fixProcess SERVER", "fixProcess 2", "restart a server", Shell.fix_process),
    "failLink": Command(
        "failLink SERVER SERVER", "failLink 2 3", "cut a link (to a client: failLink 2 client 7)", Shell.fail_link
    ),
    "fixLink": Command("fixLink SERVER SERVER", "fixLink 2 3", "mend a link", Shell.fix_link),
    "printBlockchain": Command(
        "printBlockchain [SERVER]", "printBlockchain 2", "the blocks, and who has each", Shell.print_blockchain
    ),
    "printKVStore": Command(
        "printKVStore [SERVER]", "printKVStore 2", "keys and values, and who has each", Shell.print_store
    ),
    "printQueue": Command(
        "printQueue [SERVER]", "printQueue 2", "requests that wait to be decided", Shell.print_queue
    ),
    "printLinks": Command("printLinks", "printLinks", "which links are cut", Shell.print_links),
    "help": Command("help [COMMAND]", "help put", "this list, or more about one command", Shell.help),
    "quit": Command("quit", "quit", "end; Ctrl-D does too", Shell.quit),
}


LIKE, BEGINS_LIKE = 0.6, 0.75
"""So like a command, or its beginning, must be what was typed, to be taken for a slip (1: equal, see difflib)."""

SHORTEST_PART = 3
"""So many letters from the middle of a command name it."""


def no_such_command(name: str) -> str:
    """Return what to say to a command that is none: those that were meant, if it looks like any.

    >>> no_such_command("fixlnk")
    'there is no command fixlnk; did you mean fixLink?'
    """
    near = meant(name[:40])
    guess = f"did you mean {' or '.join(filter(None, [', '.join(near[:-1]), near[-1]]))}?" if near else ""
    return f"there is no command {_printable(name)}; {guess or '`help` lists the commands'}"


def meant(name: str) -> list[str]:
    """Return the commands that somebody may have meant: by a part of the name, a slip in it, or one in its beginning.

    >>> meant("fail"), meant("puts"), meant("prnt")[:2], meant("xyzzy")
    (['failProcess', 'failLink'], ['put'], ['printBlockchain', 'printKVStore'], [])
    """
    name, known = name.lower(), {command.lower(): command for command in COMMANDS}
    begun = [full for low, full in known.items() if low.startswith(name)]
    parts = [full for low, full in known.items() if name in low and len(name) >= SHORTEST_PART]
    slips = [known[low] for low in difflib.get_close_matches(name, known, n=1, cutoff=LIKE)]
    return begun or parts or slips or [full for low, full in known.items() if _begins_like(low, name)]


def _begins_like(command: str, name: str) -> bool:
    beginnings = (command[: len(name)], command[: len(name) + 1])
    return max(difflib.SequenceMatcher(None, name, part).ratio() for part in beginnings) >= BEGINS_LIKE


def _numbers(rest: str, what: str, count: int, most: int) -> list[int]:
    """Read so many different numbers from 1 to `most`."""
    words = rest.split()
    good = all(word.isascii() and word.isdecimal() and len(word) < 9 and 1 <= int(word) <= most for word in words)
    if len(words) != count or not good:
        noun = f"a {what}'s number" if count == 1 else f"two {what}s' numbers"
        raise WrongForm(f"{noun}, 1 to {most}")
    return [int(word) for word in words]


def _printable(text: str) -> str:
    """Return a text as one line of at most 60 printable characters."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:61])
    return line if len(line) <= 60 else line[:57] + "..."


# Who has what ------------------------------------------------------------------------------------------------


def chains(world: World, names: Sequence[int]) -> list[str]:
    """Return the chains of these servers in lines: each block once, with those who have it; a fork shows as two."""
    by_height: dict[int, dict[str, tuple[Any, list[int]]]] = {}
    for name in names:
        for block in world.chain(name):
            at_height = by_height.setdefault(block.height, {})
            at_height.setdefault(block.hash, (block, []))[1].append(name)
    lines = []
    for height in sorted(by_height):
        for block, having in by_height[height].values():
            fork = "  FORK" if len(by_height[height]) > 1 else ""
            lines.append(
                f"block {height}  {block.hash[:SHORT]}  after {block.previous_hash[:SHORT]}  nonce {block.nonce}  "
                f"{servers(having, world)}{fork}"
            )
            lines += [f"    {request.client}: {' '.join(request.operation.words)}" for request in block.operations]
    return [*(lines or ["no blocks yet"]), *_down(world, names)]


def stores(world: World, names: Sequence[int]) -> list[str]:
    """Return the stores of these servers in lines: each key and value once, with those who have it."""
    having: dict[tuple[str, str], list[int]] = {}
    for chain, those in _by_chain(world, names).items():
        for pair in Store.fold(chain).data.items():
            having.setdefault(pair, []).extend(those)
    pairs = sorted(having.items())
    lines = [f"{key}: {value}  {servers(sorted(those), world)}" for (key, value), those in pairs]
    return [*(lines or ["no keys yet"]), *_down(world, names)]


def _by_chain(world: World, names: Sequence[int]) -> dict[Chain, list[int]]:
    found: dict[Chain, list[int]] = {}
    for name in names:
        found.setdefault(world.chain(name), []).append(name)
    return found


def queue(world: World, name: int) -> str:
    """Return in lines what a server holds that is not decided yet: its open block, and requests that wait for one."""
    node = world.nodes[name]
    if node is None:
        return f"{title(name)} is down"
    waiting, block = getattr(node, "queue", {}), getattr(node, "open", None)
    if not isinstance(waiting, dict):
        return f"{title(name)} keeps its queue in a way of its own"
    role = " (leader)" if getattr(node, "leading", False) else ""
    requests = list(waiting.values())
    lines = [f"{title(name)}{role}: {len(requests) or 'no'} request{'' if len(requests) == 1 else 's'} waiting"]
    lines += [f"    {request.client}: {' '.join(request.operation.words)}" for request in requests]
    if block is not None:
        lines.append(f"    asks for votes for block {block.height} ({block.hash[:SHORT]})")
    return "\n".join(lines)


def links(world: World) -> list[str]:
    """Return the cut links in lines."""
    cut = sorted(world.cut, key=repr)
    both = [(a, b) for a, b in cut if (b, a) in world.cut and repr(a) < repr(b)]
    one_way = [(a, b) for a, b in cut if (b, a) not in world.cut]
    lines = [f"{title(a)} and {title(b)}: cut" for a, b in both]
    lines += [f"from {title(a)} to {title(b)}: cut, the way back works" for a, b in one_way]
    return lines or ["every link works"]


def servers(names: Sequence[int], world: World | None = None) -> str:
    """Return some servers in words.

    >>> servers([2]), servers([1, 2, 3, 5])
    ('server 2', 'servers 1 to 3, 5')
    """
    if world is not None and len(names) == len(world.servers) > 1:
        return "all servers"
    runs: list[list[int]] = []
    for name in names:
        if runs and runs[-1][-1] == name - 1:
            runs[-1].append(name)
        else:
            runs.append([name])
    parts = [part for run in runs for part in ([f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run))]
    return f"server{'' if len(names) == 1 else 's'} {', '.join(parts)}"


def _down(world: World, names: Sequence[int]) -> list[str]:
    down = [name for name in names if not world.is_up(name)]
    return [f"({servers(down)} {'is' if len(down) == 1 else 'are'} down; shown is what the disk holds)"] if down else []


# The command -------------------------------------------------------------------------------------------------


def main(arguments: list[str]) -> int:
    """Run the command; 0 at its end, whatever was answered, 2 for bad input."""
    options = _options()
    chosen = options.parse_args(arguments)
    try:
        server = load_server(chosen.server) if chosen.server else Server
        cluster = Cluster(chosen.servers, chosen.clients, server=server, storage=chosen.storage)
    except LoadError as error:
        options.error(f"--server: {error}")
    except (ValueError, StorageError) as error:
        options.error(str(error))
    _read_and_write_anything()
    with cluster:
        shell = Shell(cluster, chosen.clients, chosen.timeout)
        try:
            typed = sys.stdin is not None and sys.stdin.isatty()  # None if it was closed (`<&-`)
            shell.run(_typed(shell) if typed else sys.stdin or (), typed)
        except KeyboardInterrupt:
            print()
    return 0


def _options() -> Options:
    options = Options("shell", "Reads commands from the terminal, or from standard input; `help` lists them.")
    options.add_argument("--servers", type=whole(1, MOST_SERVERS), default=5, help="how many servers (5)")
    options.add_argument("--clients", type=whole(1, MOST_CLIENTS), default=MOST_CLIENTS, help="how many clients (999)")
    options.add_argument("--storage", metavar="FILE", help="keep the disks in this file, and begin with what it holds")
    options.add_argument("--timeout", type=seconds, default=5.0, metavar="SECONDS", help="how long to wait (5)")
    options.add_argument("--server", metavar="FILE:Class", help="run this server, not the kit's own")
    return options


def _typed(shell: Shell) -> Iterator[str]:
    """Yield the lines that somebody types, until Ctrl-D; Ctrl-C throws away the line that stands there."""
    with contextlib.suppress(ImportError):  # Windows has none
        importlib.import_module("readline")  # from now on input() has a history
    print(f"{len(shell.cluster.servers)} servers, {shell.clients} clients; `help` lists the commands, `quit` ends.")
    while True:
        try:
            yield input(shell.prompt)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print("\n`quit` or Ctrl-D ends")


def _read_and_write_anything() -> None:
    """Let what is not UTF-8 come in, to be refused as no literal, and what a terminal cannot show go out escaped."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)
