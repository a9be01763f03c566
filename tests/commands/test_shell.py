"""`shell`: a command, then what it says."""

import sys

import pytest

from paxoskit.loading import LoadError, load_server
from paxoskit.protocol.chain import Chain, Content, mine
from paxoskit.protocol.messages import Put, Request
from paxoskit.shell import COMMANDS, Shell, _typed, chains, links, main, queue, servers, stores
from paxoskit.worlds.cluster import Cluster
from paxoskit.worlds.world import World


def transcript(shell, story):
    """Return the lines that begin with `> ` in a story, each with what the shell says to it."""
    lines = [line.removeprefix("> ") for line in story.splitlines() if line.startswith("> ")]
    return "".join(f"> {line}\n" + "".join(f"{said}\n" for said in shell.obey(line).splitlines()) for line in lines)


@pytest.fixture(scope="module")
def shell():
    with Cluster(3, clients=9) as cluster:
        yield Shell(cluster, clients=9)


# The script ------------------------------------------------------------------------------------------

SCRIPT = (
    'put "a string" {"k": [1, -2]}\nget "a string"\nput {"key1": "val1"} 7\nget {"key1": "val1"}\nfailProcess 1\n'
    'put "b-c" "x y"\nget "b-c"\nfailProcess 2\nfailProcess 3\nget 1\nquit\n'
)


def test_the_script_is_answered_and_ends_without_a_majority(paxoskit):
    code, said, complaint = paxoskit("shell", "--servers", "5", typed=SCRIPT)
    assert (code, complaint) == (0, [])
    assert said == [
        "put 'a string': done",
        "get 'a string': {'k': [1, -2]}",
        "put {'key1': 'val1'}: done",
        "get {'key1': 'val1'}: 7",
        "server 1 has failed; its disk is kept",
        "put 'b-c': done",
        "get 'b-c': 'x y'",
        "server 2 has failed; its disk is kept",
        "server 3 has failed; its disk is kept",
        said[-1],
    ]
    assert said[-1].startswith("get 1: no majority: 2 of 5 servers are up, and 3 ")


def test_the_end_of_a_script_ends_the_shell_and_what_was_stored_is_there_again(paxoskit, tmp_path):
    file = str(tmp_path / "class.db")
    first = paxoskit("shell", "--servers", "3", "--storage", file, typed="# a remark\n\nput (1, 2) {3, 4}")
    again = paxoskit("shell", "--servers", "3", "--storage", file, typed="get (1, 2)\nget 5\nquit\nget 6")
    assert first == (0, ["put (1, 2): done"], [])
    assert again == (0, ["get (1, 2): {3, 4}", "get 5: no such key"], [])


def test_a_line_that_is_not_utf_8_is_refused_and_the_next_is_obeyed(paxoskit):
    code, said, complaint = paxoskit("shell", "--servers", "1", typed=b'put "\xff" 1\nput "\xe2\x98\xba" 2\n\xff\n')
    assert (code, complaint) == (0, [])
    assert said[0].startswith("put: expected line that UTF-8 can encode")
    assert said[1:] == ["put '☺': done", said[2]]
    assert said[2] == "there is no command \\udcff; `help` lists the commands"


def test_a_mark_at_the_beginning_of_a_script_is_no_part_of_its_first_command(paxoskit):
    code, said, complaint = paxoskit("shell", "--servers", "1", typed=b"\xef\xbb\xbfput 1 2\r\nget 1\r\n")
    assert (code, said, complaint) == (0, ["put 1: done", "get 1: 2"], [])


def test_without_any_input_the_shell_ends(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert main(["--servers", "1"]) == 0


class Hangs:
    """A cluster on whose answers somebody has no patience to wait."""

    servers = (1, 2, 3)

    def get(self, key, **how):
        raise KeyboardInterrupt


def test_who_stops_waiting_for_an_answer_may_go_on(monkeypatch, capsys):
    typed = iter(["get 1", KeyboardInterrupt, "help get", EOFError])

    def type_a_line(prompt):
        line = next(typed)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("builtins.input", type_a_line)
    shell = Shell(Hangs())
    shell.run(_typed(shell), typed=True)
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        "3 servers, 1 clients; `help` lists the commands, `quit` ends.",
        "nobody waits for the answer any more; what was asked may still take effect",
        "`quit` or Ctrl-D ends",
        'get KEY: the value of a key, any Python literal; for instance get "a string"',
    ]


def test_a_script_ends_when_somebody_stops_it():
    with pytest.raises(KeyboardInterrupt):
        Shell(Hangs()).run(["get 1", "help"])


PRINTS = "printBlockchain, printKVStore, printQueue or printLinks"


@pytest.mark.parametrize(
    ("typed", "near"),
    [("failproces", "failProcess"), ("fixlnk", "fixLink"), ("prit", PRINTS), ("pritn", PRINTS), ("print", PRINTS),
     ("gte", "get"), ("GET", "get"), ("puts", "put"), ("ptu", "put"), ("cleint", "client"), ("fialLink", "failLink"),
     ("failProces", "failProcess"), ("fail", "failProcess or failLink"), ("printchain", "printBlockchain"),
     ("chain", "printBlockchain"), ("link", "failLink, fixLink or printLinks"), ("KVStore", "printKVStore"),
     ("hlep", "help"), ("quti", "quit"), ("q", "quit"), ("printLink", "printLinks")],
)  # fmt: skip
def test_who_slips_on_the_keys_is_told_what_was_meant(typed, near):
    said = f"there is no command {typed}; did you mean {near}?"
    assert Shell(Hangs()).obey(f"{typed} 1") == said
    assert Shell(Hangs()).obey(f"help {typed}") == said


@pytest.mark.parametrize("typed", ["xyzzy", "foo", "42", "?", "exit", "ls", "asdf", "lorem", ";", "restart", "x" * 99])
def test_what_looks_like_no_command_gets_no_guess(typed):
    said = Shell(Hangs()).obey(typed)
    assert said.startswith(f"there is no command {typed[:50]}")
    assert said.endswith("; `help` lists the commands")


# Commands, then what they say --------------------------------------------------------------------------------

FAULTS = """\
> failProcess 2
server 2 has failed; its disk is kept
> failProcess 2
failProcess: server 2 is down
> printQueue 2
server 2 is down
> fixProcess 2
server 2 is up again
> fixProcess 2
fixProcess: server 2 is up already
> failLink 2 3
the link between server 2 and server 3 is cut
> failLink 1 client 7
the link between server 1 and client 7 is cut
> printLinks
client 7 and server 1: cut
server 2 and server 3: cut
> fixLink 3 2
the link between server 3 and server 2 works
> fixLink client 7 1
the link between server 1 and client 7 works
> printLinks
every link works
> client 7
client 7 asks from now on
> client 1
client 1 asks from now on
"""


def test_faults_are_made_and_mended(shell):
    assert transcript(shell, FAULTS) == FAULTS


KEYS = """\
> put "a string" None
put 'a string': done
> get   'a string'
get 'a string': None
> get 'a  string'
get 'a  string': no such key
> put 1 'one'
put 1: done
> put True -1.5
put True: done
> get 1.0
get 1.0: no such key
> get 1
get 1: 'one'
> put {"b": [1, (2,)], "a": {3}} "x y"
put {'a': {3}, 'b': [1, (2,)]}: done
> get {'a': {3}, 'b': [1, (2,)]}
get {'a': {3}, 'b': [1, (2,)]}: 'x y'
> put "</svg><script>\u202e\\n" ''
put '</svg><script>\\u202e\\n': done
"""


def test_keys_and_values_are_any_literals_and_shown_in_canonical_text(shell):
    assert transcript(shell, KEYS) == KEYS


WRONG = """\
> gte 1
there is no command gte; did you mean get?
> failprocess 1
there is no command failprocess; did you mean failProcess?
> get
get: expected 1 Python literal, got none; write for instance "name"
> put 1
put: expected 2 Python literals, got 1: 1; write for instance "name" 7
> put a 1
put: a is not a Python literal; for text write "a"
> get [1, 2
get: expected ] before the end of [1, 2; close the bracket
> failProcess
failProcess: expected a server's number, 1 to 3; for instance failProcess 2
> failProcess 4
failProcess: expected a server's number, 1 to 3, got 4; for instance failProcess 2
> failLink 1
failLink: expected two servers' numbers, 1 to 3, got 1; for instance failLink 2 3
> failLink 2 2
failLink: server 2 has no link to itself
> failLink 1 client 10
failLink: expected a client's number, 1 to 9, got 1 client 10; for instance failLink 2 3
> client 0
client: expected a client's number, 1 to 9, got 0; for instance client 7
> printLinks 1
printLinks: expected no more words, got 1; for instance printLinks
> help gte
there is no command gte; did you mean get?
> help failLink
failLink SERVER SERVER: cut a link (to a client: failLink 2 client 7); for instance failLink 2 3
"""


def test_what_is_wrong_is_said_in_one_line_and_the_shell_goes_on(shell):
    assert transcript(shell, WRONG) == WRONG


def test_help_lists_every_command(shell):
    assert [line.split()[0] for line in shell.obey("help").splitlines()] == list(COMMANDS)


# Who has what ------------------------------------------------------------------------------------------------


def chain_of(*values):
    chain = Chain()
    for number, value in enumerate(values, 1):
        request = Request("client 1/1.1", number, Put("'x'", value))
        chain = chain.append(mine(Content(chain.height, chain.hash, (request,))))
    return chain


def world_with(*held):
    world = World(servers=len(held), clients=1)
    for name, chain in enumerate(held, 1):
        world.disks[name].chain = chain
    return world


def test_a_fork_would_be_seen():
    one, two = chain_of("1", "2"), chain_of("1", "3")
    first, second, third = one.from_height(0)[0], one.tip, two.tip
    assert chains(world_with(one, one, two), [1, 2, 3]) == [
        f"block 0  {first.hash[:8]}  after 00000000  nonce {first.nonce}  all servers",
        "    client 1: put 'x' 1",
        f"block 1  {second.hash[:8]}  after {first.hash[:8]}  nonce {second.nonce}  servers 1, 2  FORK",
        "    client 1: put 'x' 2",
        f"block 1  {third.hash[:8]}  after {first.hash[:8]}  nonce {third.nonce}  server 3  FORK",
        "    client 1: put 'x' 3",
    ]


def test_stores_show_who_has_which_value_and_who_is_down():
    world = world_with(chain_of("1", "2"), chain_of("1"), chain_of("1"), Chain())
    world.crash(3)
    assert stores(world, [1, 2, 3, 4]) == [
        "'x': 1  servers 2, 3",
        "'x': 2  server 1",
        "(server 3 is down; shown is what the disk holds)",
    ]
    assert stores(world, [4]) == ["no keys yet"]


def test_the_queue_shows_what_is_not_decided_yet():
    world = World(servers=2, clients=1)
    leader = world.nodes[1]
    leader.leading = True
    leader.receive("client 1", Request("client 1/1.2", 1, Put("'y'", "2")))
    assert queue(world, 1).splitlines() == [
        "server 1 (leader): 1 request waiting",
        "    client 1: put 'y' 2",
        f"    asks for votes for block 0 ({leader.open.hash[:8]})",
    ]
    assert queue(world, 2) == "server 2: no requests waiting"


def test_a_link_that_is_cut_one_way_is_shown_so():
    world = World(servers=3, clients=1)
    world.set_link(2, 1, cut=True)
    assert links(world) == ["from server 2 to server 1: cut, the way back works"]


def test_servers_are_said_in_words():
    assert servers([1, 3, 4, 5, 7, 8]) == "servers 1, 3 to 5, 7, 8"


# Bad options, and somebody else's server ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--servers", "0"], "paxoskit: --servers: expected a whole number from 1 to 99, got '0'"),
        (["--servers", "2.5"], "paxoskit: --servers: expected a whole number from 1 to 99, got '2.5'"),
        (["--clients", "1000"], "paxoskit: --clients: expected a whole number from 1 to 999, got '1000'"),
        (["--timeout", "-1"], "paxoskit: --timeout: expected seconds above 0 and at most 3600, got '-1'"),
        (["--timeout", "nan"], "paxoskit: --timeout: expected seconds above 0 and at most 3600, got 'nan'"),
        (["--server", "mine.py"], "paxoskit: --server: expected FILE:Class, for instance mine.py:Server, got "),
        (["--storage", "/nowhere/x.db"], "paxoskit: /nowhere/x.db: cannot be opened as storage"),
        (["--colour"], "paxoskit: unrecognized arguments: --colour"),
    ],
)
def test_bad_options_get_one_line_and_exit_code_2(paxoskit, arguments, says):
    code, said, complaint = paxoskit("shell", *arguments)
    assert (code, said, len(complaint)) == (2, [], 1)
    assert complaint[0].startswith(says)


SERVERS = """\
from paxoskit import Node, Server
import beside

class Mine(Server):
    pass

class Thing:
    pass

class Deaf(Node):
    pass

class NeedsMore(Server):
    def __init__(self, name, peers):
        super().__init__(name, peers)

class Fails(Server):
    def on_start(self):
        return 1 / 0
"""


NULL_BYTES = ("SyntaxError", "ValueError")  # as Python 3.11.7 calls it, and 3.11.2


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "mine.py").write_text(SERVERS)
    (tmp_path / "broken.py").write_text("x = 1\nclass Mine(:\n")
    (tmp_path / "null.py").write_text("x = 1\0")
    (tmp_path / "quits.py").write_text("import sys\nsys.exit(3)\n")
    return tmp_path / "mine.py"


def test_a_server_is_loaded_from_its_file_anew_each_time(file):
    first = load_server("mine.py:Mine")
    file.write_text(SERVERS.replace("    pass", "    LIKED = True", 1))
    again = load_server(f"{file}:Mine")
    assert (first.__name__, hasattr(first, "LIKED"), again.LIKED) == ("Mine", False, True)
    assert not (file.parent / "__pycache__" / "mine.cpython-311.pyc").exists()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("mine.py", "expected FILE:Class, for instance mine.py:Server, got 'mine.py'"),
        ("none.py:Mine", "there is no file 'none.py'"),
        ("mine.py:Mien", "there is no class Mien in mine.py; did you mean Mine?"),
        ("mine.py:Thing", "Thing in mine.py is not a Node: write `class Thing(Node):` or inherit from Server"),
        ("mine.py:Deaf", "Deaf in mine.py has no method on_request(self, sender, message): clients ask by Request"),
        ("mine.py:Fails", "cannot make a server of Fails: mine.py, line 19, in on_start: ZeroDivisionError: "),
        ("mine.py:NeedsMore", "cannot make a server of NeedsMore: TypeError: NeedsMore.__init__() takes 3 "),
        ("broken.py:Mine", "cannot load broken.py, line 2: SyntaxError: invalid syntax"),
        ("null.py:Mine", tuple(f"cannot load null.py: {error}: source code" for error in NULL_BYTES)),
        ("quits.py:Mine", "cannot load quits.py, line 2: SystemExit: 3"),
    ],
)
def test_what_is_no_server_is_said_in_one_line(file, place, says):
    with pytest.raises(LoadError) as caught:
        load_server(place)
    assert str(caught.value).startswith(says)
    assert "\n" not in str(caught.value)
