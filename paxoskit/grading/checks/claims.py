"""Exercise 07: claims that are raised against wrong servers, at the right event, and against no right one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import accumulate, chain
from random import Random

from paxoskit.grading.checks.play import dice
from paxoskit.grading.checks.suspects import LOWEST, RIGHT, WRONG, Ballot, Event, Run, Vote, a_run
from paxoskit.grading.properties import Exercise, Failed, Property
from paxoskit.grading.subject import Subject

KEPT, COMPLETE, AGREEMENT = "promise_kept", "promise_complete", "agreement"
CLAIMS = (KEPT, COMPLETE, AGREEMENT)

Truth = Callable[[Run, int], int | None]


def promise_kept(run: Run, acceptors: int) -> int | None:
    """Return the first promise or vote below an earlier promise of the same acceptor."""
    promised: dict[int, Ballot] = {}
    for place, (server, word, ballot, _) in enumerate(run):
        if word in ("Promise", "Accepted") and ballot < promised.get(server, LOWEST):
            return place
        if word == "Promise":
            promised[server] = ballot
    return None


def promise_complete(run: Run, acceptors: int) -> int | None:
    """Return the first promise that does not report the acceptor's highest vote."""
    votes: dict[int, Vote] = {}
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Promise" and about != votes.get(server):
            return place
        if word == "Accepted" and (server not in votes or ballot > votes[server][0]):
            votes[server] = (ballot, about)
    return None


def agreement(run: Run, acceptors: int) -> int | None:
    """Return the first vote by which a second value is chosen."""
    votes: dict[tuple[Ballot, str], set[int]] = {}
    chosen: set[str] = set()
    for place, (server, word, ballot, about) in enumerate(run):
        if word == "Accepted":
            voters = votes.setdefault((ballot, about), set())
            voters.add(server)
            if 2 * len(voters) > acceptors:
                chosen.add(about)
            if len(chosen) > 1:
                return place
    return None


TRUTH: dict[str, Truth] = {KEPT: promise_kept, COMPLETE: promise_complete, AGREEMENT: agreement}

SAYS = {
    KEPT: "after its promise of a ballot, an acceptor promised or voted in a lower one",
    COMPLETE: "a promise did not report the highest vote that its acceptor had cast",
    AGREEMENT: "two values were chosen: each had the votes of a majority in one ballot",
}


def ambiguous(run: Run) -> bool:
    """Say whether an acceptor voted for two values in one ballot: which of its votes is the highest is then open."""
    seen: dict[tuple[int, Ballot], str] = {}
    votes = [(server, ballot, about) for server, word, ballot, about in run if word == "Accepted"]
    return any(seen.setdefault((server, ballot), about) != about for server, ballot, about in votes)


def judged_by(subject: Subject, claim: str, run: Run, acceptors: int) -> int | None:
    """Return where a learner's claim says that it is broken. Raises Failed for what is no answer."""
    answer = subject.call(claim, [anew(event) for event in run], acceptors)
    if answer is not None and (type(answer) is not int or not 0 <= answer < len(run)):
        places = f"or the place of an event, 0 to {len(run) - 1}," if run else "for a run without any event"
        raise Failed(f"{claim} returned {answer!r}; None {places} was expected.")
    found: int | None = answer
    return found


def anew(event: Event) -> Event:
    """Return an equal event as it comes from elsewhere: `is` says nothing of its word, in practice as for marks."""
    server, word, ballot, about = event
    return server, word[:1] + word[1:], ballot, about


def told(run: Run, place: int) -> str:
    """Return a run as text, up to an event, as far as it is short."""
    lines = [f"    {number:2}  {said(event)}" for number, event in enumerate(run[: place + 1])]
    return "\n".join([*lines[:12], "    …", *lines[-12:]] if len(lines) > 25 else lines)


def said(event: Event) -> str:
    """Return an event in words."""
    server, word, (number, owner), about = event
    if word == "Promise":
        about = "no vote" if about is None else f"{text(about[1])} in ballot {about[0][0]}.{about[0][1]}"
    elif about is not None:
        about = text(about)
    words = "" if about is None else f" {about}"
    return f"server {server}: {word} {number}.{owner}{words}"


def text(value: str) -> str:
    """Return a value as one can read it: in quotes where a space is at its end, its middle left out if long."""
    if len(value) > 100:
        return f"{value[:20]!r} … {value[-20:]!r} ({len(value)} characters)"
    if not value.isascii():
        return f"{value} ({value!a})"
    return "the empty text" if not value else value if value == value.strip() else repr(value)


def renamed(random: Random, run: Run, acceptors: int) -> Run:
    """Return a run with other numbers and texts: rounds and proposers keep their order, different values stay so.

    So each claim holds, or is broken at the same place. Rounds and names get any number of digits, any text may be a
    value, and in half of the runs the proposers are acceptors as well.
    """
    owners = sorted({who for who, *_ in run if who > acceptors} | {event[2][1] for event in run})
    numbers = sorted({event[2][0] for event in run} | {0})
    names = random.sample(range(1, acceptors + 1), min(acceptors, len(owners)))
    if len(names) < len(owners) or random.random() < 0.5:
        names = list(accumulate(random.choices(STEPS, k=len(owners)), initial=acceptors))[1:]
    named = {**{who: who for who in range(1, acceptors + 1)}, **dict(zip(owners, sorted(names)))}
    rounds = dict(zip(numbers, accumulate(random.choices(STEPS, k=len(numbers) - 1), initial=0)))
    texts: dict[str, str] = {}
    free = iter(random.sample(TEXTS, len(TEXTS)))

    def renamed_text(value: str) -> str:
        return texts[value] if value in texts else texts.setdefault(value, next(free, value))

    def other(about: object, word: str) -> object:
        if word == "Promise" and isinstance(about, tuple):
            return ballot(about[0]), renamed_text(about[1])
        return renamed_text(about) if isinstance(about, str) else about

    def ballot(old: Ballot) -> Ballot:
        return rounds[old[0]], named[old[1]]

    return [(named[who], word, ballot(old), other(about, word)) for who, word, old, about in run]


STEPS = (1, 1, 2, 8, 90, 900, 10**7)
"""How far apart the rounds, and the names of proposers, may be."""

TEXTS = ("", "red", "Red", "0", "10", "9", "None", "a b", "()", "not red", "blue", "False")
"""Values: any text is one."""


@lru_cache(maxsize=16)
def wrong_runs(claim: str, seed: int, wanted: int) -> list[tuple[Run, int, int]]:
    """Return runs that break a claim, with acceptors and place: short ones first; the seed picks the servers."""
    found: list[tuple[Run, int, int]] = []
    for number in range(4_000):
        random = dice("suspects", claim, seed, number)
        way = random.choice(WRONG)
        run, acceptors = a_run(random, way, 12 + number // 20)
        run = renamed(random, run, acceptors) if number % 2 else run
        place = TRUTH[claim](run, acceptors)
        if place is not None and not (claim == COMPLETE and ambiguous(run)):
            found.append((run, acceptors, place))
            if len(found) == wanted:
                break
    return found


@lru_cache(maxsize=16)
def true_runs(claim: str, seed: int, wanted: int) -> list[tuple[Run, int]]:
    """Return runs on which a claim holds: of right servers, and of servers that are wrong in another way."""
    found: list[tuple[Run, int]] = []
    for number in range(2_000):
        random = dice("right", claim, seed, number)
        way = random.choice([*RIGHT, *RIGHT, random.choice(WRONG)])
        run, acceptors = a_run(random, way, 12 + number // 2)
        run = renamed(random, run, acceptors) if number % 2 else run
        if TRUTH[claim](run, acceptors) is None and not ambiguous(run):
            found.append((run, acceptors))
            if len(found) == wanted:
                break
    return found


LOW, HIGH, TOP = (1, 7), (2, 8), (3, 7)
LONG: Run = [(7, "Prepare", (number, 7), None) for number in range(4, 304)]
"""So much is said in between that breaks nothing."""

ALIKE: list[tuple[Ballot, Ballot]] = [
    ((1, 12), (11, 2)),  # 112, where the two numbers are written as one
    ((1, 7), (1, 70)),  # 1.7 and 1.70, as decimal fractions
    *(((1, base + 7), (2, 7)) for base in (10, 100, 1_000, 10_000, 10**6, 10**9)),  # base * round + server
    ((10**16, 7), (10**16 + 1, 7)),  # as floating-point numbers
]
"""Two ballots, the lower one first, that who makes one number or one text of a ballot may take for the same."""

TEXTS_ALIKE = (
    ("a", "A"), ("a", " a"), ("7", "07"), ("1", "1.0"), ("", " "), (f"{'a' * 40} b", f"{'a' * 40} c"),
    (f"{'a' * 999} b", f"{'a' * 999} c"), ("\u00e9", "e\u0301"), ("a\n", "a\r\n"),
)  # fmt: skip
"""Two values that are not the same, though they look alike: a value is any text, all of it."""


ALIKE_SERVERS = (16, 32, 64, 100, 128, 256, 1_000, 1_024)
"""Servers that are so far from server 1 are other servers, however few bits or digits of a name somebody keeps."""


def votes(acceptors: int, first: int, second: int) -> Run:
    """Return a run in which so many acceptors vote for one value, and so many for another in a higher ballot."""
    one: Run = [(number, "Accepted", (1, acceptors + 1), "a") for number in range(1, first + 1)]
    return one + [(number, "Accepted", (2, acceptors + 2), "b") for number in range(acceptors, acceptors - second, -1)]


def minorities(one: Vote, other: Vote) -> Run:
    """Return a run in which two votes have one acceptor each, and a value `"b"` is chosen after them."""
    return [(1, "Accepted", *one), (2, "Accepted", *other), *((n, "Accepted", (30, 7), "b") for n in (2, 3))]


BROKEN: dict[str, list[tuple[Run, int]]] = {
    KEPT: [
        ([(1, "Promise", (2, 1), None), (1, "Accepted", (1, 2), "b")], 3),
        ([(2, "Promise", (1, 2), None), (2, "Promise", (1, 1), None)], 3),
        ([(1, "Promise", LOW, None), (2, "Promise", HIGH, None), (2, "Accepted", LOW, "a")], 3),
        ([(9, "Promise", HIGH, None), *LONG, (9, "Promise", LOW, None)], 9),
        ([(1, "Promise", LOW, None), (1, "Promise", HIGH, None), (1, "Promise", LOW, None)], 3),
        ([(1, "Accepted", LOW, "a"), (1, "Promise", HIGH, (LOW, "a")), (1, "Accepted", LOW, "a")], 3),
        ([(1, "Promise", HIGH, None), (1, "Accepted", TOP, "a"), (1, "Accepted", LOW, "b")], 3),
        ([(1, "Promise", HIGH, None), (1, "Accepted", TOP, "a"), (1, "Promise", LOW, (TOP, "a"))], 3),
        ([(1, "Promise", HIGH, None), (1, "Prepare", TOP, None), (1, "Accepted", LOW, "a")], 3),
        ([(12, "Promise", HIGH, None), (2, "Promise", LOW, None), (12, "Accepted", LOW, "a")], 12),
        *(([(1, "Promise", high, None), (1, "Accepted", low, "a")], 3) for low, high in ALIKE),
    ],
    COMPLETE: [
        ([(1, "Promise", TOP, (LOW, "a"))], 3),
        ([(2, "Accepted", LOW, "a"), (1, "Promise", TOP, (LOW, "a"))], 3),
        ([(1, "Accepted", LOW, "a"), (1, "Promise", HIGH, (LOW, "a")), (1, "Promise", TOP, None)], 3),
        ([(1, "Promise", LOW, None), (1, "Accepted", LOW, "a"), (1, "Promise", LOW, None)], 3),
        ([(1, "Promise", HIGH, None), (1, "Accepted", LOW, "a"), (1, "Promise", TOP, None)], 3),
        ([(1, "Accepted", LOW, "a"), (1, "Promise", TOP, ((1, 8), "a"))], 3),
        ([(1, "Accepted", LOW, "a"), (1, "Promise", TOP, (HIGH, "a"))], 3),
        ([(1, "Accepted", (2, 1), "a"), (1, "Prepare", (3, 1), None), (1, "Promise", (3, 1), None)], 3),
        ([(12, "Accepted", LOW, "a"), (2, "Promise", TOP, None), (12, "Promise", TOP, None)], 12),
        ([(1, "Accepted", LOW, "a"), *LONG, (1, "Promise", TOP, None)], 3),
        ([(1, "Accepted", (1, 8), "a"), (1, "Accepted", LOW, "b"), (1, "Promise", TOP, (LOW, "b"))], 3),
        ([(1, "Promise", TOP, None), (1, "Accepted", TOP, "a"), (1, "Promise", LOW, None)], 3),
        *(([(1, "Accepted", low, "a"), (1, "Promise", (30, 7), (high, "a"))], 3) for low, high in ALIKE),
        *(([(1, "Accepted", LOW, one), (1, "Promise", TOP, (LOW, other))], 3) for one, other in TEXTS_ALIKE),
    ],
    AGREEMENT: [
        ([*((n, "Accepted", HIGH, "b") for n in (1, 2)), *((n, "Accepted", LOW, "a") for n in (2, 3))], 3),
        ([(1, "Accepted", LOW, "a"), (1, "Accepted", HIGH, "b")], 1),
        ([*((n, "Accepted", LOW, "a") for n in (1, 2, 1, 3)), *((n, "Accepted", HIGH, "b") for n in (3, 4, 5))], 5),
        ([*((n, "Accepted", LOW, "a") for n in (1, 2, 3, 4)), *((n, "Accepted", HIGH, "b") for n in (4, 5, 6, 7))], 7),
        ([*((n, "Accepted", LOW, "a") for n in (1, 2)), *LONG, *((n, "Accepted", TOP, "b") for n in (2, 3))], 3),
        *((votes(n, n // 2 + 1, n // 2 + 1), n) for n in (*range(1, 12), 20, 100, 130)),
        *(([*((n, "Accepted", LOW, one) for n in (1, 2)), *((n, "Accepted", HIGH, other) for n in (2, 3))], 3)
          for one, other in TEXTS_ALIKE),
    ],
}  # fmt: skip
"""Short runs in which a claim is broken, in ways that the thirty wrong servers do not show."""

TRICKY: dict[str, list[tuple[Run, int]]] = {
    KEPT: [
        ([], 3),
        ([(1, "Promise", (2, 1), None), (1, "Accepted", (2, 1), "a"), (2, "Promise", (1, 2), None)], 3),
        ([(1, "Accepted", HIGH, "a"), (1, "Accepted", LOW, "b")], 3),
        ([(1, "Accepted", HIGH, "a"), (1, "Promise", LOW, (HIGH, "a")), (1, "Accepted", LOW, "b")], 3),
        ([(1, "Promise", HIGH, None), (1, "Promise", HIGH, None), (1, "Accepted", HIGH, "a")], 3),
        ([(1, "Promise", HIGH, None), (2, "Promise", LOW, None), (2, "Accepted", LOW, "b")], 3),
        ([(1, "Promise", LOW, None), (1, "Accepted", TOP, "a"), (1, "Promise", HIGH, (TOP, "a")),
          (1, "Accepted", HIGH, "b")], 3),
        ([(1, "Promise", HIGH, None), (1, "Prepare", LOW, None), (1, "Accept", LOW, "a")], 3),
        ([(1, "Prepare", (2, 1), None), (1, "Accept", (2, 1), "a"), (1, "Promise", (1, 2), None),
          (1, "Accepted", (1, 2), "b")], 3),
        ([(1, "Promise", HIGH, None), (11, "Promise", LOW, None), (11, "Accepted", LOW, "b")], 12),
        ([(1, "Promise", HIGH, None), *((1 + more, "Promise", LOW, None) for more in ALIKE_SERVERS)], 1_025),
    ],
    COMPLETE: [
        ([], 3),
        ([(1, "Accepted", HIGH, "a"), (1, "Accepted", LOW, "b"), (1, "Promise", TOP, (HIGH, "a"))], 3),
        ([(1, "Accepted", (1, 8), "a"), (1, "Accepted", LOW, "b"), (1, "Promise", TOP, ((1, 8), "a"))], 3),
        ([(1, "Accepted", HIGH, "a"), (2, "Promise", TOP, None), (1, "Promise", TOP, (HIGH, "a"))], 3),
        ([(1, "Promise", HIGH, None), (1, "Accepted", LOW, "a"), (1, "Promise", TOP, (LOW, "a"))], 3),
        ([(1, "Accept", (2, 1), "a"), (1, "Promise", TOP, None)], 3),
        ([(1, "Accepted", TOP, "a"), (1, "Promise", HIGH, (TOP, "a"))], 3),
        ([(1, "Accepted", TOP, "a"), (11, "Promise", TOP, None)], 12),
        ([(1, "Accepted", LOW, "a"), *((1 + more, "Promise", TOP, None) for more in ALIKE_SERVERS)], 1_025),
    ],
    AGREEMENT: [
        ([], 3),
        *((votes(n, n // 2 + 1, n // 2), n) for n in range(1, 12)),
        *((votes(n, n // 2 + 1, n // 2 + 1), n + 2 - n % 2) for n in range(1, 10)),
        ([*[(1, "Accepted", LOW, "a")] * 2, (2, "Accepted", HIGH, "b"), (3, "Accepted", HIGH, "b")], 3),
        ([*((n, "Accepted", LOW, "a") for n in (1, 2, 1)), *((n, "Accepted", HIGH, "b") for n in (3, 4, 5))], 5),
        ([(1, "Accepted", LOW, "a"), *((n, "Accepted", HIGH, "b") for n in (2, 3)), (2, "Accepted", TOP, "a")], 3),
        ([(1, "Accepted", LOW, "a"), (2, "Accepted", LOW, "a"), *((n, "Accepted", HIGH, "b") for n in (2, 3, 4))], 4),
        ([*((n, "Accepted", LOW, "a") for n in (1, 2)), *((n, "Accepted", HIGH, "a") for n in (2, 3))], 3),
        ([(1, "Accepted", (1, 7), "a"), (2, "Accepted", (1, 8), "a"), (2, "Accepted", (2, 8), "b"),
          (3, "Accepted", (2, 8), "b")], 3),
        ([(1, "Accepted", LOW, "a"), *LONG, *((n, "Accepted", TOP, "b") for n in (2, 3)), (1, "Accepted", LOW, "a")],
          3),
        ([(7, "Accept", LOW, "a"), (1, "Accepted", LOW, "a"), (8, "Accept", HIGH, "b"), (1, "Accepted", HIGH, "b")], 3),
        *((minorities((low, "a"), (high, "a")), 3) for low, high in ALIKE),
        (minorities(((1, 2), "3a"), ((1, 23), "a")), 3),
    ],
}  # fmt: skip
"""Runs in which a claim holds, though it does not look so at first."""


def tricky_runs(claim: str, seed: int) -> Iterator[tuple[Run, int]]:
    """Yield the tricky runs, as they are and with the acceptors in other roles."""
    for number, (run, acceptors) in enumerate(TRICKY[claim]):
        yield run, acceptors
        order = dice("tricky", claim, seed, number).sample(range(1, acceptors + 1), acceptors)
        yield [(order[who - 1] if who <= acceptors else who, *rest) for who, *rest in run], acceptors


def broken_runs(claim: str) -> Iterator[tuple[Run, int, int]]:
    """Yield the short runs in which a claim is broken, with acceptors and place."""
    for run, acceptors in BROKEN[claim]:
        place = TRUTH[claim](run, acceptors)
        assert place is not None
        yield run, acceptors, place


def judge_quiet(subject: Subject, seed: int) -> None:
    """No claim is raised where it holds; and each is raised at least once where it is broken."""
    for claim in CLAIMS:
        if not any(judged_by(subject, claim, run, n) is not None for run, n, _ in wrong_runs(claim, seed, 80)[:10]):
            raise Failed(
                f"{claim} returned None for ten runs in which it is broken: a claim that can never fall says nothing."
            )
        for run, acceptors in chain(tricky_runs(claim, seed), true_runs(claim, seed, 60)):
            place = judged_by(subject, claim, run, acceptors)
            if place is not None:
                raise Failed(
                    f"{claim}(run, {acceptors}) returned {place}; in this run the claim holds, and None was expected:\n"
                    f"{told(run, place)}\nLook at what exactly the claim forbids, and whom it binds."
                )


def judge_claim(claim: str) -> Callable[[Subject, int], None]:
    """Return the judge of one claim: it is raised in every run in which it is broken."""

    def judged(subject: Subject, seed: int) -> None:
        raised_at_all(subject, claim, seed)
        for run, acceptors, place in chain(broken_runs(claim), wrong_runs(claim, seed, 80)):
            if judged_by(subject, claim, run, acceptors) is None:
                raise Failed(
                    f"{claim}(run, {acceptors}) returned None; in this run event {place} breaks it: {SAYS[claim]}:\n"
                    f"{told(run, place)}\nLook at what your claim remembers of each server."
                )
        if claim == AGREEMENT:
            among_fewer(subject)

    return judged


def among_fewer(subject: Subject) -> None:
    """A run in which nothing is chosen by five acceptors is asked for again, as one of three."""
    run: Run = [*((n, "Accepted", LOW, "fewer") for n in (1, 2)), *((n, "Accepted", HIGH, "more") for n in (2, 3))]
    judged_by(subject, AGREEMENT, run, 5)
    if judged_by(subject, AGREEMENT, run, 3) is None:
        raise Failed(
            f"agreement(run, 5) was asked for, and then agreement(run, 3) of the same run, which returned None; two of "
            f"three are a majority, and event 3 breaks it: {SAYS[AGREEMENT]}:\n{told(run, 3)}\n"
            "Look at what your claim keeps from one call to the next."
        )


def raised_at_all(subject: Subject, claim: str, seed: int) -> None:
    """A claim that is raised against everything finds nothing."""
    runs = true_runs(claim, seed, 60)[:10]
    if all(judged_by(subject, claim, run, acceptors) is not None for run, acceptors in runs):
        raise Failed(
            f"{claim} was raised in each of {len(runs)} runs in which it holds: it tells wrong from right nowhere."
        )


def judge_place(subject: Subject, seed: int) -> None:
    """The place that a claim names is the first event that breaks it."""
    for claim in CLAIMS:
        for run, acceptors, place in chain(broken_runs(claim), wrong_runs(claim, seed + 1, 40)):
            named = judged_by(subject, claim, run, acceptors)
            if named != place:
                raise Failed(
                    f"{claim}(run, {acceptors}) returned {named}; event {place} is the first that breaks it: "
                    f"{SAYS[claim]}:\n"
                    f"{told(run, max(place, named or 0))}"
                )


EXERCISE = Exercise(
    id="07_claims",
    module="claims",
    names=CLAIMS,
    properties=(
        Property("quiet", "No claim is raised against right servers, and each can be raised", 1, judge_quiet),
        Property("promise_kept", "Every broken promise is found", 1, judge_claim(KEPT)),
        Property("promise_complete", "Every promise that hides a vote is found", 1, judge_claim(COMPLETE)),
        Property("agreement", "Every second chosen value is found", 1, judge_claim(AGREEMENT)),
        Property("place", "A claim names the first event that breaks it", 1, judge_place),
    ),
    planted="no claim is ever raised",
    plant="""
def plant(answer):
    answer.promise_kept = answer.promise_complete = answer.agreement = lambda run, acceptors: None
    return answer
""",
)
