"""`linearizable`: judge logs of clients of any store, in Jepsen's words, one verdict line a file.

What a log looks like, and what is taken, is said in `paxoskit.claims.linearizable.history`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

from paxoskit.claims.linearizable import STEPS, HistoryError, Verdict, linearizable, read_history
from paxoskit.options import Options, whole

MORE = (
    "A log has one JSON object a line: "
    '{"process": 0, "type": "invoke|ok|fail|info", "f": "read|write|cas|get|put|append", "key": …, "value": …}. '
    "Exit code 0 if all are legal, 1 if one is illegal, 2 if one cannot be read, 3 if one is left undecided."
)
UNDECIDED = 3


def main(arguments: list[str]) -> int:
    """Run the command; what is wrong with one file does not keep the others from their verdicts."""
    options = Options("linearizable", MORE)
    options.add_argument("files", metavar="FILE", nargs="+", help="a log, one JSON object a line")
    options.add_argument(
        "--steps", type=whole(1, 10**12), default=STEPS, help=f"leave a log undecided after so many steps ({STEPS})"
    )
    options.add_argument("--json", action="store_true", help="print one object as the last line")
    chosen = options.parse_args(arguments)
    try:
        judged = [judge(path, chosen.steps) for path in chosen.files]
    except KeyboardInterrupt:
        print("\npaxoskit: stopped", file=sys.stderr)
        return 130
    if chosen.json:
        say(json.dumps({"files": judged, **_count(judged)}))
    return _code([result["verdict"] for result in judged])


def judge(path: str, steps: int) -> dict[str, Any]:
    """Judge one file, say so in one line, and return what was found as one object."""
    start = time.perf_counter()
    try:
        history = read_history(path)
    except HistoryError as error:
        say(f"paxoskit: {error}", sys.stderr)
        return {"file": path, "verdict": "bad input", "linearizable": None, "why": str(error),
                "milliseconds": _since(start)}  # fmt: skip
    verdict = linearizable(history, steps)
    why = verdict.why
    milliseconds = _since(start)
    say(f"{path}: {verdict.word}: {_size(verdict)}, {milliseconds:,.0f} ms{f'; {why}' if why else ''}")
    return {
        "file": path, "verdict": verdict.word, "linearizable": verdict.ok, "why": why,
        "operations": len(history), "keys": len(history.by_key), "processes": history.processes,
        "unknown": history.count("info"), "skipped": history.skipped,
        "cannot_be_placed": None if verdict.stuck is None else
        {"from_line": verdict.stuck.invoked, "to_line": verdict.stuck.completed, "says": str(verdict.stuck)},
        "found_by": verdict.found_by, "steps": verdict.steps,
        "search_milliseconds": round(verdict.milliseconds, 3), "milliseconds": milliseconds,
    }  # fmt: skip


def say(line: str, file: Any = None) -> None:
    """Print a line; what the terminal cannot show is escaped.

    If whoever read the lines has seen enough (`| head -1`), the others are judged all the same, for the exit code.
    """
    stream = file or sys.stdout
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        print(line.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _since(start: float) -> float:
    return round(1_000 * (time.perf_counter() - start), 3)


def _size(verdict: Verdict) -> str:
    history = verdict.history
    parts = [(len(history), "operation"), (len(history.by_key), "key"), (history.processes, "process")]
    words = [f"{number:,} {name}{'' if number == 1 else 'es' if name == 'process' else 's'}" for number, name in parts]
    return ", ".join([*words, f"{history.count('info'):,} unknown"])


def _count(judged: list[dict[str, Any]]) -> dict[str, int]:
    verdicts = [result["verdict"] for result in judged]
    return {word.replace(" ", "_"): verdicts.count(word) for word in ("legal", "illegal", "undecided", "bad input")}


def _code(verdicts: list[str]) -> int:
    for word, code in (("bad input", 2), ("illegal", 1), ("undecided", UNDECIDED)):
        if word in verdicts:
            return code
    return 0
