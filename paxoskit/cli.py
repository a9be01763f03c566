"""The commands of `python3 -m paxoskit`. This file needs only the standard library.

`lab` and `test` hand over to JupyterLab and pytest, in this very Python; the others are in their own
modules, imported when they are asked for.
"""

import argparse
import difflib
import importlib
import os
import shutil
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import quote

import paxoskit
from paxoskit.bootstrap import become, checkout

FIRST_LESSON = "notebooks/START_HERE.ipynb"
WATCHED = ("-n", "--numprocesses", "--dist", "--pdb", "--trace", "-s", "--capture", "--co", "-p", "-x", "-h", "--help")
"""Options of pytest with which the tests run in one process: somebody looks on, or says how many."""

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Command(NamedTuple):
    """A command: what it does, in a few words, and the function `main(arguments) -> exit code` that does it."""

    says: str
    module: str
    function: str = "main"


COMMANDS = {
    "lab": Command("open JupyterLab at the start of the course", "paxoskit.cli", "lab"),
    "test": Command("run every check of the kit", "paxoskit.cli", "test"),
    "demo": Command("tell the story of a cluster that loses its leader, its links and its power", "paxoskit.demo"),
    "shell": Command("put, get and break things, one command a line, typed or from a script", "paxoskit.shell"),
    "explore": Command("try every run of acceptors and proposers, and tell the shortest wrong one", "paxoskit.explore"),
    "simulate": Command("run seeds of the simulator, with every fault and every claim", "paxoskit.simulate"),
    "linearizable": Command("judge logs of clients, in Jepsen's words: linearizable or not", "paxoskit.histories"),
    "check": Command("check an exercise, and tell the story of what fails", "paxoskit.grading.check"),
    "reset": Command("put the starter of an exercise back, and keep what was there", "paxoskit.grading.check", "reset"),
    "submit": Command("pack an answer into the one zip that is handed in", "paxoskit.grading.submit"),
    "grade": Command("judge a class's submissions, each in a process of its own", "paxoskit.grading.grade"),
    "release": Command("write a students' copy of the course, up to a lesson", "paxoskit.grading.release"),
}


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code: 0 good, 1 the answer is "no", 2 bad input."""
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    name, *rest = arguments
    if name == "--version":
        print(f"paxoskit {paxoskit.__version__}")
        return 0
    if name not in COMMANDS:
        print(f"paxoskit: {no_such_command(name)}", file=sys.stderr)
        return 2
    command = COMMANDS[name]
    code: int = getattr(importlib.import_module(command.module), command.function)(rest)
    return code


def usage() -> str:
    """Return the help, which lists the commands."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.says}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "Paxos, a block chain and a key-value store, to be watched, broken and written in JupyterLab.",
            "",
            "usage: python3 -m paxoskit COMMAND …        (on Windows: py -m paxoskit COMMAND …)",
            "",
            *lines,
            "",
            "`python3 -m paxoskit COMMAND --help` says more about one of them.",
        ]
    )


def no_such_command(name: str) -> str:
    """Return what to say to a command that is none."""
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    guess = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(COMMANDS)}."
    return f"there is no command {name!r}; {guess}"


def parser(name: str, more: str) -> argparse.ArgumentParser:
    """Return the parser of a command, to which its options are added."""
    says = COMMANDS[name].says
    return argparse.ArgumentParser(
        prog=f"python3 -m paxoskit {name}",
        description=f"{says[0].upper()}{says[1:]}. {more}",
        allow_abbrev=False,
    )


def add_wheelhouse(options: argparse.ArgumentParser) -> None:
    """Add `--wheelhouse` to the help; `bootstrap.py` has already taken it from the arguments."""
    options.add_argument(
        "--wheelhouse", metavar="DIR", help="where packages are missing, install them from this folder of wheels"
    )


def lab(arguments: list[str]) -> int:
    """Start JupyterLab at the start of the course."""
    options = parser("lab", "Any other option goes to JupyterLab; write it as --name=value.")
    options.add_argument("folder", metavar="DIR", nargs="?", help="the folder to open (the top of the clone)")
    options.add_argument("--no-browser", action="store_true", help="print the address, open no browser")
    options.add_argument("--port", type=int, help="the port to listen on (8888, or the next that is free)")
    options.add_argument("--story", metavar="FILE", help="open a story (a counterexample, a lost point) in the lab")
    add_wheelhouse(options)
    chosen, others = options.parse_known_args(arguments)
    folder = Path(chosen.folder or checkout() or Path.cwd()).resolve()
    if chosen.story is not None and chosen.folder is None:
        folder = Path(chosen.story).resolve().parent
    if not folder.is_dir():
        options.error(f"expected a folder to open, and {str(folder)!r} is none (JupyterLab's own: --name=value)")
    if chosen.no_browser:
        others.append("--no-browser")
    if chosen.port is not None:
        others.append(f"--port={chosen.port}")
    if chosen.story is not None:
        return open_story(chosen.story, folder, others)
    if not (folder / FIRST_LESSON).is_file():
        print(f"paxoskit: the lessons come with a clone of paxoskit, and are not in {folder}.", file=sys.stderr)
    become(lab_command(folder, others), environment())


def open_story(file: str, folder: Path, options: list[str]) -> int:
    """Start JupyterLab on a notebook that opens a story; running its cell is left to whoever reads it."""
    from paxoskit.lab.opening import story_notebook

    try:
        notebook, classes = story_notebook(file, folder)
    except (ValueError, OSError) as error:
        print(f"paxoskit: {error}", file=sys.stderr)
        return 2
    for name in classes:
        print(f"paxoskit: the story names the class {name}: running the notebook's cell runs that file.")
    become(lab_command(folder, options, notebook.name), environment())


def lab_command(folder: Path, options: list[str], notebook: str = FIRST_LESSON) -> list[str]:
    """Return the command that starts JupyterLab in a folder, on a notebook (the start of the course) if it is there."""
    lesson = f"/lab/tree/{quote(notebook)}" if (folder / notebook).is_file() else "/lab"
    command = [sys.executable, "-m", "jupyterlab"]
    command += [f"--ServerApp.root_dir={folder}", f"--LabApp.default_url={lesson}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # In containers one often is root; JupyterLab would refuse to start.
    if shell := os.environ.get("SHELL"):
        # Without this, a JupyterLab started by no terminal opens login shells, which reset the PATH.
        command.append(f"--ServerApp.terminado_settings={{'shell_command': [{shell!r}]}}")
    return command + options


def environment() -> dict[str, str]:
    """Return the environment variables in which kernels, terminals and tests find this very Python.

    A plain `pytest` or `python` in a terminal is then the one that has the kit, and `import paxoskit` is
    this clone, whatever else is installed.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONHOME"}
    put_first(env, "PATH", sysconfig.get_path("scripts"))
    put_first(env, "JUPYTER_PATH", str(Path(sys.prefix, "share", "jupyter")))
    put_first(env, "JUPYTER_CONFIG_PATH", str(Path(__file__).with_name("lab")))  # no question about Jupyter's news
    if sys.prefix != sys.base_prefix:
        env["VIRTUAL_ENV"] = sys.prefix
    if top := checkout():
        put_first(env, "PYTHONPATH", str(top))
    return env


def put_first(env: dict[str, str], name: str, folder: str) -> None:
    """Put a folder at the head of a list of folders.

    >>> env = {"PATH": os.pathsep.join(["/bin", "/kit", "/usr/bin"])}
    >>> put_first(env, "PATH", "/kit")
    >>> env["PATH"].split(os.pathsep)
    ['/kit', '/bin', '/usr/bin']
    """
    others = [other for other in env.get(name, "").split(os.pathsep) if other not in ("", folder)]
    env[name] = os.pathsep.join([folder, *others])


def test(arguments: list[str]) -> int:
    """Run pytest on the clone."""
    options = parser("test", "Any other argument goes to pytest: -k WORD, -x, a file…")
    options.add_argument("--browser", action="store_true", help="fail if the browser tests cannot run")
    add_wheelhouse(options)
    chosen, others = options.parse_known_args(arguments)
    top = checkout()
    if top is None or not (top / "tests").is_dir():  # a students' copy has none
        print("paxoskit: the tests come with a clone of paxoskit; start `test` in one.", file=sys.stderr)
        return 2
    env = environment()
    if chosen.browser:
        if not find_chromium():
            print(f"paxoskit: `test --browser` demands a browser; {no_chromium()}", file=sys.stderr)
            return 1
        env["PAXOSKIT_BROWSER"] = "required"
    run_pytest(top, others, env)


def run_pytest(top: Path, arguments: list[str], env: dict[str, str]) -> NoReturn:
    """Hand over to pytest, in the top folder of the clone; all cores share the work, unless it is to be watched."""
    os.chdir(top)
    watched = any(argument.startswith(WATCHED) for argument in arguments)
    share = [] if watched else ["--numprocesses=auto", "--dist=loadgroup"]
    become([sys.executable, "-m", "pytest", *share, *arguments], env)


def find_chromium() -> str | None:
    """Return the path of a Chromium (or Chrome) on the PATH, None if there is none."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def no_chromium() -> str:
    """Return what to say where there is no Chromium."""
    return f"found none of {', '.join(CHROMIUM_NAMES)} on the PATH (Debian: `sudo apt install chromium`)."
