"""The log: what happened in plain sentences, newest first."""

from paxoskit.lab.log import Log, links_say
from paxoskit.protocol.messages import Answered, Applied, Ask, Elected, GaveUp, Get, Put, Rejected
from paxoskit.protocol.plain import Ballot
from paxoskit.trace import Event


def read(*events: tuple) -> list[str]:
    log = Log()
    log.read(Event(number, 0.0, *event) for number, event in enumerate(events, 1))
    return log.lines


def test_a_put_is_told_when_it_is_answered():
    lines = read(
        ("ask", "client 1", None, Ask("client 1/1.1", Put("'x'", "7"))),
        ("announce", "client 1", None, Answered("client 1/1.1", 1, "done")),
    )
    assert lines == ["client 1: put 'x' 7 → done"]


def test_a_get_of_a_key_never_put_says_so():
    lines = read(
        ("ask", "client 1", None, Ask("client 1/1.1", Get("'x'"))),
        ("announce", "client 1", None, Answered("client 1/1.1", 1, None)),
    )
    assert lines == ["client 1: get 'x' → never put"]


def test_no_answer_is_not_told_as_not_done():
    lines = read(
        ("ask", "client 2", None, Ask("client 2/1.1", Put("'x'", "7"))),
        ("announce", "client 2", None, GaveUp("client 2/1.1", 1)),
    )
    assert lines == ["client 2: put 'x' 7 → no answer in time; whether it takes effect is unknown"]


def test_a_block_is_told_once_however_many_servers_apply_it():
    applied = Applied(4, "ab" * 32)
    lines = read(("announce", 2, None, applied), ("announce", 3, None, applied))
    assert lines == ["block 4 is decided at server 2"]


def test_faults_elections_and_rejections_are_told_newest_first():
    lines = read(
        ("crash", 2, None, "kept"),
        ("announce", 3, None, Elected(Ballot(2, 3))),
        ("announce", 1, None, Rejected(5, "the hash is wrong")),
        ("restart", 2),
    )
    assert lines == [
        "server 2 restarts",
        "server 1 rejects block 5: the hash is wrong",
        "server 3 is elected in ballot 2.3",
        "server 2 crashes (disk kept)",
    ]


def test_messages_timers_and_saves_are_not_told():
    assert read(("send", 1, 2, Get("'x'")), ("fire", 1, None, Get("'x'")), ("save", 1)) == []


def test_a_partition_is_one_line():
    pairs = [(1, 3), (3, 1), (2, 3), (3, 2)]
    assert read(*[("cut", b, a) for a, b in pairs]) == ["links cut: 1–3, 2–3"]
    assert links_say("mend", [("client 1", 2)]) == "the link from client 1 to server 2 is mended"


def test_the_log_keeps_the_newest_lines_and_shortens_long_ones():
    log = Log(most=2)
    for line in ("one", "two", "x" * 10_000):
        log.say(line)
    assert log.lines[1] == "two"
    assert len(log.lines[0]) < 230 and log.lines[0].endswith("… (10,000 characters)")


def test_a_line_is_one_line():
    log = Log()
    log.say("one\ntwo")
    assert log.lines == ["one two"]
