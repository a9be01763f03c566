"""Sees to it that the packages are there, with nothing but the standard library, and goes on.

    the command needs no packages, or this Python has them  ->  go on at once
    `.venv` is complete and up to date                      ->  go on in `.venv`
    otherwise                                               ->  make `.venv`, install, go on in `.venv`

What is needed is read from `pyproject.toml`; the versions that are installed are those of `constraints.txt`.
Whatever can go wrong ends in one line that says what was expected, what came, and what to do next.
"""

import contextlib
import errno
import hashlib
import importlib.metadata
import importlib.util
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

NEEDS: dict[str, tuple[str, ...]] = {"lab": (), "test": ("test",)}
"""The commands that need packages, with the extras of `pyproject.toml` that they need besides."""

IN_VENV = "PAXOSKIT_IN_VENV"
"""Set while we go on in `.venv`, so that a broken one is reported and not entered for ever."""

KNOWN_TROUBLE = {
    r"name resolution|getaddrinfo|dns error|NewConnection|unreachable|ConnectTimeout|Connection refused": (
        "the package index cannot be reached"
    ),
    r"(?i)certificate.verify.failed|invalid peer certificate": (
        "the package index shows a certificate that is not trusted"
    ),
    r"No space left on device": "no space left on the disk",
}
"""What installers say of the usual troubles, and what it means."""

CANNOT_WRITE = {errno.ENOSPC, errno.EFBIG, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""What the system says of a disk that is full, a quota that is used up, a file as large as it may be, a broken disk."""

FILL_A_WHEELHOUSE = "python3 -m pip download -d DIR -c constraints.txt setuptools '.[test]'"


class SetUpError(Exception):
    """The set-up cannot go on; the message is the one line that the user reads."""


def main(arguments: list[str], run: Callable[[list[str]], int]) -> int:
    """Make sure that the command has what it needs, then `run` it; return the exit code."""
    try:
        arguments, wheelhouse = take_wheelhouse(arguments)
        if needs_packages(arguments):
            prepare(arguments, wheelhouse)
    except SetUpError as trouble:
        print(f"paxoskit: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\npaxoskit: stopped; the next start does the set-up again.", file=sys.stderr)
        return 130
    try:
        return run_and_write(arguments, run)
    except BrokenPipeError:  # Whoever read our output (`| head`) has seen enough.
        write_no_more(sys.stdout)
        return 1
    except OSError as trouble:
        if trouble.errno not in CANNOT_WRITE:
            raise
        write_no_more(sys.stdout)
        where = f"{trouble.filename} cannot be written" if trouble.filename else "the output cannot be written"
        try:
            print(f"paxoskit: {where}: {trouble.strerror}; make room, or write elsewhere.", file=sys.stderr, flush=True)
        except OSError:  # Who sends the complaint to a full disk too is left with the exit code.
            write_no_more(sys.stderr)
        return 2


def run_and_write(arguments: list[str], run: Callable[[list[str]], int]) -> int:
    """Run the command, and write all that it printed: what cannot be written shows here, not when Python ends.

    A character that the output cannot hold, as a learner's text may have one, is written as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return run(arguments)
    finally:
        if sys.stdout is not None:  # None if it was closed (`>&-`)
            sys.stdout.flush()


def write_no_more(stream: Any) -> None:
    """Let a stream lead nowhere from now on: Python writes what is left when it ends, and would complain."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no file, as in a test, or none at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def take_wheelhouse(arguments: list[str]) -> tuple[list[str], Path | None]:
    """Split `--wheelhouse DIR` from the other arguments.

    >>> take_wheelhouse(["test", "-x"])
    (['test', '-x'], None)
    """
    rest, wheelhouse = [], None
    words = iter(arguments)
    for word in words:
        if word == "--wheelhouse" or word.startswith("--wheelhouse="):
            folder = word.partition("=")[2] or next(words, "")
            wheelhouse = checked_wheelhouse(folder)
        else:
            rest.append(word)
    return rest, wheelhouse


def checked_wheelhouse(folder: str) -> Path:
    """Return the folder as an absolute path if there are wheels in it."""
    if folder and any(Path(folder).glob("*.whl")):
        return Path(folder).resolve()
    raise SetUpError(
        f"--wheelhouse expects a folder of wheels, and {folder or 'nothing'!r} has none; "
        f"where there is a network, fill one with `{FILL_A_WHEELHOUSE}`."
    )


def needs_packages(arguments: list[str]) -> bool:
    """Is this a command that needs more than the standard library, and not just its help?"""
    return bool(arguments) and arguments[0] in NEEDS and not {"-h", "--help"} & set(arguments)


def prepare(arguments: list[str], wheelhouse: Path | None) -> None:
    """Return if this Python has the packages; otherwise go on in `.venv`, and do not return."""
    went_on = os.environ.pop(IN_VENV, None)
    top = checkout()
    extras = NEEDS[arguments[0]]
    lacking = missing(requirements(top, extras))
    if not lacking:
        return
    if top is None:
        raise SetUpError(
            f"`{arguments[0]}` needs {', '.join(lacking)}, and {sys.executable} has not got it; "
            f"install it there with pip."
        )
    if went_on:
        raise SetUpError(broken(top / ".venv", f"it lacks {', '.join(lacking)}"))
    venv = Venv(top)
    venv.bring_up_to_date(extras, wheelhouse)
    venv.go_on(arguments)


def checkout() -> Path | None:
    """Return the top folder of the clone that this file is in; None where paxoskit is installed as a package."""
    top = Path(__file__).resolve().parents[1]
    return top if (top / "pyproject.toml").is_file() else None


# What is needed, and is it there?


def requirements(top: Path | None, extras: tuple[str, ...]) -> list[str]:
    """Return the requirements of the kit and of some extras, such as "pytest>=8.2"."""
    if top is None:
        try:
            stated = importlib.metadata.requires("paxoskit") or []
        except importlib.metadata.PackageNotFoundError:
            raise SetUpError(
                f"expected a clone of paxoskit or an installed package, and {Path(__file__).parent} is neither; "
                f"start in the folder that has pyproject.toml."
            ) from None
        return [requirement for requirement in stated if ";" not in requirement]
    project = read_pyproject(top)["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    return wanted


def read_pyproject(top: Path) -> dict[str, Any]:
    """Return `pyproject.toml` as a dictionary."""
    return tomllib.loads((top / "pyproject.toml").read_text(encoding="utf-8"))


def missing(wanted: list[str]) -> list[str]:
    """Return those requirements that this Python does not meet.

    >>> missing(["surely-no-such-package>=1"])
    ['surely-no-such-package>=1']
    """
    return [requirement for requirement in wanted if not is_met(requirement)]


def is_met(requirement: str) -> bool:
    """Is a package of that name installed here, in a version within the bounds?"""
    name, bounds = split_requirement(requirement)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return all(within(version, bound) for bound in bounds)


def split_requirement(requirement: str) -> tuple[str, list[str]]:
    """Split a requirement into its name and its bounds.

    >>> split_requirement("networkx>=3.3,<4")
    ('networkx', ['>=3.3', '<4'])
    """
    name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", requirement).groups()  # type: ignore[union-attr]
    return name, [bound.strip() for bound in bounds.split(",") if bound.strip()]


def within(version: str, bound: str) -> bool:
    """Does a version keep a bound? (Only ">=" and "<": the full rules are not in the standard library.)

    >>> within("8.10.1", ">=8.2"), within("4.0", "<4")
    (True, False)
    """
    if bound.startswith(">="):
        return numbers(version) >= numbers(bound[2:])
    if bound.startswith("<"):
        return numbers(version) < numbers(bound[1:])
    raise SetUpError(f"pyproject.toml should bound versions with >= and < only, and says {bound!r}.")


def numbers(version: str) -> list[int]:
    """Return the numbers that a version begins with, without zeros at the end.

    >>> numbers("4.10.0rc1")
    [4, 10]
    """
    found = re.match(r"\s*(\d+(?:\.\d+)*)", version)
    parts = [int(part) for part in found[1].split(".")] if found else []
    while parts and parts[-1] == 0:
        parts.pop()
    return parts


# The environment beside pyproject.toml


@dataclass
class Stamp:
    """What `.venv` says of itself, in `.venv/paxoskit.json`.

    `ours`: we made it, so we may make it anew when an installation was cut short.
    `complete_for`: the digest of what was installed; empty from the first change to the last.
    """

    ours: bool = False
    complete_for: str = ""
    extras: tuple[str, ...] = ()


class Venv:
    """The environment `.venv` in the top folder of a clone."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.folder = top / ".venv"
        self.python = python_in(self.folder)
        self.stamp_file = self.folder / "paxoskit.json"
        self.log_file = self.folder / "paxoskit-install.log"

    def bring_up_to_date(self, extras: tuple[str, ...], wheelhouse: Path | None) -> None:
        """Make and fill the environment, unless its stamp says that this was done."""
        if self.is_complete(extras):
            return
        try:
            with one_at_a_time(self.top / ".venv.lock"):
                if not self.is_complete(extras):
                    self.make_and_fill(extras, wheelhouse)
        except OSError as trouble:
            raise SetUpError(
                f"cannot write in {self.top}: {trouble.strerror or trouble}; "
                f"the clone must be in a folder that you may write to, with 1 GB free."
            ) from trouble

    def is_complete(self, extras: tuple[str, ...]) -> bool:
        """Does the stamp say that all this was installed, from the very files that are here now?"""
        stamp = self.stamp()
        return stamp.complete_for == self.digest() and set(extras) <= set(stamp.extras)

    def stamp(self) -> Stamp:
        """Read the stamp; one that cannot be read says nothing."""
        try:
            said = json.loads(self.stamp_file.read_text(encoding="utf-8"))
            return Stamp(bool(said["ours"]), str(said["complete_for"]), tuple(said["extras"]))
        except (OSError, ValueError, LookupError, TypeError):
            return Stamp()

    def write_stamp(self, stamp: Stamp) -> None:
        """Replace the stamp, all of it or nothing."""
        draft = self.stamp_file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(stamp)), encoding="utf-8")
        draft.replace(self.stamp_file)

    def digest(self) -> str:
        """Return a digest of what decides the content: requirements, pinned versions, the Python in `.venv`."""
        pyproject = read_pyproject(self.top)
        stated = json.dumps([pyproject["project"], pyproject["build-system"]], sort_keys=True)
        pinned = (self.top / "constraints.txt").read_text(encoding="utf-8")
        return hashlib.sha256("\n".join([stated, pinned, self.python_version()]).encode()).hexdigest()

    def python_version(self) -> str:
        """Return the version of Python that `.venv` was made with, "" if there is no telling."""
        try:
            settings = (self.folder / "pyvenv.cfg").read_text(encoding="utf-8")
        except OSError:
            return ""
        found = re.search(r"^version(?:_info)?\s*=\s*(\S+)", settings, re.MULTILINE)
        return found[1] if found else ""

    def make_and_fill(self, extras: tuple[str, ...], wheelhouse: Path | None) -> None:
        """Make the environment if there is none, install, and stamp it at the very end."""
        before = self.stamp()
        if before.ours and not before.complete_for:
            shutil.rmtree(self.folder)  # An installation was cut short: who knows what it left.
        uv = shutil.which("uv")
        started = time.monotonic()
        if not os.path.lexists(self.folder):
            self.make(uv)
        elif not self.python.exists():
            raise SetUpError(broken(self.folder, f"there is no {self.python.relative_to(self.top)} in it"))
        extras = tuple(sorted({*self.stamp().extras, *extras}))
        self.fill(uv, extras, wheelhouse)
        say(f".venv is ready ({time.monotonic() - started:.0f} s).")

    def make(self, uv: str | None) -> None:
        """Make an empty environment."""
        lacking = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
        if lacking and not uv:
            raise SetUpError(
                f"making .venv needs Python's modules venv and ensurepip, and {sys.executable} has no "
                f"{' and no '.join(lacking)}; on Debian and Ubuntu: `sudo apt install python3-venv`; "
                f"elsewhere take a complete Python, or uv."
            )
        tool = "uv" if uv else "pip"
        usual = "half a minute" if uv else "one to three minutes"
        say(f"making .venv and filling it with {tool}; this happens once and takes about {usual}.")
        self.folder.mkdir()
        self.write_stamp(Stamp(ours=True))
        if uv:
            command = [uv, "venv", "--allow-existing", "--python", sys.executable, str(self.folder)]
        else:
            command = [sys.executable, "-m", "venv", str(self.folder)]
        self.run("make", command)

    def fill(self, uv: str | None, extras: tuple[str, ...], wheelhouse: Path | None) -> None:
        """Install the kit, editable, with what it needs; stamped as complete only when all went well."""
        before = self.stamp()
        self.write_stamp(Stamp(before.ours))
        try:
            self.run("fill", self.install_command(uv, extras, wheelhouse))
        except SetUpError:
            self.write_stamp(before)  # What was there before is still there: do not make it all anew.
            raise
        self.write_stamp(Stamp(before.ours, self.digest(), extras))

    def install_command(self, uv: str | None, extras: tuple[str, ...], wheelhouse: Path | None) -> list[str]:
        """Return the command that installs, to be run in the top folder."""
        if uv:
            command = [uv, "pip", "install", "--python", str(self.python)]
        else:
            command = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
            command += ["--progress-bar", "off", "--no-warn-script-location", "--no-compile"]
        if wheelhouse:
            command += ["--no-index", "--find-links", str(wheelhouse)]
        kit = f".[{','.join(extras)}]" if extras else "."
        return [*command, "-c", "constraints.txt", "-e", kit]

    def run(self, aim: str, command: list[str]) -> None:
        """Run a command, all that it says going to the log; raise if it fails."""
        with open(self.log_file, "a+", encoding="utf-8") as log, self.started(command) as process:
            said = []
            try:
                for line in process.stdout or ():
                    said.append(line.rstrip())
                    log.write(line)
                    show_progress(line)
            except BaseException:
                process.terminate()  # or it would go on writing behind the back of the next start
                raise
        clear_progress()
        if process.returncode:
            raise SetUpError(
                f"could not {aim} .venv: {what_went_wrong(said)}; without a network, "
                f"add `--wheelhouse DIR` (see README.md); all that was said is in {self.log_file}."
            )

    def started(self, command: list[str]) -> "subprocess.Popen[str]":
        """Start a command in the top folder, all that it says on its standard output."""
        return subprocess.Popen(
            command,
            cwd=self.top,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )

    def go_on(self, arguments: list[str]) -> NoReturn:
        """Go on with the same command in the Python of `.venv`."""
        command = [str(self.python), "-m", "paxoskit", *arguments]
        try:
            become(command, {**os.environ, IN_VENV: "1"})
        except OSError as trouble:
            reason = f"its Python does not start ({trouble.strerror})"
            raise SetUpError(broken(self.folder, reason)) from trouble


def python_in(venv: Path, system: str = os.name) -> Path:
    """Return where the Python of an environment is; the system is "nt" on Windows.

    >>> python_in(Path(".venv"), "nt").as_posix()
    '.venv/Scripts/python.exe'
    """
    return venv / "Scripts" / "python.exe" if system == "nt" else venv / "bin" / "python"


def broken(venv: Path, reason: str) -> str:
    """Return what to say of an environment that cannot be used."""
    if not venv.is_dir():
        return f"{venv} should be a folder with a Python environment, and is not; move it away and start again."
    return f"{venv} is broken: {reason}; delete that folder and start again."


def what_went_wrong(said: list[str]) -> str:
    """Return the one line of an installer's output that tells most.

    >>> what_went_wrong(["Collecting a", "ERROR: No matching distribution found for a", "note: bye"])
    'No matching distribution found for a'
    """
    said = [line.strip() for line in said if line.strip()]
    everything = "\n".join(said)
    for pattern, meaning in KNOWN_TROUBLE.items():
        if re.search(pattern, everything):
            return meaning
    for mark in ("ERROR: ", "Caused by: ", "╰─▶ ", "× ", "error: "):
        if marked := [line for line in said if line.startswith(mark)]:
            return marked[-1].removeprefix(mark).rstrip(".")
    return said[-1] if said else "the installer said nothing"


@contextlib.contextmanager
def one_at_a_time(lock_file: Path) -> Iterator[None]:
    """Hold a lock, so that two starts at once do not install over each other; the second one waits."""
    with open(lock_file, "w") as file:
        told = False
        while not locked(file.fileno()):
            if not told:
                say("another start is making .venv; waiting for it.")
            told = True
            time.sleep(0.5)
        yield


def locked(file: int) -> bool:
    """Try to lock an open file, until it is closed."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def become(command: list[str], environment: dict[str, str]) -> NoReturn:
    """Run a command in place of this process (as a child where the system knows no such thing)."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execve(command[0], command, environment)
    process = subprocess.Popen(command, env=environment)
    while True:
        try:
            sys.exit(process.wait())
        except KeyboardInterrupt:
            continue  # The child was told as well, and ends in its own way.


def say(text: str) -> None:
    """Tell the user where the set-up is."""
    print(f"paxoskit: {text}", file=sys.stderr, flush=True)


def show_progress(line: str) -> None:
    """Show on one line, if someone is looking, which package the installer is at."""
    words = line.split()
    if sys.stderr.isatty() and len(words) > 1 and words[0] in ("Collecting", "Installing", "Downloading"):
        print(f"\r\x1b[K  {words[0].lower()} {words[1][:60]}", end="", file=sys.stderr, flush=True)


def clear_progress() -> None:
    """Take that line away."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
