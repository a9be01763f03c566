"""`linearizable`: a verdict for each log, however bad its neighbour; bad input gets one line with file and line."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.linearizable import CASES, STORE, Clients, stale

TOP = Path(__file__).parents[2]


def lines(*objects):
    return "".join(json.dumps(one) + "\n" for one in objects)


def said(process, kind, f, value=None, **more):
    return {"process": process, "type": kind, "f": f, "value": value, **more}


GOOD = lines(
    said(0, "invoke", "write", 1), said(0, "ok", "write", 1), said(1, "invoke", "read"), said(1, "ok", "read", 1)
)  # fmt: skip
WRITTEN = '"ok", "f": "write", "value": 1'
ILLEGAL = GOOD.replace('"ok", "f": "read", "value": 1', '"ok", "f": "read", "value": 2')
BAD = GOOD + "{\n"


@pytest.fixture
def logs(tmp_path):
    for name, text in {"good": GOOD, "illegal": ILLEGAL, "bad": BAD}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_legal_log(paxoskit, logs):
    code, told, complaint = paxoskit("linearizable", "good", cwd=logs)
    assert (code, complaint, len(told)) == (0, [], 1)
    assert told[0].startswith("good: legal: 2 operations, 1 key, 2 processes, 0 unknown, ")


def test_an_illegal_log_says_what_cannot_be_placed(paxoskit, logs):
    code, told, complaint = paxoskit("linearizable", "illegal", cwd=logs)
    assert (code, complaint, len(told)) == (1, [], 1)
    assert told[0].startswith("illegal: illegal: 2 operations, ")
    assert "process 1: read → 2 (line 3 to 4): nobody wrote 2 before it ended; 1 would have been right" in told[0]


def test_a_bad_log_does_not_lose_the_verdicts_of_the_others(paxoskit, logs):
    code, told, complaint = paxoskit("linearizable", "good", "bad", "none", "illegal", "--json", cwd=logs)
    report = json.loads(told[-1])
    assert code == 2
    assert [line.split(":")[:2] for line in told[:-1]] == [["good", " legal"], ["illegal", " illegal"]]
    assert [line.split(":")[1].strip() for line in complaint] == ["bad, line 5", "none"]
    assert [one["verdict"] for one in report["files"]] == ["legal", "bad input", "bad input", "illegal"]
    assert [one["linearizable"] for one in report["files"]] == [True, None, None, False]
    assert all(one["milliseconds"] >= 0 for one in report["files"])
    assert (report["legal"], report["illegal"], report["undecided"], report["bad_input"]) == (1, 1, 0, 2)
    assert report["files"][3]["cannot_be_placed"] == {"from_line": 3, "to_line": 4, "says": "process 1: read → 2"}


@pytest.mark.parametrize(("last", "code"), [("good", 0), ("illegal", 1)])
def test_who_has_seen_enough_of_the_verdicts_is_told_no_more_and_the_exit_code_is_right(logs, last, code):
    command = [sys.executable, "-m", "paxoskit", "linearizable", *["good"] * 3, last, "--json"]
    env = {"PYTHONPATH": str(TOP), "PYTHONUTF8": "1"}
    with subprocess.Popen(command, cwd=logs, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == code


def test_an_illegal_log_among_legal_ones_is_code_1(paxoskit, logs):
    assert paxoskit("linearizable", "good", "illegal", "good", cwd=logs).code == 1


def test_what_is_left_undecided_is_no_verdict(paxoskit, tmp_path):
    CASES["10 registers, 100 clients, 5 % lost"].history(1).save(tmp_path / "log")
    code, told, _ = paxoskit("linearizable", "log", "--steps", "500", "--json", cwd=tmp_path)
    assert code == 3
    assert told[0].startswith("log: undecided: 5,000 operations, ")
    assert json.loads(told[-1])["files"][0]["linearizable"] is None


def test_thousands_of_operations_of_many_clients(paxoskit, tmp_path):
    history = Clients(60, 4_000, 12, STORE, 0, 0.05).history(1)
    history.save(tmp_path / "right")
    stale(history, 1).save(tmp_path / "stale")
    code, told, _ = paxoskit("linearizable", "right", "stale", "--json", cwd=tmp_path)
    assert code == 1
    assert [one["verdict"] for one in json.loads(told[-1])["files"]] == ["legal", "illegal"]


LENIENT = {
    "more fields": GOOD.replace('"process": 0', '"time": 12, "index": 3, "error": ["x"], "process": 0'),
    "blank lines and CRLF": GOOD.replace("\n", "\r\n\r\n"),
    "a byte order mark": "\ufeff" + GOOD,
    "no newline at the end": GOOD.rstrip(),
    "keywords": GOOD.replace('"ok"', '":ok"').replace('"invoke"', '":invoke"').replace('"read"', '":read"'),
    "names of processes": GOOD.replace('"process": 0', '"process": "client 0"'),
    "null in the answer of a write": GOOD.replace(WRITTEN, '"ok", "f": "write", "value": null'),
    "no f and no value in the answer": GOOD.replace(WRITTEN, '"ok"'),
    "the nemesis": lines(said("nemesis", "info", "cut", {"a": ["b"]}), said(":nemesis", "info", "stop")) + GOOD,
    "an invoke without end": GOOD + lines(said(2, "invoke", "write", 7)),
    "a write with null for an info": GOOD + lines(said(2, "invoke", "write", 7), said(2, "info", "write", "timed-out")),
    "nothing": "",
}


@pytest.mark.parametrize("name", LENIENT)
def test_what_real_logs_contain_is_taken(paxoskit, tmp_path, name):
    (tmp_path / "log").write_bytes(LENIENT[name].encode())
    code, told, complaint = paxoskit("linearizable", "log", cwd=tmp_path)
    assert (code, complaint) == (0, [])
    assert told[0].startswith("log: legal: ")


REFUSED = {
    "broken JSON": (GOOD + '{"process": 0, "ty', 5, "expected a JSON object, got"),
    "no object": ("[1]\n", 1, "expected a JSON object, got [1]"),
    "a field twice": ('{"process": 0, "process": 1}\n', 1, 'the field "process" stands there twice'),
    "no type": (lines({"process": 0, "f": "read"}), 1, "type: expected one of invoke, ok, fail, info, got nothing"),
    "a wrong type": (lines(said(0, "done", "read")), 1, 'type: expected one of invoke, ok, fail, info, got "done"'),
    "a wrong f": (lines(said(0, "invoke", ["read"])), 1, "f: expected one of read, write, cas"),
    "no process": (lines({"type": "invoke", "f": "read"}), 1, "process: expected a number or a name, got nothing"),
    "a truth for a process": (lines(said(True, "invoke", "read")), 1, "process: expected a number or a name, got true"),
    "a cas of one value": (lines(said(0, "invoke", "cas", 1)), 1, "value: expected [old, new] for cas, got 1"),
    "an append of a number": (lines(said(0, "invoke", "append", 1)), 1, "value: expected the text to append, got 1"),
    "nothing to write": (lines({"process": 0, "type": "invoke", "f": "write"}), 1, "value: expected what to write"),
    "two at once": (lines(said(0, "invoke", "read"), said(0, "invoke", "read")), 2, "while its read of line 1 has not"),
    "an ok without invoke": (lines(said(0, "ok", "read", 1)), 1, "process 0 has ok, but no operation"),
    "another f": (lines(said(0, "invoke", "read"), said(0, "ok", "write", 1)), 2, "ok of write, but it invoked read"),
    "another key": (
        lines(said(0, "invoke", "get", key="a"), said(0, "ok", "get", 1, key="b")), 2, "has ok for key b, but",
    ),
    "text on a number": (
        lines(said(0, "invoke", "put", 1), said(0, "ok", "put"), said(0, "invoke", "append", "a")), 1, "expected text",
    ),
    "not a number": ('{"process": 0, "type": "invoke", "f": "write", "value": NaN}', 1, "NaN is not JSON"),
    "too large": ('{"process": 0, "type": "invoke", "f": "write", "value": 1e999}', 1, "1e999 is too large"),
    "too many digits": (lines(said(0, "invoke", "write", 0)).replace("0}", "9" * 5_000 + "}"), 1, "a JSON object"),
    "nested": ("[" * 200_000, 1, "expected a JSON object, got one that is nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_gets_one_line_that_names_file_and_line(paxoskit, tmp_path, name):
    text, number, says = REFUSED[name]
    (tmp_path / "log").write_text(text)
    code, told, complaint = paxoskit("linearizable", "log", cwd=tmp_path)
    assert (code, told, len(complaint)) == (2, [], 1)
    assert complaint[0].startswith(f"paxoskit: log, line {number}: ")
    assert says in complaint[0]
    assert len(complaint[0]) < 300


def test_files_that_are_no_text_and_folders_get_one_line_each(paxoskit, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(GOOD.encode() + b"\xff\xfe\x00\x9f")
    code, told, complaint = paxoskit("linearizable", "folder", "bytes", cwd=tmp_path)
    assert (code, told) == (2, [])
    assert complaint == [
        "paxoskit: folder: cannot read it: Is a directory",
        "paxoskit: bytes, line 1 or after: expected text in UTF-8, got other bytes",
    ]


def test_what_a_terminal_must_not_be_told_is_escaped(paxoskit, tmp_path):
    (tmp_path / "log").write_text(ILLEGAL.replace('"value": 2', '"value": "\\u001b[2J\\ud800\\u202e"'))
    code, told, _ = paxoskit("linearizable", "log", cwd=tmp_path)
    assert code == 1
    assert told[0].isprintable() and "u001b[2J" in told[0]


@pytest.mark.parametrize("arguments", [[], ["log", "--steps", "0"], ["log", "--seconds", "3"]])
def test_bad_options_get_one_line_and_exit_code_2(paxoskit, arguments):
    code, told, complaint = paxoskit("linearizable", *arguments)
    assert (code, told, len(complaint)) == (2, [], 1)
