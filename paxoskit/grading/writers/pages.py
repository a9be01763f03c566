"""Pages in HTML, each one file with everything in it: one for a student, one for the class.

All words that may come from a submission are escaped; there is no script on a page.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from paxoskit.grading.collect import Collected
from paxoskit.grading.marks import STORY, Mark, same_files
from paxoskit.grading.report import FAILED, MARKS, PASSED, Result, number, with_code
from paxoskit.grading.writers.words import feedback, headline, remarks

STYLE = """
:root { --ink: #1c2430; --quiet: #5b6573; --line: #d9dee5; --paper: #ffffff; --pale: #f5f7fa;
        --good: #1b7a43; --bad: #b3261e; --odd: #8a5a00; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; color: var(--ink); background: var(--paper);
       font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; }
p { margin: .3rem 0; } .quiet { color: var(--quiet); } a { color: #0b57a4; }
.points { font-size: 1.9rem; font-weight: 650; margin: .8rem 0 .2rem; }
.parts { display: flex; flex-wrap: wrap; gap: .5rem; margin: .6rem 0; padding: 0; list-style: none; }
.parts li { border: 1px solid var(--line); border-radius: .5rem; padding: .3rem .7rem; background: var(--pale); }
.note { border-left: 4px solid var(--odd); background: #fff8e8; padding: .5rem .8rem; margin: .6rem 0; }
article { border: 1px solid var(--line); border-left: 5px solid var(--odd); border-radius: .5rem; margin: .8rem 0;
          padding: .7rem 1rem; }
article.passed { border-left-color: var(--good); } article.failed { border-left-color: var(--bad); }
article h3 { font-size: 1.02rem; margin: 0; display: flex; gap: .6rem; align-items: baseline; font-weight: 600; }
article h3 .worth { margin-left: auto; white-space: nowrap; font-weight: 500; color: var(--quiet); }
.sign { font-weight: 700; color: var(--odd); }
.passed .sign { color: var(--good); } .failed .sign { color: var(--bad); }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--pale); border-radius: .4rem;
      padding: .6rem .8rem; margin: .6rem 0 0;
      font: 13px/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.says { margin-top: .4rem; white-space: pre-line; overflow-wrap: anywhere; }
figure { margin: .7rem 0 0; max-width: 100%; } figure svg { width: 100%; height: auto; }
details summary { cursor: pointer; color: var(--quiet); margin-top: .5rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { border-bottom: 2px solid var(--line); font-size: .85rem; color: var(--quiet); font-weight: 600; }
td.number, th.number { text-align: right; white-space: nowrap; }
tbody th { font-weight: 500; }
.bar { display: block; height: .8rem; background: var(--bad); border-radius: .2rem; min-width: 1px; }
.track { display: block; background: var(--pale); border-radius: .2rem; min-width: 8rem; }
.few { color: var(--good); }
.wide { overflow-x: auto; }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem; }
"""

MOST_SHOWN = 12


def page(title: str, body: str) -> str:
    """Return a whole page."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


# A student's page ------------------------------------------------------------------------------------------------


def student_page(mark: Mark) -> str:
    """Return the page of one student: points, what each property came to, the story that cost a point."""
    report, who = mark.report, mark.student
    name = who.name or who.key
    chips = "".join(f"<li>{html.escape(part)} <strong>{number(points)}</strong>/{number(of)}</li>"
                    for part, (points, of) in report.parts.items())  # fmt: skip
    body = "\n".join([
        f'<header><p class="quiet">{html.escape(report.exercise)}</p><h1>{html.escape(name)}</h1>',
        f'<p class="points">{number(report.points)} of {number(report.of)} points</p>',
        f'<p class="quiet">{html.escape(headline(mark).partition("; ")[2])}</p>',
        f'<ul class="parts">{chips}</ul></header>',
        *(f'<p class="note">{html.escape(remark)}</p>' for remark in remarks(mark)),
        *(_article(result, mark.pictures.get(result.id, "")) for result in _worst_first(report.properties)),
        _footer(mark),
    ])  # fmt: skip
    return page(f"{report.exercise}: {name}", body)


def _worst_first(results: Sequence[Result]) -> list[Result]:
    """Return the properties that cost points before those that hold, each kind in the lesson's order."""
    return sorted(results, key=lambda result: result.points == result.of)


def _article(result: Result, picture: str) -> str:
    kind = {PASSED: "passed", FAILED: "failed"}.get(result.status, "odd")
    status = "" if kind != "odd" else f' <span class="quiet">({html.escape(result.status)})</span>'
    worth = f'<span class="worth">{number(result.points)} of {number(result.of)}</span>'
    sign = f'<span class="sign" aria-hidden="true">{MARKS[result.status]}</span>'
    heading = f"<h3>{sign}<span>{with_code(result.title)}{status}</span>{worth}</h3>"
    drawn = _figure(picture) if picture and not result.hidden else ""
    return f'<article class="{kind}">{heading}{"".join(_words(result))}{drawn}</article>'


def _figure(picture: str) -> str:
    """Return a picture in its own size, in which its letters are as large as those around it, or smaller."""
    size = re.search(r'viewBox="0 0 (\d+)', picture)
    wide = f' style="width:{0.75 * int(size[1]):.0f}px"' if size else ""
    return f"<figure{wide}>{picture}</figure>"


def _words(result: Result) -> Iterator[str]:
    """Yield what a property says: its words, the story as text, code lines as they stand."""
    says, _, story = feedback(result).partition(f"\n{STORY}\n")
    if says:
        prose, code = _prose_and_code(says)
        if prose:
            yield f'<p class="says">{html.escape(prose)}</p>'
        if code:
            yield f"<pre>{html.escape(code)}</pre>"
    if story:
        yield f"<details open><summary>{html.escape(STORY)}</summary><pre>{html.escape(story)}</pre></details>"


def _prose_and_code(says: str) -> tuple[str, str]:
    """Tell the words from what must stand in a fixed width: from the first line that shows code or a table."""
    lines = says.split("\n")
    for place, line in enumerate(lines):
        if line.startswith("   "):
            first = max(0, place - 1)
            return "\n".join(lines[:first]), "\n".join(lines[first:])
    return says, ""


def _footer(mark: Mark) -> str:
    report = mark.report
    seed = "" if not report.seed else f" · seed {report.seed}"
    ran = html.escape(report.isolation)
    return f"<footer><p>paxoskit {html.escape(report.kit)}{seed} · your code ran in: {ran}</p></footer>"


# The class's page ------------------------------------------------------------------------------------------------


def class_page(marks: Sequence[Mark], exercise: str, collected: Collected) -> str:
    """Return the page of a class: which property did how many lose, the marks, and whom nobody could be matched to."""
    points = [mark.report.points for mark in marks]
    of = max((mark.report.of for mark in marks), default=0)
    middle = sum(points) / len(points) if points else 0
    mean = f"mean {middle:.2f}, from {number(min(points))} to {number(max(points))} " if points else ""
    look = [mark for mark in marks if mark.look]
    body = "\n".join([
        f'<header><p class="quiet">{html.escape(exercise)}</p><h1>{len(marks)} submissions</h1>',
        f'<p class="points">{mean}of {number(of)} points</p></header>' if points else "</header>",
        _to_look_at(look),
        *_lists(collected),
        "<h2>Points</h2>", histogram(points, of),
        "<h2>What the class lost points for</h2>", _properties_table(marks),
        "<h2>Students</h2>", _students_table(marks), *_same(marks),
        f"<footer><p>{html.escape(_isolation(marks))}</p></footer>",
    ])  # fmt: skip
    return page(f"{exercise}: the class", body)


def _isolation(marks: Sequence[Mark]) -> str:
    return " / ".join(sorted({mark.report.isolation for mark in marks if not mark.problem}))


def _to_look_at(look: Sequence[Mark]) -> str:
    if not look:
        return ""
    rows = "".join(f"<li>{_link(mark)}: {html.escape(mark.look)}</li>" for mark in look)
    return f"<h2>To look at ({len(look)})</h2><ul>{rows}</ul>"


def _same(marks: Sequence[Mark]) -> Iterator[str]:
    same = same_files(marks)
    if same:
        rows = "".join(f"<li>{', '.join(map(_link, equal))}</li>" for equal in same)
        yield f"<h2>The same files ({sum(map(len, same))})</h2>"
        yield f"<p>A group's work, for instance, or a starter as it was. They are judged once.</p><ul>{rows}</ul>"


def _lists(collected: Collected) -> Iterator[str]:
    missing = [student.name or student.key for student in collected.missing]
    for title, names in (("Belongs to nobody known", collected.unmatched), ("No submission", missing)):
        if names:
            items = "".join(f"<li>{html.escape(name)}</li>" for name in names)
            yield f"<h2>{title} ({len(names)})</h2><ul>{items}</ul>"


def histogram(points: Sequence[float], of: float) -> str:
    """Return how many students have how many points, as a picture with its numbers in words."""
    if not points or not of:
        return ""
    bins = 10 if of > 10 else max(1, int(of))
    counts = Counter(min(bins - 1, int(point / of * bins)) if point < of else bins for point in points)
    most, wide, high = max(counts.values()), 46, 90
    bars, words = [], []
    for place in range(bins + 1):
        count = counts[place]
        label = f"{number(round(place * of / bins, 1))}"
        label = label if place == bins or of / bins == 1 else f"{label}+"
        tall = round(high * count / most)
        x = 4 + place * (wide + 6)
        bars.append(f'<rect x="{x}" y="{20 + high - tall}" width="{wide}" height="{tall}" rx="3" fill="#3a6ea5"/>')
        if count:
            bars.append(f'<text x="{x + wide / 2:g}" y="{14 + high - tall}" text-anchor="middle">{count}</text>')
            words.append(f"{count} with {label}")
        bars.append(f'<text x="{x + wide / 2:g}" y="{high + 38}" text-anchor="middle" fill="#5b6573">{label}</text>')
    width = 8 + (bins + 1) * (wide + 6)
    title = html.escape(f"Students by points: {', '.join(words)}")
    return (
        f'<svg viewBox="0 0 {width} {high + 46}" width="{width}" style="max-width:100%;height:auto" role="img" '
        f'font-size="13" font-family="system-ui, sans-serif"><title>{title}</title>{"".join(bars)}</svg>'
    )


def _properties_table(marks: Sequence[Mark]) -> str:
    order: dict[str, Result] = {}
    lost: Counter[str] = Counter()
    judged: Counter[str] = Counter()
    for mark in marks:
        for result in mark.report.properties:
            order.setdefault(result.id, result)
            judged[result.id] += 1
            lost[result.id] += result.points < result.of
    rows = []
    for id, result in order.items():
        share = round(100 * lost[id] / judged[id])
        bar = f'<span class="track"><span class="bar" style="width:{share}%"></span></span>' if lost[id] else ""
        rows.append(
            f"<tr><th scope='row'>{with_code(result.title)}</th><td>{html.escape(result.part)}</td>"
            f"<td class='number'>{lost[id]} of {judged[id]}</td><td class='number'>{share} %</td><td>{bar}</td></tr>"
        )
    head = "<tr><th>property</th><th>part</th><th class='number'>lost points</th><th class='number'></th><th></th></tr>"
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _students_table(marks: Sequence[Mark]) -> str:
    parts = list(dict.fromkeys(part for mark in marks for part in mark.report.parts))
    columns = "".join(f"<th class='number'>{html.escape(part)}</th>" for part in parts)
    head = f"<tr><th>student</th><th class='number'>points</th>{columns}<th>lost</th></tr>"
    rows = []
    for mark in marks:
        cells = "".join(
            f"<td class='number'>{number(mark.report.parts[part][0]) if part in mark.report.parts else ''}</td>"
            for part in parts
        )
        lost = [result.id for result in mark.report.properties if result.points < result.of]
        shown = ", ".join(lost[:MOST_SHOWN]) if mark.report.points else "everything"
        rows.append(
            f"<tr><th scope='row'>{_link(mark)}</th>"
            f"<td class='number'><strong>{number(mark.report.points)}</strong></td>{cells}"
            f"<td class='quiet'>{html.escape(shown)}</td></tr>"
        )
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table></div>'


def _link(mark: Mark) -> str:
    name = html.escape(mark.student.name or mark.student.key)
    return f'<a href="{html.escape(mark.student.key)}.html">{name}</a>'
