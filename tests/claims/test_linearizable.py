"""Histories are judged rightly: against all permutations, against the witness claim, and search against search."""

import itertools
import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.linearizable import CASES, Clients, agreement, bad_ones, stale
from paxoskit.claims.linearizable import (
    History,
    HistoryError,
    Operation,
    caused,
    history_of,
    history_of_lines,
    just_in_time,
    linearizable,
    read_history,
)
from paxoskit.claims.linearizable.history import FUNCTIONS, READS, canonical
from paxoskit.claims.linearizable.just_in_time import JustInTime
from paxoskit.claims.linearizable.model import Model
from paxoskit.claims.linearizable.segments import Segments
from paxoskit.claims.linearizable.wing_gong import WingGong
from paxoskit.claims.linearizable.witness import fault
from paxoskit.claims.safety import safety_claims
from paxoskit.protocol.messages import Answered, Ask, Get, Put
from paxoskit.worlds.simulator import Simulator
from tests.mutants import ReadsLocally

LOGS = sorted((Path(__file__).parents[1] / "data" / "etcd").glob("*.jsonl"))


# Small histories, and all their permutations ------------------------------------------------------------------


def a_store(operations):
    """Say whether a store that does these operations, in this order, gives these answers: the shortest oracle."""
    held, nothing = {}, object()
    for each in operations:
        now = held.get(each.key, nothing)
        if each.f in READS:
            absent = [None, ""] if each.f == "get" else [None]
            if each.outcome == "ok" and not (each.result in absent if now is nothing else now == each.result):
                return False
        elif each.f == "cas":
            if (None if now is nothing else now) != each.value[0]:
                return False
            held[each.key] = each.value[1]
        elif each.f == "append":
            held[each.key] = ("" if now in (nothing, None) else now) + each.value
        else:
            held[each.key] = each.value
    return True


def in_time(order):
    return not any(
        later.completed is not None and later.outcome == "ok" and later.completed < earlier.invoked
        for earlier, later in itertools.combinations(order, 2)
    )


def by_all_permutations(operations):
    certain = [each for each in operations if each.outcome == "ok"]
    unknown = [each for each in operations if each.outcome == "info"]
    return any(
        in_time(order) and a_store(order)
        for count in range(len(unknown) + 1)
        for some in itertools.combinations(unknown, count)
        for order in itertools.permutations([*certain, *some])
    )


REGISTER, TEXT = [None, 0, 1, 2], ["a", "b", "ab", ""]
TEXTS_SEEN = [None, "", "a", "b", "ab", "aa", "ba", "bab", "abb"]


def tiny(seed):
    """Return up to six operations of up to four processes that were answered at random."""
    dice = random.Random(seed)
    text = dice.random() < 0.5
    functions = ("get", "put", "append", "append") if text else ("read", "write", "cas")
    values, seen = (TEXT, TEXTS_SEEN) if text else (REGISTER, REGISTER)
    operations, waiting, gone = [], {}, set()
    todo, most, now = dice.randint(1, 6), dice.randint(1, 4), 0
    while todo or waiting:
        now += 1
        if todo and len(waiting) < most and (not waiting or dice.random() < 0.55):
            process = next(number for number in itertools.count() if number not in waiting and number not in gone)
            f = dice.choice(functions)
            value = (dice.choice(values), dice.choice(values)) if f == "cas" else dice.choice(values)
            waiting[process] = (f, None if f in READS else value, now)
            todo -= 1
        elif waiting:
            process = dice.choice(list(waiting))
            f, value, invoked = waiting.pop(process)
            outcome = dice.choice(["ok"] * 6 + ["info", "info", "fail"])
            result = dice.choice(seen) if f in READS and outcome == "ok" else None
            completed = None if outcome == "info" and dice.random() < 0.5 else now
            gone |= {process} if outcome == "info" else set()
            operations.append(Operation(process, f, "k", value, invoked, completed, result, outcome))
    return operations


def finding(search, operations):
    (found,) = [found for found in search(Model(operations)).run(10**9) if found is not None]
    return found


def ended_by(operations, end):
    """Return what was known at a moment, that moment included."""
    return [
        each if each.outcome != "ok" or each.completed <= end
        else replace(each, completed=None, result=None, outcome="info")
        for each in operations if each.invoked <= end
    ]  # fmt: skip


@pytest.mark.parametrize("search", [JustInTime, WingGong])
@pytest.mark.parametrize("seeds", [range(0, 700), range(700, 1400)])
def test_a_search_says_what_all_permutations_say(search, seeds):
    legal = 0
    for seed in seeds:
        operations = list(History(tiny(seed)))
        right = by_all_permutations(operations)
        legal += right
        found = finding(search, operations)
        assert (found.order is not None) == right, (seed, operations)
        if right:
            assert fault(operations, [step.operation for step in found.order]) == "", (seed, operations)
        else:
            stuck = found.stuck.operation
            assert by_all_permutations(list(History(operations).until(stuck))), (seed, operations)
            assert not by_all_permutations(ended_by(operations, stuck.completed)), (seed, operations)
    assert 0.3 < legal / len(seeds) < 0.7


def distinct(seed):
    """Return up to six operations whose updates all differ, answered at random by what could have been there."""
    dice, operations = random.Random(seed), []
    text = dice.random() < 0.7
    values = iter(dice.sample(("<a>", "<b>", "<cc>", "<d>", "<e>", "<f>") if text else (1, 2, 3, 4, 5, 6), 6))
    there = []
    for each in sorted(tiny(seed), key=lambda each: each.invoked):
        f = each.f if each.f in READS else dice.choice(("put", "append", "append")) if text else "write"
        value = None if f in READS else next(values)
        there += [(f, value)] if f not in READS else []
        operations.append(replace(each, f=f, value=value, result=None))
    for number, each in enumerate(operations):
        if each.f in READS and each.outcome == "ok":
            some = dice.sample(there, dice.randint(0, min(3, len(there))))
            told = "".join(value for _, value in some) if text else some[0][1] if some else None
            operations[number] = replace(each, result=told or None)
    return operations


@pytest.mark.parametrize("seeds", [range(0, 1_500), range(1_500, 3_000)])
def test_segments_say_what_all_permutations_say(seeds):
    legal = 0
    for seed in seeds:
        operations = list(History(distinct(seed)))
        assert Segments(Model(operations)).applies
        found, right = finding(Segments, operations), by_all_permutations(operations)
        legal += right
        assert (found.order is not None) == right, (seed, operations)
        if right:
            assert fault(operations, [step.operation for step in found.order]) == "", (seed, operations)
        else:
            stuck = found.stuck.operation
            assert by_all_permutations(list(History(operations).until(stuck))), (seed, operations)
            assert not by_all_permutations(ended_by(operations, stuck.completed)), (seed, operations)
    assert 0.3 < legal / len(seeds) < 0.9


@pytest.mark.parametrize(
    "operations",
    [
        [("put", "a"), ("put", "a")], [("append", "a"), ("append", "ab")], [("put", "a"), ("append", "ab")],
        [("put", ""), ("append", "a")], [("put", None)], [("cas", (1, 2))], [("write", 1), ("write", 1)],
    ],
    ids=str,
)  # fmt: skip
def test_where_an_answer_could_go_back_to_two_things_it_is_searched(operations):
    history = [Operation(0, f, "k", value, 2 * n, 2 * n + 1) for n, (f, value) in enumerate(operations)]
    assert not Segments(Model(history)).applies
    assert linearizable(history).found_by in ("just in time", "Wing–Gong–Lowe")


def test_the_witness_says_what_the_permutations_say():
    for seed in range(150):
        operations = list(History(tiny(seed)))[:4]
        for order in itertools.permutations([each for each in operations if each.outcome == "ok"]):
            assert (fault(operations, order) == "") == (in_time(order) and a_store(order)), (seed, order)


def test_a_witness_has_each_operation_once():
    write, lost = Operation(0, "write", None, 1, 1, 2), Operation(1, "write", None, 2, 1, 2, None, "fail")
    assert fault([write, lost], [write]) == ""
    assert "stands there 0 times" in fault([write, lost], [])
    assert "stands there 2 times" in fault([write, lost], [write, write])
    assert "stands there 1 times" in fault([write, lost], [write, lost])
    stranger = Operation(2, "read", None, None, 3, 4, 1)
    assert fault([write], [write, stranger]) == "there is an operation that nobody asked"


# Larger histories ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_a_history_that_a_store_made_is_legal(name):
    history = CASES[name].history(7)
    verdict = linearizable(history)
    assert verdict.ok is True
    assert fault(history, verdict.order) == ""
    assert len(verdict.order) >= history.count("ok")


BUSY = [
    Clients(6, 24, 1, ("read", "write", "cas"), 3, 0.2, 0.5),
    Clients(8, 24, 1, ("read", "read", "write"), 3, 0.3, 0.5),
    Clients(5, 22, 1, ("get", "put", "append"), 0, 0.2, 0.5),
]


@pytest.mark.parametrize("clients", BUSY, ids=lambda clients: "-".join(clients.functions))
@pytest.mark.parametrize("widths", [(1 << 62,), (1, 1 << 62)])
def test_the_searches_agree_on_busy_histories(clients, widths, monkeypatch):
    monkeypatch.setattr(just_in_time, "WIDTHS", widths)
    verdicts = []
    for seed in range(250):
        history = stale(clients.history(seed), seed, reads=seed % 3)
        for operations in history.by_key.values():
            found = [finding(search, operations) for search in (JustInTime, WingGong)]
            verdicts.append(found[0].order is not None)
            assert (found[1].order is not None) == verdicts[-1], seed
            if verdicts[-1]:
                assert fault(operations, [step.operation for step in found[0].order]) == "", seed
            else:
                assert found[0].stuck.operation is found[1].stuck.operation, seed
    assert len(set(verdicts)) == 2


DISTINCT = [
    Clients(5, 22, 1, ("get", "put", "append"), 0, 0.2, 0.5),
    Clients(8, 30, 1, ("get", "get", "append"), 0, 0.2, 0.5),
    Clients(6, 30, 1, ("read", "write"), 0, 0.2, 0.5),
]


@pytest.mark.parametrize("clients", DISTINCT, ids=lambda clients: "-".join(clients.functions))
def test_segments_agree_with_the_searches_on_busy_histories(clients):
    verdicts = []
    for seed in range(400):
        for operations in stale(clients.history(seed), seed, reads=seed % 3).by_key.values():
            found, other = finding(Segments, operations), finding(JustInTime, operations)
            verdicts.append(found.order is not None)
            assert (other.order is not None) == verdicts[-1], seed
            if verdicts[-1]:
                assert fault(operations, [step.operation for step in found.order]) == "", seed
            else:
                assert found.stuck.operation is other.stuck.operation, seed
    assert len(set(verdicts)) == 2


def test_fifty_clients_on_one_key_are_no_matter():
    clients = Clients(50, 5_000, 1, ("get", "get", "put", "append", "append"), 0, 0.05)
    history = clients.history(1)
    assert linearizable(history).ok is True
    assert linearizable(stale(history, 1)).ok is False


def test_which_unknown_update_explains_an_answer_is_left_open():
    """That 3 is read first may be the write's doing or the cas's; only the write can explain that it is read again."""
    said = [
        Operation(0, "write", None, 3, 1, None, outcome="info"),
        Operation(1, "cas", None, (2, 3), 1, None, outcome="info"),
        Operation(2, "write", None, 2, 2, 3), Operation(2, "read", None, None, 4, 5, 3),
        Operation(2, "write", None, 5, 6, 7), Operation(2, "read", None, None, 8, 9, 3),
    ]  # fmt: skip
    assert [finding(search, said).order is not None for search in (JustInTime, WingGong)] == [True, True]
    assert by_all_permutations(said)


def test_an_unknown_cas_may_leave_what_text_is_appended_to():
    """Nobody reads the null that the cas leaves; but only then does the second append make the "a" that is read."""
    said = [
        Operation(0, "append", None, "ba", 1, 2), Operation(1, "cas", None, ("ba", None), 1, None, outcome="info"),
        Operation(0, "append", None, "a", 3, 4), Operation(0, "read", None, None, 5, 6, "a"),
    ]  # fmt: skip
    assert [finding(search, said).order is not None for search in (JustInTime, WingGong)] == [True, True]
    assert by_all_permutations(said)


def test_a_narrow_try_that_comes_to_nothing_is_no_verdict(monkeypatch):
    history = CASES["register, 5 clients, 5 values, 15 % lost"].history(0)
    monkeypatch.setattr(just_in_time, "WIDTHS", (0, 0, 0, 1 << 62))
    assert linearizable(history).ok is True
    monkeypatch.setattr(just_in_time, "WIDTHS", (1 << 62,))
    assert linearizable(history).ok is True


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.stem)
def test_the_logs_of_a_real_cluster_are_legal(path):
    assert linearizable(read_history(path)).ok is True


def test_there_are_logs_of_a_real_cluster():
    assert len(LOGS) == 2


def test_what_cannot_be_decided_is_called_undecided():
    verdict = linearizable(CASES["10 registers, 100 clients, 5 % lost"].history(1), steps=1_000)
    assert (verdict.ok, verdict.word, bool(verdict)) == (None, "undecided", False)
    assert (verdict.order, verdict.stuck) == ((), None)
    assert verdict.why.startswith("neither search came to an end within ")


def test_the_same_history_gives_the_same_verdict_by_the_same_search():
    history = stale(CASES["register, 10 clients, 5 values, 5 % lost"].history(3), 3, reads=100)
    first, second = linearizable(history), linearizable(history)
    assert first.ok is False
    assert (first.stuck, first.found_by, first.steps) == (second.stuck, second.found_by, second.steps)


def test_ten_thousand_operations_of_one_key_are_no_matter():
    operations = []
    for number in range(5_000):
        operations += [
            Operation(0, "append", "k", "ab", 4 * number, 4 * number + 1),
            Operation(1, "get", "k", None, 4 * number + 2, 4 * number + 3, None, "info"),
        ]
    operations.append(Operation(2, "get", "k", None, 10**6, 10**6 + 1, "ab" * 5_000))
    assert linearizable(operations).ok is True
    assert linearizable([*operations[:-1], replace(operations[-1], result="ab" * 4_999)]).ok is False


# Values and words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read", "same"),
    [
        (1, True, False), (0, False, False), (1, 1.0, False), (1, "1", False), (None, "null", False), ("", None, False),
        ({"a": 1, "b": [2]}, {"b": [2], "a": 1}, True), ([1], [True], False), ((1, 2), [1, 2], True), (0.5, 0.5, True),
    ],
)  # fmt: skip
def test_values_are_compared_as_json_with_their_types(written, read, same):
    said = [Operation(0, "write", None, written, 1, 2), Operation(1, "read", None, None, 3, 4, read)]
    assert linearizable(said).ok is same
    assert (canonical(written) == canonical(read)) is same


@pytest.mark.parametrize(("f", "result", "ok"), [
    ("read", None, True), ("read", "", False), ("get", None, True), ("get", "", True), ("get", "x", False),
])  # fmt: skip
def test_what_was_never_written(f, result, ok):
    assert linearizable([Operation(0, f, "k", None, 1, 2, result)]).ok is ok


def test_a_cas_of_null_begins_a_register():
    assert linearizable([Operation(0, "cas", None, (None, 1), 1, 2), Operation(0, "read", None, None, 3, 4, 1)]).ok


def test_keys_are_apart_and_compared_with_their_types():
    said = [Operation(0, "put", 1, "a", 1, 2), Operation(0, "get", True, None, 3, 4, None)]
    assert linearizable(said).ok is True
    assert len(History(said).by_key) == 2


def test_an_unknown_write_may_take_effect_long_after_or_never():
    lost = Operation(0, "write", None, 1, 1, 2, None, "info")
    reads = [Operation(1, "read", None, None, 10 * n, 10 * n + 1, value) for n, value in enumerate([None, 1, 1], 1)]
    assert linearizable([lost, *reads]).ok is True
    assert linearizable([lost, *reads[:1]]).ok is True
    assert linearizable([lost, *reads, Operation(1, "read", None, None, 90, 91, None)]).ok is False


def test_what_failed_did_not_take_effect():
    said = [Operation(0, "write", None, 1, 1, 2, None, "fail"), Operation(1, "read", None, None, 3, 4, 1)]
    assert linearizable(said).ok is False


def test_moments_that_meet_are_concurrent():
    said = [Operation(0, "write", None, 1, 1, 3), Operation(1, "read", None, None, 3, 4, None)]
    assert linearizable(said).ok is True


def why(*operations):
    return linearizable(operations).why


def test_the_reason_is_said_in_words():
    one, two = Operation(0, "write", "x", 1, 1, 2), Operation(0, "write", "x", 2, 3, 4)
    assert why(one, two, Operation(1, "read", "x", None, 5, 6, 1)) == (
        "process 1: read x → 1 (time 5 to 6): 1 had been overwritten: process 0: write 2 to x (time 3 to 4) came after "
        "process 0: write 1 to x (time 1 to 2); 2 would have been right"
    )
    seven = why(one, Operation(1, "read", "x", None, 5, 6, 7))
    assert "nobody wrote 7 before it ended; 1 would have been right" in seven
    assert "nobody wrote 5 before it ended" in why(one, Operation(1, "cas", "x", (5, 6), 5, 6))
    late = [Operation(0, "write", "x", 1, 1, 9), Operation(1, "read", "x", None, 2, 3, 1)]
    assert "no order of the operations that explains the other answers leaves null here; 1 would" in why(
        *late, Operation(1, "read", "x", None, 4, 5, None)
    )
    assert why(one, two) == ""


def test_the_longest_legal_prefix_ends_before_the_operation_that_cannot_be_placed():
    said = [
        Operation(0, "write", "x", 1, 1, 2), Operation(1, "read", "x", None, 3, 5, 2),
        Operation(2, "write", "x", 2, 6, 7), Operation(3, "write", "x", 3, 4, 8),
    ]  # fmt: skip
    verdict = linearizable(said)
    assert verdict.stuck is said[1]
    assert [(each.words, each.outcome) for each in verdict.prefix] == [
        ("write 1 to x", "ok"), ("read x", "info"), ("write 3 to x", "info"),
    ]  # fmt: skip
    assert linearizable(verdict.prefix).ok is True


# Operations that make no history -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"f": "swap"}, "f: expected one of read, write"),
        ({"outcome": "good"}, "outcome: expected one of ok, fail, info"),
        ({"completed": None}, "an operation that never completed has the outcome info"),
        ({"completed": 0}, "completed: expected a number not below 1"),
        ({"invoked": "1"}, "invoked: expected a number"),
        ({"f": "cas", "value": 3}, r"value: expected \[old, new\] for cas, got 3"),
        ({"f": "append", "value": 3}, "value: expected the text to append, got 3"),
        ({"value": {1, 2}}, "expected a value as in JSON, got"),
        ({"value": float("nan")}, "expected a value as in JSON, got"),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(fields, says):
    good = Operation(0, "write", None, 1, 1, 2)
    with pytest.raises(HistoryError, match=says) as refused:
        linearizable([replace(good, **fields)])
    assert "\n" not in str(refused.value)


def test_a_process_does_one_thing_at_a_time():
    said = [Operation(0, "write", None, 1, 1, 5), Operation(0, "write", None, 2, 3, 4)]
    with pytest.raises(HistoryError, match="begins while the same process waits for write 1"):
        History(said)
    assert linearizable([replace(said[0], outcome="info"), said[1]]).ok is True


# Logs -----------------------------------------------------------------------------------------------------------


def test_a_history_that_is_saved_is_read_back(tmp_path):
    for seed in range(40):
        history = History(tiny(seed))
        history.save(tmp_path / "log")
        again = read_history(tmp_path / "log")
        assert sorted(map(str, again)) == sorted(map(str, history))
        assert linearizable(again).ok is linearizable(history).ok


def log(*lines):
    return history_of_lines([json.dumps(dict(zip(("process", "type", "f", "value"), line))) for line in lines])


def test_an_operation_whose_end_the_log_lacks_is_unknown():
    (operation,) = log((0, "invoke", "write", 1))
    assert (operation.outcome, operation.completed) == ("info", None)


def test_a_process_goes_on_after_an_info_under_its_own_or_a_new_name():
    lost = [(0, "invoke", "write", 1), (0, "info", "write", "timed out")]
    assert [each.process for each in log(*lost, (0, "invoke", "write", 2), ("5", "invoke", "read"))] == [0, 0, "5"]


@pytest.mark.parametrize("f", FUNCTIONS)
def test_the_answer_to_an_update_need_not_repeat_it(f):
    value = [0, 1] if f == "cas" else "a"
    assert log((0, "invoke", f, value), (0, "ok", f, None)).count("ok") == 1


# Histories of the kit's own runs --------------------------------------------------------------------------------


def test_search_and_witness_agree_on_runs_of_the_kit():
    pairs = list(agreement(range(5_000, 5_040)))
    assert [(witness, search) for witness, search, _ in pairs] == [(True, True)] * 40
    assert sum(size for *_, size in pairs) > 300


def test_histories_that_are_bad_for_certain_are_rejected():
    assert list(bad_ones(20)) == [False] * 20


def stale_run():
    """Return a run of leaders that read locally in which somebody reads what was overwritten, and its seed."""
    for seed in range(300):
        simulator = Simulator(seed, server=ReadsLocally, nemesis="cut", claims=False)
        simulator.run(1_500)
        verdict = linearizable(history_of(simulator.trace))
        if not verdict.ok:
            return simulator, verdict
    return pytest.fail("no seed shows the stale read")


def test_a_stale_read_is_found_and_leads_back_to_its_messages():
    simulator, verdict = stale_run()
    assert verdict.ok is False
    events = caused(simulator.trace, verdict.stuck)
    assert type(events[0].what) is Ask and events[0].what.operation == Get(verdict.stuck.key)
    assert type(events[-1].what) is Answered and events[-1].what.answer == verdict.stuck.result
    assert [later.cause for later in events[2:]] == [earlier.n for earlier in events[1:-1]]
    assert events[1].cause == events[0].n or events[1].kind == "fire"
    claims = safety_claims(without=["no acknowledged write is lost"])  # it falls at the same answer, when it is sent
    judged = Simulator(simulator.seed, server=ReadsLocally, nemesis="cut", claims=claims)
    judged.run(1_500)
    assert [violation.claim for violation in judged.violations] == ["linearizable per key"]


def test_what_the_servers_held_before_the_trace_is_no_invention():
    simulator = Simulator(1)
    world = simulator.world
    world.ask("client 1", Put("'x'", "1"))
    history = history_of(simulator.trace, held={"'y'": "7", "'z'": "8"})
    assert [(each.f, each.key, each.outcome) for each in history] == [
        ("put", "'y'", "ok"), ("put", "'z'", "ok"), ("put", "'x'", "info"),
    ]  # fmt: skip


def test_a_trace_without_its_beginning_is_refused():
    simulator = Simulator(1)
    simulator.run(200)
    simulator.trace.forget(50)
    with pytest.raises(HistoryError, match="what was asked before is forgotten"):
        history_of(simulator.trace)
