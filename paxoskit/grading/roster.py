"""Who is who: the students of a class list, and which of them a folder or a file name means.

A class list is a CSV file with a header, as learning platforms export it: Canvas's gradebook (`Student, ID, SIS User
ID, SIS Login ID, Section`), Moodle's (`First name, Last name, ID number, Email address`), or one with columns such as
`name, id, email`. A student is found by any identifier or e-mail address, or by the name in whatever order.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("student", "name", "full name", "fullname")
IDS = ("sis user id", "id number", "idnumber", "student id", "student_id", "sid", "id")
EMAILS = ("email", "email address", "e-mail", "sis login id", "login id")


class RosterError(ValueError):
    """A class list that cannot be read; the message is one line."""


@dataclass(frozen=True)
class Student:
    """A student: `key` names files, the rest is for the learning platforms; `row` is the row of the class list."""

    key: str
    name: str = ""
    id: str = ""
    email: str = ""
    aliases: frozenset[str] = frozenset()
    row: int | None = None

    def as_json(self) -> dict[str, str]:
        """The student as one object."""
        return {"key": self.key, "name": self.name, "id": self.id, "email": self.email}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> Student:
        """Read back what `as_json` wrote."""
        return cls(data["key"], data["name"], data["id"], data["email"])


@dataclass(frozen=True)
class Roster:
    """A class list: its header and rows as they stand in the file, and the students of the rows."""

    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    students: tuple[Student, ...] = field(default=())

    @classmethod
    def load(cls, path: str | Path) -> Roster:
        """Read a class list. Raises RosterError for what is none."""
        try:
            text = Path(path).read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise RosterError(f"{path}: expected a class list, a CSV file in UTF-8: {error}") from None
        return cls.read(text, str(path))

    @classmethod
    def read(cls, text: str, where: str = "the class list") -> Roster:
        """Return the class list in a text."""
        rows = [tuple(row) for row in csv.reader(io.StringIO(text)) if any(cell.strip() for cell in row)]
        header = rows[0] if rows else ()
        columns = {name.strip().casefold(): index for index, name in enumerate(header)}
        if not any(name in columns for name in (*NAMES, *IDS, *EMAILS, "first name", "first_name")):
            raise RosterError(f"{where}: expected a header with a column such as Student, name, ID or email")
        students = [_student(columns, row, index) for index, row in enumerate(rows[1:]) if _is_student(row)]
        return cls(header, tuple(rows[1:]), tuple(students))

    def find(self, wanted: Iterable[str]) -> list[Student]:
        """Return the students that any of these names or identifiers means; the first that means one decides."""
        for alias in wanted:
            found = [one for one in self.students if plain(alias) in one.aliases]
            if found:
                return found
        return []


def _is_student(row: Sequence[str]) -> bool:
    """Say whether a row is about a student: Canvas's second row has the points possible, its last a test student."""
    first = row[0].strip().casefold()
    return first not in ("points possible", "student, test", "test student")


def _student(columns: dict[str, int], row: Sequence[str], index: int) -> Student:
    def cell(names: Sequence[str]) -> str:
        found = (row[columns[name]].strip() for name in names if name in columns and columns[name] < len(row))
        return next(filter(None, found), "")

    first, last = cell(("first name", "first_name", "firstname")), cell(("last name", "last_name", "surname"))
    name = cell(NAMES) or f"{first} {last}".strip()
    email = next((text for text in (cell((one,)) for one in EMAILS) if "@" in text), "")
    id = cell(IDS)
    words = {cell((column,)) for column in (*IDS, *EMAILS)} | {email.partition("@")[0], name, turned(name)}
    key = slug(id or email or name or f"row {index + 2}")
    return Student(key, name, id, email, frozenset(map(plain, words)) - {""}, index)


def turned(name: str) -> str:
    """Return a name with its family name at the other end.

    >>> turned("Doe, Jane"), turned("Jane Doe")
    ('Jane Doe', 'Doe Jane')
    """
    if "," in name:
        last, _, first = name.partition(",")
        return f"{first.strip()} {last.strip()}"
    first, _, last = name.rpartition(" ")
    return f"{last} {first}".strip()


def plain(text: str) -> str:
    """Return a name as it is compared: letters and digits only, without accents, in lower case.

    >>> plain("Doe, Zoë") == plain("doezoe")
    True
    """
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in bare if letter.isalnum())


def slug(text: str) -> str:
    """Return a text that can name a file anywhere.

    >>> slug("Jane Doe/../x"), slug("")
    ('Jane_Doe_.._x', 'student')
    """
    short = re.sub(r"[^\w.@+-]+", "_", unicodedata.normalize("NFKC", text)).strip("._")[:80]
    return short if short and short.split(".")[0].upper() not in _DEVICES else f"student{'_' * bool(short)}{short}"


_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
