"""What cannot be written, because a disk is full, is said in one line, and the exit code is 2; nothing half is left."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from paxoskit import bootstrap, cli
from paxoskit.grading.release import ReleaseError, release

TOP = Path(__file__).parents[2]
FULL = Path("/dev/full")
WRONG = "tests/data/counts_its_own_vote.py:Server"
ECHO = "solutions/00_echo/echo.py"

needs_a_full_device = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
needs_limits = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")


def run(*arguments, typed="", unbuffered="", **more):
    command = [sys.executable, "-m", "paxoskit", *arguments]
    env = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONUNBUFFERED": unbuffered, "PYTHONUTF8": "1"}
    pipes = {"input": typed, "stderr": subprocess.PIPE, **more}
    return subprocess.run(command, cwd=TOP, text=True, env=env, timeout=120, **pipes)


def no_file_may_grow():
    """Let no file that this process writes have a byte in it: like a full disk, and it needs no disk."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


COMMANDS = {
    "no command": ([], ""),
    "help": (["explore", "--help"], ""),
    "demo": (["demo", "--servers", "3"], ""),
    "shell": (["shell", "--servers", "3"], "help\n"),
    "simulate": (["simulate", "--seeds", "1", "--steps", "100", "--workers", "1", "--json"], ""),
    "explore": (["explore", "--ballots", "1"], ""),
    "linearizable": (["linearizable", "tests/data/etcd/etcd_002.jsonl"], ""),
    "check": (["check", "00", "--file", ECHO], ""),
    "lab": (["lab", "--help"], ""),
}


@needs_a_full_device
@pytest.mark.parametrize("arguments, typed", COMMANDS.values(), ids=COMMANDS)
def test_a_command_whose_output_cannot_be_written_says_so_in_one_line(arguments, typed):
    with FULL.open("w") as full:
        done = run(*arguments, typed=typed, stdout=full)
    assert done.stderr == (
        "paxoskit: the output cannot be written: No space left on device; make room, or write elsewhere.\n"
    )
    assert done.returncode == 2


@needs_a_full_device
def test_an_output_that_is_written_at_once_is_no_other(tmp_path):
    with FULL.open("w") as full:
        done = run("demo", "--servers", "3", unbuffered="1", stdout=full)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@needs_a_full_device
def test_where_the_complaint_cannot_be_written_either_there_is_the_exit_code():
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "paxoskit", "--version"]
        done = subprocess.run(command, cwd=TOP, stdout=full, stderr=full, timeout=60)
    assert done.returncode == 2


def test_a_reader_that_has_seen_enough_gets_no_complaint():
    reader, writer = os.pipe()
    os.close(reader)
    done = run("simulate", "--seeds", "1", "--steps", "100", "--workers", "1", stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")


def test_an_error_of_the_kit_itself_is_still_a_traceback():
    def broken(arguments):
        raise FileNotFoundError(2, "No such file or directory", "a file of the kit's own")

    with pytest.raises(FileNotFoundError):
        bootstrap.main([], broken)


@needs_limits
def test_a_story_that_cannot_be_written_says_so_in_one_line(tmp_path):
    story = tmp_path / "story.json"
    seeds = ["simulate", "--seeds", "30", "--steps", "500", "--workers", "1", "--server", WRONG]
    done = run(*seeds, "--story", str(story), stdout=subprocess.PIPE, preexec_fn=no_file_may_grow)
    assert done.stderr == f"paxoskit: --story: cannot write {story}: File too large\n"
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


@needs_limits
def test_a_zip_that_cannot_be_written_says_so_in_one_line_and_the_one_before_stays(tmp_path):
    before = tmp_path / "00_echo.zip"
    before.write_bytes(b"what was packed yesterday")
    packing = ["submit", "00", "--file", ECHO, "--out", str(tmp_path)]
    done = run(*packing, stdout=subprocess.PIPE, preexec_fn=no_file_may_grow)
    assert done.stderr == f"paxoskit: --out: cannot write {before}: File too large\n"
    assert (done.returncode, done.stdout) == (2, "")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"what was packed yesterday"]


@needs_limits
def test_a_starter_that_cannot_be_written_leaves_what_the_learner_wrote(tmp_path):
    mine = tmp_path / "exercises" / "00_echo" / "echo.py"
    kept = mine.parent / ".paxoskit" / "echo.py.starter"
    kept.parent.mkdir(parents=True)
    mine.write_text("what I wrote")
    kept.write_text("what was given")
    command = [sys.executable, "-m", "paxoskit", "reset", "00"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(TOP)}, text=True, capture_output=True, timeout=60,
        preexec_fn=no_file_may_grow,
    )  # fmt: skip
    expected = f"paxoskit: cannot write {Path('exercises/00_echo/echo.py')}: File too large; it is as it was\n"
    assert (done.returncode, done.stderr, done.stdout) == (2, expected, "")
    assert mine.read_text() == "what I wrote"
    assert sorted(path.name for path in mine.parent.iterdir()) == [".paxoskit", "echo.py"]


@needs_limits
def test_a_copy_that_cannot_be_written_whole_says_so_in_one_line(tmp_path):
    target = tmp_path / "copy"
    done = run("release", str(target), "--through", "01", stdout=subprocess.PIPE, preexec_fn=no_file_may_grow)
    assert done.stderr.startswith(f"paxoskit: {target} has no whole copy: ")
    assert "File too large" in done.stderr
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    with pytest.raises(ReleaseError):  # which is why the line says what to do with it
        release(TOP, target, "01")


@needs_limits
def test_a_storage_that_cannot_be_written_says_so_in_one_line(tmp_path):
    shell = ["shell", "--servers", "3", "--storage", str(tmp_path / "disks")]
    done = run(*shell, stdout=subprocess.PIPE, preexec_fn=no_file_may_grow)
    assert done.returncode == 2
    assert done.stderr.startswith(f"paxoskit: {tmp_path / 'disks'}: cannot be opened as storage (")
    assert (done.stderr.count("\n"), "open elsewhere" in done.stderr) == (1, False)


def test_an_output_that_was_closed_is_no_trouble(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", None)
    assert bootstrap.main(["--version"], cli.run) == 0
