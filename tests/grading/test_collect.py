"""What learning platforms hand out becomes one answer a student; what is odd is said, and nothing is lost unsaid."""

import io
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from paxoskit.grading.collect import MOST_BYTES, CollectError, collect, pick
from paxoskit.grading.roster import Roster, RosterError, slug

CANVAS_LIST = """Student,ID,SIS User ID,SIS Login ID,Section,04_acceptor (77)
    Points Possible,,,,,10
"Doe, Jane",1234,s1,jane@school.edu,A,
"Ünal, Zoë",1235,s2,zoe@school.edu,A,
"O'Neil, Al",1236,s3,al@school.edu,A,
"Student, Test",1,,,A,
"""


def zipped(entries):
    """Return a zip with these entries, as bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in entries.items():
            archive.writestr(name, text)
    return data.getvalue()


def written(folder, files):
    """Write files into a folder, by their names there."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder


def found(place, roster=None):
    """Return what each student's files are called, by the student's key."""
    collected = collect(place, roster)
    return {one.student.key: sorted(map(str, one.files)) for one in collected.submissions}


# Whose is it? ----------------------------------------------------------------------------------------------------


def test_a_folder_for_each_student(tmp_path):
    written(tmp_path, {"jane/acceptor.py": "", "Al O'Neil/04_acceptor/answer/acceptor.py": "", "jane/.DS_Store": ""})
    assert found(tmp_path) == {"jane": ["acceptor.py"], "Al_O_Neil": ["04_acceptor/answer/acceptor.py"]}


def test_a_zip_for_each_student_and_a_zip_in_a_folder(tmp_path):
    answer = zipped({"answer/acceptor.py": "", "own_test.py": "", "__MACOSX/._acceptor.py": ""})
    written(tmp_path, {"jane.zip": answer, "al/04_acceptor.zip": answer})
    assert found(tmp_path) == {
        "jane": ["jane/answer/acceptor.py", "jane/own_test.py"],
        "al": ["04_acceptor/answer/acceptor.py", "04_acceptor/own_test.py"],
    }


METADATA = """---
submission_7:
  :submitters:
  - :name: Jane Doe
    :sid: '1234'
    :email: jane@school.edu
  :created_at: 2026-11-01 10:00:00.000000000 Z
submission_8:
  :submitters:
  - :name: "Al O'Neil"
    :sid: ''
    :email: al@school.edu
"""


@pytest.mark.parametrize("packed", [False, True])
def test_gradescopes_export(packed, tmp_path):
    files = {
        "assignment_1_export/submission_metadata.yml": METADATA,
        "assignment_1_export/submission_7/acceptor.py": "",
        "assignment_1_export/submission_8/acceptor.py": "",
        "assignment_1_export/submission_9/acceptor.py": "",
    }
    place = tmp_path / "submissions.zip"
    if packed:
        place.write_bytes(zipped(files))
    else:
        place = written(tmp_path / "in", files)
    students = {one.student.key: one.student for one in collect(place).submissions}
    assert set(students) == {"1234", "al@school.edu", "submission_9"}
    assert (students["1234"].name, students["1234"].email) == ("Jane Doe", "jane@school.edu")
    assert found(place)["1234"] == ["acceptor.py"]


CANVAS = {
    "doejane_1234_567890_acceptor.py": "one",
    "unalzoe_LATE_1235_567891_acceptor-2.py": "two",
    "oneilal_1236_567892_04_acceptor.zip": zipped({"answer/acceptor.py": "three"}),
}


@pytest.mark.parametrize("packed", [False, True])
def test_canvass_flat_download(packed, tmp_path):
    place = tmp_path / "submissions.zip"
    if packed:
        place.write_bytes(zipped(CANVAS))
    else:
        place = written(tmp_path / "in", CANVAS)
    collected = collect(place, Roster.read(CANVAS_LIST))
    assert [(one.student.key, one.student.name) for one in collected.submissions] == [
        ("s1", "Doe, Jane"), ("s2", "Ünal, Zoë"), ("s3", "O'Neil, Al"),
    ]  # fmt: skip
    assert (collected.unmatched, collected.missing) == ([], [])
    picked = [pick("acceptor", ("Acceptor",), one.files) for one in collected.submissions]
    assert [one.files["acceptor.py"] for one in picked] == [b"one", b"two", b"three"]
    assert collected.submissions[1].notes == ["handed in late, says Canvas"]


@pytest.mark.parametrize(
    "files",
    [
        {"Jane Doe_55_assignsubmission_file_/acceptor.py": "", "Al O'Neil_56_assignsubmission_file_/acceptor.py": ""},
        {"Jane Doe_55_assignsubmission_file/acceptor.py": "", "Al O'Neil_56_assignsubmission_file/acceptor.py": ""},
        {"Jane Doe_55_assignsubmission_file_acceptor.py": "", "Al O'Neil_56_assignsubmission_file_acceptor.py": ""},
    ],
)
def test_moodles_download(files, tmp_path):
    roster = Roster.read("First name,Last name,ID number,Email address\nJane,Doe,s1,jane@x\nAl,O'Neil,s3,al@x\n")
    assert found(written(tmp_path, files), roster) == {"s1": ["acceptor.py"], "s3": ["acceptor.py"]}


def test_who_is_not_in_the_list_and_what_is_nobodys_is_told(tmp_path):
    written(tmp_path, {"jane@school.edu/acceptor.py": "", "mallory/acceptor.py": "", "notes.txt": "", "lone.py": ""})
    collected = collect(tmp_path, Roster.read(CANVAS_LIST))
    assert [one.student.key for one in collected.submissions] == ["s1"]
    assert collected.unmatched == ["lone.py", "notes.txt", "mallory (not in the class list)"]
    assert [student.key for student in collected.missing] == ["s2", "s3"]


def test_a_name_that_two_students_have_is_not_guessed(tmp_path):
    roster = Roster.read("name,id\nJane Doe,1\nJane Doe,2\n")
    collected = collect(written(tmp_path, {"Jane Doe/acceptor.py": ""}), roster)
    assert collected.unmatched == ["Jane Doe (means 2 students of the class list)"]


def test_no_place_and_no_list_get_one_line(tmp_path):
    with pytest.raises(CollectError, match="there is no '"):
        collect(tmp_path / "nowhere")
    with pytest.raises(CollectError, match="there is nothing in"):
        collect(tmp_path)
    with pytest.raises(RosterError, match="expected a header with a column such as Student, name, ID or email"):
        Roster.read("a,b\n1,2\n")


def test_keys_can_name_files_anywhere():
    assert [slug(text) for text in ("../../etc/passwd", "CON", "", "Zoë", "a/b\\c:d")] == [
        "etc_passwd", "student_CON", "student", "Zoë", "a_b_c_d",
    ]  # fmt: skip


# Which file is it? -----------------------------------------------------------------------------------------------

CLASS = b"class Acceptor: pass\n"


def picked(files):
    return pick("acceptor", ("Acceptor",), {PurePosixPath(name): data for name, data in files.items()})


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("acceptor.py", ""),
        ("acceptor (1).py", "acceptor (1).py was taken for acceptor.py"),
        ("acceptor(2).py", "acceptor(2).py was taken for acceptor.py"),
        ("acceptor-1.py", "acceptor-1.py was taken for acceptor.py"),
        ("Acceptor.py", "Acceptor.py was taken for acceptor.py"),
        ("Copy of acceptor.py", "Copy of acceptor.py was taken for acceptor.py"),
        ("acceptor - Copy.py", "acceptor - Copy.py was taken for acceptor.py"),
        ("acceptor.py.txt", "acceptor.py.txt was taken for acceptor.py"),
        ("solution.py", "wrong file name: solution.py was taken for acceptor.py"),
    ],
)
def test_a_file_under_another_name_is_taken_and_noted(name, note):
    answer = picked({name: CLASS, "own_test.py": b"#", "helper.py" if name == "acceptor.py" else "x.md": b"#"})
    assert answer.files["acceptor.py"] == CLASS
    assert answer.notes == ((note,) if note else ())
    assert answer.problem == ""


def test_the_newest_of_several_is_taken_and_the_one_with_the_class():
    several = picked({"acceptor-1.py": b"old", "acceptor-2.py": b"new"})
    assert (several.files["acceptor.py"], several.notes) == (
        b"new", ("acceptor-2.py was taken for acceptor.py (of 2 such files, the newest)",),
    )  # fmt: skip
    assert picked({"a.py": b"x = 1", "b.py": CLASS}).files["acceptor.py"] == CLASS


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "no file that can be read was handed in"),
        ({"acceptor.ipynb": b"{}"}, "a notebook (acceptor.ipynb) instead of a module: there is no acceptor.py to run"),
        ({"report.pdf": b"", "a.docx": b""}, "no acceptor.py: handed in were a.docx, report.pdf"),
        ({"a.py": b"x = 1", "b.py": b"y = 2"}, "no acceptor.py: handed in were a.py, b.py"),
    ],
)
def test_where_there_is_nothing_to_run_it_says_so(files, problem):
    assert picked(files).problem == problem


def test_byte_order_marks_are_taken_off():
    for encoding, name in (("utf-8-sig", "utf-8"), ("utf-16", "utf-16")):
        answer = picked({"acceptor.py": "x = 'é'\n".encode(encoding)})
        assert answer.files["acceptor.py"] == "x = 'é'\n".encode()
        assert answer.notes == (f"acceptor.py began with a byte-order mark ({name}), which was taken off",)


def test_the_zip_of_submit_is_read_as_it_is(tmp_path):
    entries = {"answer/acceptor.py": CLASS, "answer/helper.py": b"#", "own_test.py": b"#", "predictions.json": b"{}",
               "stories/04-anyway.json": b"{}"}  # fmt: skip
    (tmp_path / "jane.zip").write_bytes(zipped(entries))
    answer = pick("acceptor", ("Acceptor",), collect(tmp_path).submissions[0].files)
    inside = {name.removeprefix("answer/") for name in entries}
    assert set(answer.files) == inside


# Zips that mean harm -----------------------------------------------------------------------------------------------


def notes_of(data, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "jane.zip").write_bytes(data)
    (submission,) = collect(tmp_path / "in").submissions
    return submission


def test_an_entry_that_points_outside_is_left_out(tmp_path):
    bad = ["../../evil.py", "/etc/evil.py", "..\\evil.py", "C:/evil.py"]
    submission = notes_of(zipped({name: "x" for name in bad} | {"acceptor.py": CLASS}), tmp_path)
    assert list(map(str, submission.files)) == ["jane/acceptor.py"]
    assert len(submission.notes) == 4 and all("points outside" in note for note in submission.notes)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "jane.zip"]


def test_a_zip_bomb_is_read_up_to_a_bound(tmp_path):
    submission = notes_of(zipped({"acceptor.py": CLASS, "big.py": b"\0" * (50 << 20)}), tmp_path)
    assert list(map(str, submission.files)) == ["jane/acceptor.py"]
    assert submission.notes == ["big.py is longer than 1,048,576 bytes: left out"]


def test_many_files_are_read_up_to_a_bound(tmp_path):
    submission = notes_of(zipped({f"{n}.txt": b"\0" * (1 << 20) for n in range(40)}), tmp_path)
    assert sum(map(len, submission.files.values())) <= MOST_BYTES
    assert submission.notes == ["more than 500 files or 20,971,520 bytes: the rest is left out"]


def test_zips_in_zips_are_read_three_deep(tmp_path):
    data = zipped({"acceptor.py": CLASS})
    for depth in range(4):
        data = zipped({f"{depth}.zip": data, f"at{depth}.txt": "x"})
    submission = notes_of(data, tmp_path)
    assert [note for note in submission.notes if "zips in zips" in note] != []
    assert not any(path.name == "acceptor.py" for path in submission.files)


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4 no zip", zipped({"a.py": "x" * 1000})[:60]], ids=["empty", "no zip", "cut off"]
)
def test_a_zip_that_cannot_be_read_is_told(data, tmp_path):
    submission = notes_of(data, tmp_path)
    assert submission.files == {}
    assert submission.notes[0].startswith("jane.zip is no zip that can be read")


def test_a_link_is_not_followed(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    (tmp_path / "in" / "jane").mkdir(parents=True)
    (tmp_path / "in" / "jane" / "acceptor.py").symlink_to(secret)
    (submission,) = collect(tmp_path / "in").submissions
    assert (submission.files, submission.notes) == ({}, ["acceptor.py is no plain file: left out"])
    assert Path(secret).read_text() == "secret"
