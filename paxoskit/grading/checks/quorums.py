"""Exercise 03: when are there enough votes? Majorities, and quorums that only have to meet."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product

from paxoskit.grading.checks.play import dice
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject

LARGEST = 6
"""Every set of voters among so many servers is tried, and samples of larger clusters."""

COPIES = 300
"""A network that brings a vote again may do so many times."""


def enough(servers: int, phase: int) -> int:
    """Return how many servers are a quorum: more than half in phase 1, at least half in phase 2.

    >>> [(enough(n, 1), enough(n, 2)) for n in (1, 2, 3, 4, 5)]
    [(1, 1), (2, 1), (2, 2), (3, 2), (3, 3)]
    """
    return servers // 2 + 1 if phase == 1 else (servers + 1) // 2


def ask(subject: Subject, votes: list[int], servers: tuple[int, ...], phase: int) -> bool:
    """Ask whether these votes are a quorum. Raises Failed if the answer is neither True nor False."""
    answer = subject.call("is_quorum", list(votes), servers, phase)
    if type(answer) is not bool:
        raise Failed(f"{call(votes, servers, phase)} returned {answer!r}; True or False was expected.")
    return answer


def call(votes: list[int], servers: tuple[int, ...], phase: int) -> str:
    """Return a call of `is_quorum` as text, without the middle of very many votes."""
    told = str(list(votes))
    if len(votes) > 150:
        told = f"[{str(votes[:9])[1:-1]}, … {len(votes)} votes …, {str(votes[-9:])[1:]}"
    return f"is_quorum({told}, {servers}, phase={phase})"


def clusters(seed: int) -> Iterator[tuple[int, ...]]:
    """Yield the servers of clusters: 1 to `LARGEST` by number, then some whose names are not 1 to N."""
    yield from (tuple(range(1, count + 1)) for count in range(1, LARGEST + 1))
    random = dice("quorums", seed)
    yield (3, 0, 7)
    for highest in (60, 60, 200, 2_000):
        yield tuple(random.sample(range(highest), random.randint(3, LARGEST)))


def larger(seed: int) -> Iterator[tuple[tuple[int, ...], list[int], list[int]]]:
    """Yield clusters of 7 to 12 servers, each with a sample of its servers and with all the others."""
    random = dice("larger quorums", seed)
    for count in range(LARGEST + 1, 13):
        servers = tuple(random.sample(range(60), count))
        for size in range(count + 1):
            for _ in range(2):
                votes = random.sample(servers, size)
                yield servers, votes, [server for server in servers if server not in votes]


def nearly_quorums(seed: int) -> Iterator[tuple[tuple[int, ...], list[int], int]]:
    """Yield clusters of 7 to 12 servers, each with votes just enough or one too few in a phase, and that phase."""
    random = dice("nearly quorums", seed)
    for count in range(LARGEST + 1, 13):
        servers = tuple(random.sample(range(60), count))
        for phase in (1, 2):
            for size in (enough(count, phase) - 1, enough(count, phase)):
                yield servers, random.sample(servers, size), phase


def subsets(servers: tuple[int, ...]) -> Iterator[list[int]]:
    """Yield every set of servers, small ones first; their names are made anew, as a network brings them."""
    names = [int(str(name)) for name in servers]  # what is equal need not be one object
    for size in range(len(names) + 1):
        yield from map(list, combinations(names, size))


def judge_meet(subject: Subject, seed: int) -> None:
    """Any quorum of phase 1 and any of phase 2 share a server, and so do any two of phase 1."""
    for servers in clusters(seed):
        first, second = (
            [votes for votes in subsets(servers) if ask(subject, votes, servers, phase)] for phase in (1, 2)
        )
        for one, others, phase in (
            (one, others, phase) for one in first for phase, others in ((2, second), (1, first))
        ):
            for other in others:
                if not set(one) & set(other):
                    raise apart(one, other, servers, phase)
        if not first or not second:
            raise Failed(f"among the servers {servers}, no set of votes is a quorum of phase {1 if not first else 2}: "
                         "not even all of them.")  # fmt: skip
    for servers, one, other in larger(seed):
        for phase in (1, 2):
            if ask(subject, one, servers, 1) and ask(subject, other, servers, phase):
                raise apart(one, other, servers, phase)


def apart(one: list[int], other: list[int], servers: tuple[int, ...], phase: int) -> Failed:
    """Return what to say of two quorums that share no server."""
    return Failed(
        f"{call(one, servers, 1)} and {call(other, servers, phase)} both returned True, and no server is in both.\n"
        "Look at what happens if the first set hears nothing of what the second decided."
    )


def judge_enough(subject: Subject, seed: int) -> None:
    """No vote more than needed: phase 1 works with more than half, phase 2 with half."""
    for servers in clusters(seed):
        for phase in (1, 2):
            for votes in subsets(servers):
                right = len(votes) >= enough(len(servers), phase)
                if right and not ask(subject, votes, servers, phase):
                    raise refused(votes, servers, phase)
    for servers, votes, _ in larger(seed):
        for phase in (1, 2):
            if len(votes) >= enough(len(servers), phase) and not ask(subject, votes, servers, phase):
                raise refused(votes, servers, phase)


def refused(votes: list[int], servers: tuple[int, ...], phase: int) -> Failed:
    """Return what to say of a quorum that was taken for none."""
    share = "more than half" if phase == 1 else "at least half"
    return Failed(
        f"{call(votes, servers, phase)} returned False; {len(votes)} of {len(servers)} servers are {share}, which is "
        f"enough in phase {phase}.\nLook at how many servers may be down."
    )


def judge_by_server(subject: Subject, seed: int) -> None:
    """A vote that comes twice counts once: the answer is that without the copies."""
    random, answers = dice("by server", seed), set()
    for servers in clusters(seed):
        for phase in (1, 2):
            for votes in subsets(servers):
                if votes:
                    twice = [*votes, *random.choices(votes, k=len(servers))]
                    random.shuffle(twice)
                    once = ask(subject, votes, servers, phase)
                    answers.add(once)
                    if ask(subject, twice, servers, phase) is not once:
                        raise Failed(
                            f"{call(votes, servers, phase)} returned {once}, and {call(twice, servers, phase)} "
                            f"returned {not once}: the same {len(votes)} of {len(servers)} servers voted.\n"
                            "Look at what you count: a network may bring the same vote twice."
                        )
    for servers, votes, phase in nearly_quorums(seed):
        rounds = [*votes, *(votes[1:] * 9), *votes]  # between two votes of one server many others come
        if ask(subject, rounds, servers, phase) is not ask(subject, votes, servers, phase):
            raise Failed(
                f"{call(votes, servers, phase)} and {call(rounds, servers, phase)} gave two answers: the same "
                f"{len(votes)} of {len(servers)} servers voted.\nLook at how you tell a vote that came before, "
                "long before perhaps."
            )
    for votes in short_lists((1, 2, 3)):
        for phase in (1, 2):
            judge_alike(subject, list(dict.fromkeys(votes)), votes, phase,
                        "Look at what you count: a network may bring the same vote twice.")  # fmt: skip
    judge_many_copies(subject, (1, 2, 3, 4, 5))
    never_the_same(answers)


def short_lists(names: tuple[int, ...]) -> Iterator[list[int]]:
    """Yield every list of one to four votes, in any order: few copies are copies too, one vote or two."""
    for length in range(1, 5):
        yield from map(list, product(names, repeat=length))


def judge_alike(subject: Subject, votes: list[int], longer: list[int], phase: int, advice: str) -> None:
    """Of servers 1, 2 and 3, the same ones voted in both lists: the answer is the same."""
    servers = (1, 2, 3)
    answer = ask(subject, votes, servers, phase)
    if ask(subject, longer, servers, phase) is not answer:
        raise Failed(
            f"{call(votes, servers, phase)} returned {answer}, and {call(longer, servers, phase)} returned "
            f"{not answer}: the same {len(set(votes) & set(servers))} of {len(servers)} servers voted.\n{advice}"
        )


def judge_many_copies(subject: Subject, servers: tuple[int, ...]) -> None:
    """A quorum stays one, however many copies of one of its votes came before the others, or after them."""
    quorum, copies = list(servers[: enough(len(servers), 1)]), [servers[0]] * COPIES
    once = ask(subject, quorum, servers, 1)
    for votes, moment in (([*copies, *quorum], "before"), ([*quorum, *copies], "after")):
        if ask(subject, votes, servers, 1) is not once:
            raise Failed(
                f"{call(quorum, servers, 1)} returned {once}, and {not once} when {COPIES} more votes of server "
                f"{servers[0]} came {moment} these: the same {len(quorum)} of {len(servers)} servers voted.\n"
                "Look at which of the votes you read: a network may bring the same vote many times."
            )


def never_the_same(answers: set[bool]) -> None:
    """An answer that never changes shows nothing: there are quorums, and there are votes that are none."""
    if len(answers) == 1:
        raise Failed(f"is_quorum returned {answers.pop()} whatever the votes were: it tells no quorum from anything.")


WORDS = (1_024, 65_536)
"""Names so far apart look alike to a program that keeps a few of their bits."""


def strangers_of(servers: tuple[int, ...]) -> list[int]:
    """Return the names of some who are no servers: far from all servers' names, between two of them, or nearly one.

    >>> strangers_of((12, 40))[:8]
    [0, 1, 2, 4, 11, 13, 32, 39]
    """
    near = {name + step for name in servers for step in (-1, 1, 20, 100, 256, 1_000, *WORDS)}
    texts = [text for name in map(str, servers) for text in (name[:1], name[1:] or "0", 2 * name, f"1{name}")]
    return sorted({name for name in near | set(map(int, texts)) | {0, 71, 72, 73} if name >= 0} - set(servers))


def judge_strangers(subject: Subject, seed: int) -> None:
    """A vote of somebody who is no server changes nothing, wherever it stands."""
    random, answers = dice("strangers", seed), set()
    for servers in clusters(seed):
        alike = strangers_of(servers)
        for phase in (1, 2):
            for votes in subsets(servers):
                strangers = random.sample(alike, len(servers))
                mixed = [*votes, *strangers]
                random.shuffle(mixed)
                without = ask(subject, votes, servers, phase)
                answers.add(without)
                if ask(subject, mixed, servers, phase) is not without:
                    raise Failed(
                        f"{call(votes, servers, phase)} returned {without}, and {call(mixed, servers, phase)} returned "
                        f"{not without}: the same {len(votes)} of {len(servers)} servers voted.\n"
                        f"Look at whose votes you count: {', '.join(map(str, sorted(strangers)))} are no servers of "
                        "this cluster."
                    )
    for votes in short_lists((1, 2, 8, 9)):
        for phase in (1, 2):
            judge_alike(subject, [name for name in votes if name in (1, 2, 3)], votes, phase,
                        "Look at whose votes you count: 8 and 9 are no servers of this cluster.")  # fmt: skip
    judge_many_strangers(subject, seed)
    judge_other_servers(subject)
    never_the_same(answers)


def judge_many_strangers(subject: Subject, seed: int) -> None:
    """In large clusters too, a stranger's vote changes nothing, however many strangers there are."""
    random = dice("many strangers", seed)
    for servers, votes, phase in nearly_quorums(seed):
        mixed = [*votes, *random.sample(strangers_of(servers), len(servers))]
        random.shuffle(mixed)
        if ask(subject, mixed, servers, phase) is not ask(subject, votes, servers, phase):
            raise Failed(
                f"{call(votes, servers, phase)} and {call(mixed, servers, phase)} gave two answers: the same "
                f"{len(votes)} of {len(servers)} servers voted.\nLook at whose votes you count."
            )


def judge_other_servers(subject: Subject) -> None:
    """The same votes are judged anew for each cluster: who was a server of the last one may be a stranger in this."""
    votes = [1, 2, 3]
    for servers in ((1, 2, 3), (0, 2, 4), (2, 3, 4), (3, 4, 5), (4, 5, 6), (1, 2, 3)):
        voters = [name for name in votes if name in servers]
        for phase in (1, 2):
            got = ask(subject, votes, servers, phase)
            if got is not ask(subject, voters, servers, phase):
                raise Failed(
                    f"{call(votes, servers, phase)} returned {got}, and {call(voters, servers, phase)} {not got}: the "
                    f"same {len(voters)} of its servers voted. The votes {votes} were asked for with other servers "
                    "before.\nLook at whose votes you count, and at what outlives a call."
                )


def judge_four(subject: Subject, seed: int) -> None:
    """Every safe pair of sizes for four servers."""
    judge_pairs(subject, 4)


def judge_all_sizes(subject: Subject, seed: int) -> None:
    """Every safe pair of sizes for 1 to 9 servers."""
    for servers in (*range(1, 10), 5, 2):  # and once more, after larger ones
        judge_pairs(subject, servers)


def judge_pairs(subject: Subject, servers: int) -> None:
    """`safe_pairs(servers)` holds the pairs of sizes that always meet, and no other."""
    answer = subject.call("safe_pairs", servers)
    pairs = list(answer) if type(answer) in SEVERAL else None
    if pairs is None or not all(type(pair) is tuple and [type(part) for part in pair] == [int, int] for pair in pairs):
        raise Failed(f"safe_pairs({servers}) returned {answer!r}; a set of pairs of whole numbers was expected.")
    sizes = range(1, servers + 1)
    right = {(one, two) for one in sizes for two in sizes if one + two > servers}
    if wrong := sorted(set(pairs) - right):
        one, two = wrong[0]
        reason = (
            f"{one} servers and {two} others of {servers} can have none in common"
            if one in sizes and two in sizes else f"a quorum has at least 1 server and at most {servers}"
        )  # fmt: skip
        raise Failed(f"safe_pairs({servers}) has {wrong[0]}: {reason}.")
    if missing := sorted(right - set(pairs)):
        one, two = missing[0]
        raise Failed(
            f"safe_pairs({servers}) lacks {missing[0]}: any {one} and any {two} of {servers} servers share one."
        )


SEVERAL = (set, frozenset)

EXERCISE = Exercise(
    id="03_quorums",
    module="quorums",
    names=("is_quorum", "safe_pairs"),
    properties=(
        Property("meet", "Every quorum of phase 1 meets every quorum of either phase", 1, judge_meet),
        Property("enough", "More than half is enough in phase 1, half in phase 2", 1, judge_enough),
        Property("by_server", "Votes are counted by server: one that comes twice counts once", 1, judge_by_server),
        Property("strangers", "Only servers of the cluster are counted", 1, judge_strangers),
        Property("four", "Every safe pair of sizes for four servers", 0.5, judge_four),
        Property("all_sizes", "Every safe pair of sizes for any number of servers", 0.5, judge_all_sizes),
    ),
    planted="2 of 4 servers are a quorum in both phases",
    plant="""
def plant(answer):
    true = answer.is_quorum
    answer.is_quorum = lambda votes, servers, phase: true(votes, servers, 2)
    return answer
""",
)
