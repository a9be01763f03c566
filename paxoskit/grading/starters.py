"""From a solution to its starter: what lies between two marks is left out, and a stub gives advice in its place.

A solution is the only file that somebody writes. A region begins with a line `# begin: ADVICE` and ends with `# end`;
in the starter it becomes one line that raises NotImplementedError with the advice. A region without advice (`# begin:`)
leaves nothing behind. Lines between `# else` and `# end` are comments here and code in the starter: what is given.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

BEGIN = re.compile(r"^(\s*)# begin:[ \t]*(.*?)\s*$")
LONGEST = 120
ELSE = re.compile(r"^\s*# else\s*$")
END = re.compile(r"^\s*# end\s*$")


def starter(solution: str) -> str:
    """Return the starter of a solution, given the text of both.

    >>> print(starter('def double(n):\\n    # begin: twice\\n    return 2 * n\\n    # end\\n'), end="")
    def double(n):
        raise NotImplementedError("twice")

    Raises ValueError, naming the line, for a region within a region or without an end.
    """
    lines: list[str] = []
    inside, given = 0, False
    for number, line in enumerate(solution.splitlines(), 1):
        begin = BEGIN.match(line)
        if begin:
            if inside:
                raise ValueError(f"line {number}: a region begins before the one of line {inside} has ended")
            inside = number
            if begin[2]:
                lines += _stub(begin[1], begin[2])
        elif END.match(line):
            if not inside:
                raise ValueError(f"line {number}: a region ends that has not begun")
            inside, given = 0, False
        elif ELSE.match(line):
            given = True
        elif given:
            lines.append(re.sub(r"^(\s*)# ?", r"\1", line))
        elif not inside:
            lines.append(line)
    if inside:
        raise ValueError(f"line {inside}: the region has no end")
    return _without_unused("\n".join(lines).rstrip("\n") + "\n")


def solution_shown(solution: str) -> str:
    """Return a solution without its marks, as one shows it."""
    lines, given = [], False
    for line in solution.splitlines():
        given = (given or bool(ELSE.match(line))) and not END.match(line)
        if not given and not BEGIN.match(line) and not END.match(line):
            lines.append(line)
    return re.sub(r"\n{4,}", "\n\n\n", "\n".join(lines).rstrip("\n") + "\n")


def written_lines(solution: str) -> int:
    """Return how many lines of code the regions of a solution hold: what a learner has to write."""
    count, inside = 0, False
    for line in solution.splitlines():
        inside = bool(BEGIN.match(line)) or (inside and not END.match(line))
        count += inside and not BEGIN.match(line) and bool(line.strip()) and not line.strip().startswith("#")
    return count


def starters(solutions: Path) -> dict[str, str]:
    """Return the starters of a folder of solutions: text by file, such as "04_acceptor/acceptor.py"."""
    files = sorted(solutions.glob("[0-9][0-9]_*/*.py"))
    return {f"{file.parent.name}/{file.name}": starter(file.read_text(encoding="utf-8")) for file in files}


def write_starters(solutions: Path, exercises: Path) -> list[str]:
    """Write the starters of a folder of solutions into the folder of exercises; return the files that changed."""
    changed = []
    for name, text in starters(solutions).items():
        file = exercises / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


def _stub(indent: str, advice: str) -> list[str]:
    """Return the lines that raise NotImplementedError with the advice, none of them too long."""
    line = f"{indent}raise NotImplementedError({_quoted(advice)})"
    if len(line) <= LONGEST:
        return [line]
    *parts, last = textwrap.wrap(advice, LONGEST - len(indent) - 8)
    quoted = [_quoted(f"{part} ") for part in parts] + [_quoted(last)]
    return [f"{indent}raise NotImplementedError(", *(f"{indent}    {part}" for part in quoted), f"{indent})"]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _without_unused(text: str) -> str:
    """Leave no more than two empty lines where a region left nothing behind."""
    return re.sub(r"\n{4,}", "\n\n\n", text)


if __name__ == "__main__":
    top = Path(__file__).resolve().parents[2]
    print("\n".join(write_starters(top / "solutions", top / "exercises")) or "every starter is in step")
