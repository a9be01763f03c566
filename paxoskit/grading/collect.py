"""From what a learning platform hands out to one answer a student: nothing is lost without a word.

    a folder (or a zip) for each student           jane/acceptor.py            jane.zip
    Gradescope, "Export Submissions"               assignment_1_export/submission_7/acceptor.py, submission_metadata.yml
    Canvas, "Download Submissions" (flat)          doejane_LATE_1234_567890_acceptor-1.py
    Moodle, "Download all submissions"             Jane Doe_1234_assignsubmission_file_/acceptor.py (or flat)

Everything is read into memory within bounds, so no entry of a zip can choose where it is written, and none can fill
the disk. What was renamed, left out or chosen among several is noted, and the note stands in the student's row.
"""

from __future__ import annotations

import ast
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from paxoskit.grading.roster import Roster, Student, slug

MOST_FILES = 500
MOST_FILE_BYTES = 1 << 20
MOST_BYTES = 20 << 20
"""A submission is read up to these bounds; a zip that holds more is not read further, and that is noted."""

DEEPEST_ZIP = 3
JUNK = re.compile(
    r"(^|/)(__MACOSX|\.DS_Store|__pycache__|\.ipynb_checkpoints|\._[^/]*|\.git|Thumbs\.db|\.paxoskit)(/|$)"
)
GRADESCOPE = re.compile(r"submission_(?P<id>\d+)$")
MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)(?:_(?P<file>.*))?$")
CANVAS = re.compile(r"(?P<name>[^_]+)(?P<late>_LATE)?_(?P<id>\d+)_(?P<number>\d+)_(?P<file>.+)$")
EXPORT = re.compile(r"(assignment_\d+_export|submissions?)$", re.IGNORECASE)


class CollectError(ValueError):
    """There is nothing to collect from; the message is one line."""


Files = dict[PurePosixPath, bytes]


@dataclass
class Submission:
    """What one student handed in: files by path, and what must be said about them."""

    student: Student
    files: Files = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


@dataclass
class Collected:
    """All submissions, the names of what belongs to nobody, and the students of the class list without one."""

    submissions: list[Submission]
    unmatched: list[str]
    missing: list[Student]


@dataclass(frozen=True)
class Picked:
    """The answer in a submission: files under the names that an exercise expects, notes, and a problem if there is one.

    With a `problem`, there is nothing to run.
    """

    files: dict[str, bytes]
    notes: tuple[str, ...] = ()
    problem: str = ""


# Reading -----------------------------------------------------------------------------------------------------


class Reader:
    """Reads files and zips within bounds; `notes` says what was left out."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.left = MOST_BYTES
        self.count = 0

    def folder(self, folder: Path) -> Files:
        """Return the files below a folder, zips taken apart."""
        found: Files = {}
        for path in sorted(folder.rglob("*")):
            name = PurePosixPath(*path.relative_to(folder).parts)
            if JUNK.search(str(name)) or path.is_dir():
                continue
            if path.is_symlink() or not path.is_file():
                self.notes.append(f"{name} is no plain file: left out")
            elif path.stat().st_size > MOST_FILE_BYTES and path.suffix != ".zip":
                self.notes.append(f"{name} is longer than {MOST_FILE_BYTES:,} bytes: left out")
            else:
                self.add(found, name, path.read_bytes()[:MOST_BYTES], 0)
        return found

    def add(self, found: Files, name: PurePosixPath, data: bytes, depth: int) -> None:
        """Add a file; a zip adds what is in it."""
        if self.count >= MOST_FILES or self.left < len(data):
            if self.left >= 0:
                self.notes.append(f"more than {MOST_FILES} files or {MOST_BYTES:,} bytes: the rest is left out")
                self.left = -1
            return
        if name.suffix.lower() == ".zip":
            self.zip(found, name, data, depth + 1)
            return
        self.count += 1
        self.left -= len(data)
        found[name] = data

    def zip(self, found: Files, name: PurePosixPath, data: bytes, depth: int) -> None:
        """Add the files of a zip, under the name of the zip without its ending."""
        if depth > DEEPEST_ZIP:
            self.notes.append(f"{name}: zips in zips, {depth} deep: left out")
            return
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                entries = archive.infolist()
                for entry in entries[:MOST_FILES]:
                    self.entry(found, name.with_suffix(""), archive, entry, depth)
                if len(entries) > MOST_FILES:
                    self.notes.append(f"{name.name} has {len(entries)} entries: only {MOST_FILES} were read")
        except UNREADABLE as error:
            self.notes.append(f"{name.name} is no zip that can be read: {' '.join(str(error).split())[:80]}")

    def entry(
        self, found: Files, folder: PurePosixPath, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, depth: int
    ) -> None:
        """Add one entry of a zip, under `folder`. Raises what `zipfile` raises for one that cannot be read."""
        inside = inside_of(entry)
        if entry.is_dir() or JUNK.search(str(inside)):
            return
        if points_outside(inside):
            self.notes.append(f"a zip has an entry that points outside ({str(inside)[:60]}): left out")
            return
        if entry.external_attr >> 28 == 0xA:
            self.notes.append(f"{inside} is a link: left out")
            return
        most = MOST_BYTES if inside.suffix.lower() == ".zip" else MOST_FILE_BYTES
        with archive.open(entry) as opened:
            data = opened.read(most + 1)  # what the zip says of its sizes is not believed
        if len(data) > most:
            self.notes.append(f"{inside} is longer than {most:,} bytes: left out")
            return
        self.add(found, folder / inside, data, depth)


UNREADABLE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, OSError, NotImplementedError, RuntimeError)
"""What `zipfile` raises for a zip that is damaged, encrypted, or compressed in a way that it does not know."""


def inside_of(entry: zipfile.ZipInfo) -> PurePosixPath:
    """Return the path of an entry; some Windows programs write backslashes."""
    return PurePosixPath(entry.filename.replace("\\", "/"))


def points_outside(path: PurePosixPath) -> bool:
    """Say whether an entry of a zip would be written somewhere else than below the place where it is unpacked."""
    return path.is_absolute() or ".." in path.parts or bool(re.match(r"[A-Za-z]:", str(path)))


# Whose is it? ------------------------------------------------------------------------------------------------


def collect(place: str | Path, roster: Roster | None = None) -> Collected:
    """Return all submissions in a folder or a zip, sorted by student.

    Raises CollectError where there is nothing.
    """
    path = Path(place)
    if not path.exists():
        raise CollectError(f"there is no {str(place)!r}: expected a folder or a zip of submissions")
    parts = _parts_of_zip(path) if path.is_file() else _parts_of_folder(path)
    people = _gradescope_people(parts.pop("submission_metadata.yml", None))
    found: dict[str, Submission] = {}
    unmatched: list[str] = []
    for name, (files, notes) in sorted(parts.items()):
        told = _whose(name, files, people)
        if told is None:
            unmatched.append(name)
            continue
        student, own_files, more = told
        known = found.setdefault(student.key, Submission(student))
        known.files.update(own_files)
        known.notes += [*notes, *more]
    if not found and not unmatched:
        raise CollectError(f"there is nothing in {str(place)!r}: expected a folder, a zip or a file for each student")
    return _matched(list(found.values()), unmatched, roster)


Parts = dict[str, tuple[Files, list[str]]]


def _parts_of_folder(folder: Path) -> Parts:
    """Return the parts of a folder, one a student as a rule, each read on its own."""
    entries = [entry for entry in sorted(folder.iterdir()) if not JUNK.search(entry.name)]
    if len(entries) == 1:
        lone = entries[0]
        if lone.is_dir() and _holds_students([path.name for path in lone.iterdir()], lone.name):
            return _parts_of_folder(lone)
        if lone.suffix.lower() == ".zip" and _holds_many(lone):
            return _parts_of_zip(lone)
    parts: Parts = {}
    for entry in entries:
        reader = Reader()
        if entry.is_dir() and not entry.is_symlink():
            parts[entry.name] = reader.folder(entry), reader.notes
        elif entry.is_symlink():
            parts[entry.name] = {}, [f"{entry.name} is a link: left out"]
        else:
            files: Files = {}
            data = entry.read_bytes() if entry.stat().st_size <= MOST_BYTES else b""
            reader.add(files, PurePosixPath(entry.name), data, 0)
            parts[entry.name] = files, reader.notes
    return parts


def _holds_students(names: Sequence[str], folder: str) -> bool:
    """Say whether a lone folder is that of a platform's download, and not that of a lone student."""
    known = any(form.match(name) for name in names for form in (GRADESCOPE, MOODLE, CANVAS))
    return known or bool(EXPORT.match(folder)) or "submission_metadata.yml" in names


def _holds_many(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [PurePosixPath(name) for name in archive.namelist() if not JUNK.search(name)]
    except (zipfile.BadZipFile, OSError):
        return False
    tops = sorted({name.parts[0] for name in names if name.parts})
    return _holds_students(tops, "") or (len(tops) == 1 and _holds_students([], tops[0]))


def _parts_of_zip(path: Path) -> Parts:
    """Return the parts of a zip of a whole class: each top folder, or file, is read within bounds of its own."""
    parts: Parts = {}
    readers: dict[str, Reader] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            paths = [inside_of(entry).parts for entry in entries if not JUNK.search(str(inside_of(entry)))]
            tops = {parts[0] for parts in paths if parts}
            deep = len(tops) == 1 and _holds_students([one[1] for one in paths if len(one) > 1], next(iter(tops)))
            for entry in entries:
                inside = inside_of(entry)
                own = inside.parts[1:] if deep and len(inside.parts) > 1 else inside.parts
                if not own or JUNK.search(str(inside)):
                    continue
                top = "(an entry that points outside)" if points_outside(inside) else own[0]
                reader = readers.setdefault(top, Reader())
                files = parts.setdefault(top, ({}, reader.notes))[0]
                entry.filename = "/".join(own[1:] or own)
                try:
                    reader.entry(files, PurePosixPath(), archive, entry, 0)
                except UNREADABLE as error:
                    reader.notes.append(f"{inside} cannot be read: {' '.join(str(error).split())[:80]}")
    except UNREADABLE as error:
        raise CollectError(f"{path}: expected a zip of submissions: {error}") from None
    return parts


def _whose(name: str, files: Files, people: dict[str, Student]) -> tuple[Student, Files, list[str]] | None:
    """Return whose a part of a download is, its files under their own names, and notes; None if it is nobody's."""
    if name in people:
        return people[name], files, []
    if form := GRADESCOPE.match(name):
        return Student(slug(name), id=form["id"]), files, ["submission_metadata.yml does not say whose this is"]
    if form := MOODLE.match(name):
        own = _renamed(name, form["file"] or "", files)
        return Student(slug(f"{form['name']}_{form['id']}"), form["name"], aliases=frozenset({form["name"]})), own, []
    if form := CANVAS.match(name):
        student = Student(slug(f"{form['name']}_{form['id']}"), form["name"], form["id"])
        late = ["handed in late, says Canvas"] if form["late"] else []
        return student, _renamed(name, form["file"], files), late
    is_zip = name.lower().endswith(".zip")
    if not is_zip and (list(files) == [PurePosixPath(name)] or (not files and PurePosixPath(name).suffix)):
        return None  # a file beside the folders, in no known form
    stem = name[:-4] if is_zip else name
    return Student(slug(stem), stem), files, []


def _renamed(name: str, own: str, files: Files) -> Files:
    """Return files of a flat download under the names that the student gave them."""
    if not own:
        return files
    found: Files = {}
    for path, data in files.items():
        parts = (own, *path.parts[1:]) if path.parts[0] in (name, PurePosixPath(name).stem) else (own, *path.parts)
        found[PurePosixPath(*(part for part in parts if part))] = data
    return found


def _gradescope_people(part: tuple[Files, list[str]] | None) -> dict[str, Student]:
    """Read whose each submission is from Gradescope's metadata: `submission_7:`, then `:name:`, `:sid:`, `:email:`."""
    people: dict[str, Student] = {}
    text = next(iter(part[0].values()), b"").decode("utf-8", "replace") if part else ""
    for block in re.split(r"^(?=submission_\d+:)", text, flags=re.MULTILINE)[1:]:
        folder = block.partition(":")[0]
        told = {}
        for key in ("name", "sid", "email"):
            if match := re.search(rf"^\s*-?\s*:{key}:\s*(.*?)\s*$", block, re.MULTILINE):
                told[key] = match[1].strip("'\"")
        name, sid, email = (told.get(key, "") for key in ("name", "sid", "email"))
        people[folder] = Student(slug(sid or email or name or folder), name, sid, email)
    return people


def _matched(found: list[Submission], unmatched: list[str], roster: Roster | None) -> Collected:
    """Find each submission's student in the class list, if there is one."""
    if roster is None:
        return Collected(sorted(found, key=lambda one: one.student.key), unmatched, [])
    seen: dict[str, Submission] = {}
    for submission in found:
        one = submission.student
        matches = roster.find(filter(None, (one.id, one.email, one.name, one.key)))
        if len(matches) == 1:
            submission.student = replace(matches[0])
            if matches[0].key in seen:
                seen[matches[0].key].files.update(submission.files)
                seen[matches[0].key].notes.append("handed in twice: the files were put together")
                continue
            seen[matches[0].key] = submission
        else:
            why = "not in the class list" if not matches else f"means {len(matches)} students of the class list"
            unmatched.append(f"{one.name or one.key} ({why})")
    missing = [one for one in roster.students if one.key not in seen]
    return Collected(sorted(seen.values(), key=lambda one: one.student.key), unmatched, missing)


# Which file is the answer? -------------------------------------------------------------------------------------


def pick(module: str, names: Sequence[str], files: Files) -> Picked:
    """Return the answer among the files of a submission: the module, its helpers, the own test, stories, predictions.

    `module`: the name of the exercise's module, without `.py`; `names`: what it defines.
    """
    if not files:
        return Picked({}, (), "no file that can be read was handed in")
    notes: list[str] = []
    chosen = _module(module, names, files, notes)
    if chosen is None:
        return Picked({}, tuple(notes), _no_module(module, files))
    picked = {f"{module}.py": _as_utf8(files[chosen], f"{module}.py", notes)}
    for path, data in files.items():
        if path.suffix == ".py" and path.parent == chosen.parent and path != chosen and path.name not in picked:
            picked[path.name] = data
        elif path.name in ("own_test.py", "predictions.json"):
            picked.setdefault(path.name, data)
        elif path.suffix == ".json" and path.parent.name == "stories":
            picked[f"stories/{path.name}"] = data
    return Picked(picked, tuple(notes))


def _module(module: str, names: Sequence[str], files: Files, notes: list[str]) -> PurePosixPath | None:
    wanted = f"{module}.py"
    exact = sorted((path for path in files if path.name == wanted), key=lambda path: len(path.parts))
    if exact:
        if len(exact) > 1:
            notes.append(f"there are {len(exact)} files {wanted}: {exact[0]} was taken")
        return exact[0]
    ending = r"([-_ ]?\(?\d+\)?|[-_ ]*(copy|final|new).*)?\.(py|py\.txt|txt)$"
    alike = re.compile(rf"(copy of )?{module}(\.py)?\s*{ending}", re.IGNORECASE)
    near = sorted((path for path in files if alike.match(path.name)), key=lambda path: (len(path.parts), _number(path)))
    if near:
        also = f" (of {len(near)} such files, the newest)" if len(near) > 1 else ""
        notes.append(f"{near[-1].name} was taken for {wanted}{also}")
        return near[-1]
    others = [path for path in files if path.suffix.lower() == ".py" and path.name != "own_test.py"]
    defining = [path for path in others if _defines(files[path], names)]
    if len(defining) == 1 or len(others) == 1:
        taken = (defining or others)[0]
        notes.append(f"wrong file name: {taken.name} was taken for {wanted}")
        return taken
    return None


def _number(path: PurePosixPath) -> int:
    found = re.findall(r"\d+", path.stem)
    return int(found[-1][:9]) if found else 0


def _defines(source: bytes, names: Sequence[str]) -> bool:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name in names for node in tree.body)


def _no_module(module: str, files: Files) -> str:
    shown = ", ".join(sorted(path.name for path in files)[:5])
    if books := [path.name for path in files if path.suffix == ".ipynb"]:
        return f"a notebook ({books[0]}) instead of a module: there is no {module}.py to run"
    return f"no {module}.py: handed in were {shown}"


def _as_utf8(data: bytes, name: str, notes: list[str]) -> bytes:
    """Return a module without byte-order marks; Windows editors write them."""
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            notes.append(f"{name} began with a byte-order mark ({encoding.removesuffix('-sig')}), which was taken off")
            return data.decode(encoding, "replace").encode()
    return data


def write_answer(picked: Picked, folder: Path) -> None:
    """Write an answer into a folder: `answer/` with the module and what lies beside it, stories and predictions."""
    for name, data in picked.files.items():
        apart = name.startswith("stories/") or name == "predictions.json"
        target = folder / name if apart else folder / "answer" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def all_files(picked: Picked) -> Iterator[tuple[str, bytes]]:
    """Yield the files of an answer in a fixed order."""
    yield from sorted(picked.files.items())
