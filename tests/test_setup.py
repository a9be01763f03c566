"""The set-up: files that must agree, the bootstrap's one-line answers, and which room may import which."""

import ast
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import paxoskit
from paxoskit import bootstrap, cli
from paxoskit.bootstrap import SetUpError, Stamp, Venv

TOP = Path(__file__).parents[1]
PROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STATED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
CONDA_NAMES = {"playwright-python": "playwright"}
CONDA_ONLY = {"python", "pip", "setuptools"}


# The files that say what is needed agree ---------------------------------------------------------


def bounds(requirements):
    """Return {name: bounds}, the names normalised."""
    parsed = map(Requirement, requirements)
    return {canonicalize_name(one.name): one.specifier for one in parsed}


def pinned():
    """Return {name: version} of constraints.txt."""
    lines = (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def conda_file():
    return yaml.safe_load((TOP / "environment.yml").read_text(encoding="utf-8"))


def test_environment_yml_says_what_pyproject_says():
    *from_conda, by_pip = conda_file()["dependencies"]
    listed = [*from_conda, *by_pip["pip"][:-1]]
    in_conda = {CONDA_NAMES.get(name, name): bound for name, bound in bounds(listed).items()}
    assert {name: bound for name, bound in in_conda.items() if name not in CONDA_ONLY} == bounds(STATED)
    assert str(in_conda["python"]) == PROJECT["requires-python"]


def test_environment_yml_installs_the_clone_and_asks_conda_forge_only():
    assert conda_file()["name"] == "paxoskit"
    assert conda_file()["channels"] == ["conda-forge", "nodefaults"]
    assert conda_file()["dependencies"][-1]["pip"][-1] == "-e ."


def test_the_five_packages_of_the_course_are_among_the_dependencies():
    assert {"ipywidgets", "networkx", "matplotlib", "jupyterlab", "pytest"} <= set(bounds(PROJECT["dependencies"]))


def test_every_direct_dependency_is_pinned_within_its_bounds():
    pins = pinned()
    wrong = [name for name, bound in bounds([*STATED, "setuptools>=77"]).items() if pins.get(name, "0") not in bound]
    assert wrong == []


def test_constraints_are_plain_pins_without_an_address():
    lines = (TOP / "constraints.txt").read_text(encoding="utf-8").splitlines()
    odd = [line for line in lines if not line.startswith("#") and not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert odd == []


def test_the_bootstrap_can_read_every_bound_of_pyproject():
    stated = [bound for one in STATED for bound in bootstrap.split_requirement(one)[1]]
    assert [bound for bound in stated if not bound.startswith((">=", "<"))] == []
    assert bootstrap.missing(STATED) == []


# Old Pythons and bare Pythons ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["__init__.py", "__main__.py"])
def test_the_first_two_files_parse_in_old_pythons(name):
    tree = ast.parse((TOP / "paxoskit" / name).read_bytes(), feature_version=(3, 6))
    modern = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr)
        or (isinstance(node, ast.arg) and node.annotation)
        or (isinstance(node, ast.FunctionDef) and node.returns)
    ]
    assert modern == []
    assert (TOP / "paxoskit" / name).read_text(encoding="utf-8").isascii()


def python(*arguments, code=None, **options):
    """Run this Python in the clone; return exit code, standard output, standard error."""
    command = [sys.executable, *(["-c", code] if code else []), *arguments]
    done = subprocess.run(command, cwd=TOP, capture_output=True, text=True, encoding="utf-8", **options)
    return done.returncode, done.stdout, done.stderr


def test_a_python_that_is_too_old_gets_one_line():
    code = "import runpy, sys; sys.version_info = (3, 8, 1); runpy.run_module('paxoskit', run_name='__main__')"
    exit_code, said, complaint = python(code=code)
    assert (exit_code, said) == (2, "")
    assert complaint == (
        f"paxoskit: needs Python 3.11 or newer, and this is Python 3.8 ({sys.executable}); "
        "start it with a newer one, for instance `python3.12 -m paxoskit`.\n"
    )


def test_help_needs_only_the_standard_library():
    exit_code, said, complaint = python("-S", "-m", "paxoskit")
    assert (exit_code, complaint) == (0, "")
    assert all(f"\n  {name} " in said for name in cli.COMMANDS)


def test_no_command_needs_more_than_the_standard_library_to_explain_itself():
    assert [name for name in cli.COMMANDS if python("-S", "-m", "paxoskit", name, "--help")[0] != 0] == []


def test_an_unknown_command_gets_one_line(capsys):
    assert bootstrap.main(["lba"], cli.run) == 2
    assert capsys.readouterr().err == "paxoskit: there is no command 'lba'; did you mean `lab`?\n"


def test_public_names_are_imported_when_asked_for():
    assert set(paxoskit.PUBLIC) <= set(dir(paxoskit))
    with pytest.raises(AttributeError, match=r"^paxoskit has no 'Clustr'; it has Ballot, "):
        paxoskit.Clustr  # noqa: B018


# The bootstrap, with an installer that only pretends ----------------------------------------------


class Installer:
    """Stands in for venv and pip: makes a Python that is none, says lines, and ends as it is told."""

    def __init__(self):
        self.commands, self.says, self.fails, self.interrupted = [], ["Collecting a"], False, False

    def run(self, venv, aim, command):
        self.commands.append(command)
        if aim == "make":
            venv.python.parent.mkdir()
            venv.python.touch()
        elif self.interrupted:
            raise KeyboardInterrupt
        elif self.fails:
            raise SetUpError(bootstrap.what_went_wrong(self.says))


@pytest.fixture
def installer(monkeypatch):
    installer = Installer()
    monkeypatch.setattr(Venv, "run", lambda venv, aim, command: installer.run(venv, aim, command))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return installer


@pytest.fixture
def venv(tmp_path):
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(TOP / name, tmp_path)
    return Venv(tmp_path)


def refusal(venv, *extras, wheelhouse=None):
    """Return the one line with which the set-up refuses to go on."""
    with pytest.raises(SetUpError) as refused:
        venv.bring_up_to_date(extras, wheelhouse)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_finished_installation_is_stamped_and_not_done_again(venv, installer):
    venv.bring_up_to_date(("test",), None)
    assert venv.is_complete(("test",))
    assert installer.commands[-1][-4:] == ["-c", "constraints.txt", "-e", ".[test]"]
    installer.commands.clear()
    venv.bring_up_to_date((), None)
    assert installer.commands == []


def test_another_pin_or_another_dependency_is_installed(venv, installer):
    venv.bring_up_to_date((), None)
    (venv.top / "constraints.txt").write_text("pytest==8.4.2\n")
    assert not venv.is_complete(())
    venv.bring_up_to_date((), None)
    assert venv.is_complete(())


def test_test_after_lab_adds_what_the_tests_need(venv, installer):
    venv.bring_up_to_date((), None)
    assert not venv.is_complete(("test",))
    venv.bring_up_to_date(("test",), None)
    assert venv.is_complete(("test",)) and venv.is_complete(())


def test_an_interrupted_installation_is_done_again_from_nothing(venv, installer):
    installer.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        venv.bring_up_to_date((), None)
    assert not venv.is_complete(())
    (venv.folder / "left over").touch()
    installer.interrupted = False
    venv.bring_up_to_date((), None)
    assert venv.is_complete(()) and not (venv.folder / "left over").exists()


def test_an_update_that_fails_leaves_the_old_stamp(venv, installer):
    venv.bring_up_to_date((), None)
    old = venv.stamp()
    (venv.top / "constraints.txt").write_text("pytest==8.4.2\n")
    installer.fails = True
    refusal(venv)
    assert venv.stamp() == old


def test_an_environment_that_is_not_ours_is_filled_and_never_deleted(venv, installer):
    venv.python.parent.mkdir(parents=True)
    venv.python.touch()
    (venv.folder / "mine").touch()
    installer.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        venv.bring_up_to_date((), None)
    installer.interrupted = False
    venv.bring_up_to_date((), None)
    assert venv.is_complete(()) and (venv.folder / "mine").exists()


def test_without_pythons_venv_module_the_line_says_which_package_has_it(venv, installer, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else find_spec(name))
    assert refusal(venv) == (
        f"making .venv needs Python's modules venv and ensurepip, and {sys.executable} has no ensurepip; "
        "on Debian and Ubuntu: `sudo apt install python3-venv`; elsewhere take a complete Python, or uv."
    )


def test_without_a_network_the_line_says_so_and_names_the_wheelhouse(venv, monkeypatch):
    said = "WARNING: Retrying: [Errno -3] Temporary failure in name resolution"
    failing = [sys.executable, "-c", f"print({said!r}); print('ERROR: No matching distribution'); raise SystemExit(1)"]
    monkeypatch.setattr(Venv, "make", lambda venv, uv: (venv.python.parent.mkdir(parents=True), venv.python.touch()))
    monkeypatch.setattr(Venv, "install_command", lambda *_: failing)
    assert refusal(venv) == (
        "could not fill .venv: the package index cannot be reached; without a network, add `--wheelhouse DIR` "
        f"(see README.md); all that was said is in {venv.log_file}."
    )
    assert said in venv.log_file.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (["ERROR: No matching distribution found for a", "[notice] bye"], "No matching distribution found for a"),
        (["× It failed.", "ERROR: No such thing.", "error: see above"], "No such thing"),
        (["SSLError: certificate verify failed"], "the package index shows a certificate that is not trusted"),
        (["ERROR: [Errno 28] No space left on device"], "no space left on the disk"),
        (["  × No solution found when resolving dependencies:"], "No solution found when resolving dependencies:"),
        (["Killed"], "Killed"),
        ([], "the installer said nothing"),
    ],
)
def test_the_line_of_the_installer_that_tells_most_is_shown(said, told):
    assert bootstrap.what_went_wrong(said) == told


def test_a_folder_that_cannot_be_written_gets_one_line(venv, installer, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert refusal(venv) == (
        f"cannot write in {venv.top}: Permission denied; "
        "the clone must be in a folder that you may write to, with 1 GB free."
    )


def test_a_file_in_the_place_of_the_environment_gets_one_line(venv, installer):
    venv.folder.touch()
    assert refusal(venv) == (
        f"{venv.folder} should be a folder with a Python environment, and is not; move it away and start again."
    )


def test_an_environment_without_a_python_gets_one_line(venv, installer):
    venv.folder.mkdir()
    assert refusal(venv) == (
        f"{venv.folder} is broken: there is no {venv.python.relative_to(venv.top)} in it; "
        "delete that folder and start again."
    )


def test_an_environment_whose_python_does_not_start_gets_one_line(venv):
    venv.python.parent.mkdir(parents=True)
    venv.python.symlink_to("no-such-python")
    with pytest.raises(SetUpError, match=r"is broken: its Python does not start \(No such file or directory\); delete"):
        venv.go_on(["lab"])


def test_an_environment_that_lacks_what_its_stamp_says_is_not_entered_for_ever(venv, monkeypatch, capsys):
    venv.folder.mkdir()
    monkeypatch.setattr(bootstrap, "checkout", lambda: venv.top)
    monkeypatch.setenv(bootstrap.IN_VENV, "1")
    monkeypatch.setattr(bootstrap, "missing", lambda wanted: ["networkx>=3.3"])
    assert bootstrap.main(["lab"], cli.run) == 2
    assert capsys.readouterr().err == (
        f"paxoskit: {venv.folder} is broken: it lacks networkx>=3.3; delete that folder and start again.\n"
    )
    assert bootstrap.IN_VENV not in os.environ


def test_a_python_that_has_the_packages_goes_on_without_an_environment(monkeypatch):
    monkeypatch.setattr(Venv, "bring_up_to_date", lambda *_: pytest.fail("an environment was made"))
    bootstrap.prepare(["test"], None)


def test_an_unreadable_stamp_says_nothing(venv):
    venv.folder.mkdir()
    for text in ("", "[]", "{}", '{"ours": 1}', json.dumps({"ours": True, "complete_for": "x", "extras": 7})):
        venv.stamp_file.write_text(text)
        assert venv.stamp() == Stamp()


def test_an_installation_from_a_wheelhouse_asks_no_index(venv, installer, tmp_path):
    (tmp_path / "a-1-py3-none-any.whl").touch()
    arguments, wheelhouse = bootstrap.take_wheelhouse(["test", "--wheelhouse", str(tmp_path), "-x"])
    assert arguments == ["test", "-x"]
    venv.bring_up_to_date((), wheelhouse)
    command = installer.commands[-1]
    assert command[command.index("--no-index") :][:3] == ["--no-index", "--find-links", str(tmp_path)]


def test_a_wheelhouse_without_wheels_gets_one_line(tmp_path, capsys):
    assert bootstrap.main(["test", f"--wheelhouse={tmp_path}"], cli.run) == 2
    assert capsys.readouterr().err == (
        f"paxoskit: --wheelhouse expects a folder of wheels, and {str(tmp_path)!r} has none; "
        f"where there is a network, fill one with `{bootstrap.FILL_A_WHEELHOUSE}`.\n"
    )


# lab and test ------------------------------------------------------------------------------------


def handed_over(monkeypatch, command, *arguments):
    """Return the command and the environment that one of ours hands over to."""
    calls = []
    monkeypatch.setattr(cli, "become", lambda *call: calls.append(call))
    cli.run([command, *arguments])
    return calls[0]


def test_lab_opens_the_first_lesson(monkeypatch, tmp_path):
    (tmp_path / cli.FIRST_LESSON).parent.mkdir(parents=True)
    (tmp_path / cli.FIRST_LESSON).touch()
    command, _ = handed_over(monkeypatch, "lab", str(tmp_path))
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert f"--LabApp.default_url=/lab/tree/{cli.FIRST_LESSON}" in command


def test_lab_without_lessons_says_so_and_opens_the_folder(monkeypatch, tmp_path, capsys):
    command, _ = handed_over(monkeypatch, "lab", str(tmp_path))
    assert "--LabApp.default_url=/lab" in command
    assert capsys.readouterr().err == (
        f"paxoskit: the lessons come with a clone of paxoskit, and are not in {tmp_path}.\n"
    )


def test_lab_passes_options_on_to_jupyterlab(monkeypatch):
    command, _ = handed_over(monkeypatch, "lab", "--no-browser", "--port", "8899", "--ServerApp.ip=127.0.0.1")
    assert command[-3:] == ["--ServerApp.ip=127.0.0.1", "--no-browser", "--port=8899"]


def test_lab_puts_this_python_first_for_terminals_and_kernels(monkeypatch):
    monkeypatch.setenv("PATH", "/elsewhere")
    _, env = handed_over(monkeypatch, "lab")
    assert shutil.which("jupyter", path=env["PATH"].split(os.pathsep)[0])
    assert env.get("VIRTUAL_ENV") == (sys.prefix if sys.prefix != sys.base_prefix else os.environ.get("VIRTUAL_ENV"))


@pytest.mark.slow
def test_a_notebook_runs_in_this_python_with_this_clone(tmp_path):
    """The kernel that JupyterLab starts by default, with another folder as its own, as a lesson has."""
    code = "import paxoskit, sys, shutil; print([sys.executable, paxoskit.__file__, bool(shutil.which('pytest'))])"
    script = (
        "import nbclient, nbformat.v4 as v4\n"
        f"book = v4.new_notebook(cells=[v4.new_code_cell({code!r})])\n"
        "nbclient.NotebookClient(book, kernel_name='python3').execute()\n"
        "print(book.cells[0].outputs[0].text)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=cli.environment(), capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(done.stdout.strip()) == [sys.executable, str(TOP / "paxoskit/__init__.py"), True]


def test_test_demands_a_browser_when_told_to(monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert cli.run(["test", "--browser"]) == 1
    assert capsys.readouterr().err == (
        "paxoskit: `test --browser` demands a browser; found none of chromium, chromium-browser, google-chrome, "
        "google-chrome-stable on the PATH (Debian: `sudo apt install chromium`).\n"
    )


def test_test_hands_the_rest_to_pytest(monkeypatch):
    command, env = handed_over(monkeypatch, "test", "-k", "setup", "-x", "tests/test_setup.py")
    assert command == [sys.executable, "-m", "pytest", "-k", "setup", "-x", "tests/test_setup.py"]
    assert env.get("PAXOSKIT_BROWSER") == os.environ.get("PAXOSKIT_BROWSER")


def test_all_cores_share_the_tests_unless_somebody_looks_on(monkeypatch):
    assert handed_over(monkeypatch, "test")[0][3:] == ["--numprocesses=auto", "--dist=loadgroup"]
    assert handed_over(monkeypatch, "test", "--pdb")[0][3:] == ["--pdb"]


@pytest.mark.parametrize("is_a_copy_for_students", [False, True])
def test_an_installed_package_has_no_tests_and_says_so(monkeypatch, capsys, tmp_path, is_a_copy_for_students):
    monkeypatch.setattr(cli, "checkout", lambda: tmp_path if is_a_copy_for_students else None)
    assert cli.run(["test"]) == 2
    assert capsys.readouterr().err == "paxoskit: the tests come with a clone of paxoskit; start `test` in one.\n"


# Rooms -------------------------------------------------------------------------------------------

ROOMS = ["protocol", "loading", "trace", "claims", "worlds", "pictures", "lab", "course", "grading", "cli"]
BESIDE_CLI = {"__main__", "bootstrap", "demo", "endless", "explore", "histories", "options", "shell", "simulate"}
FREE = {"paxoskit.bootstrap", "paxoskit.endless", "paxoskit.options"}
"""Where the clone is, what never ends, how a command reads its options: any room asks."""
IMPURE = {
    "asyncio", "concurrent", "datetime", "http", "io", "logging", "multiprocessing", "os", "pathlib", "queue",
    "random", "secrets", "selectors", "shutil", "signal", "socket", "sqlite3", "subprocess", "sys", "tempfile",
    "threading", "time", "urllib", "uuid", "warnings",
}  # fmt: skip


def imports(file):
    """Yield the full name of all that a file imports, wherever in the file."""
    package = ".".join(file.relative_to(TOP).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from (
                paxoskit.PUBLIC.get(alias.name, f"paxoskit.{alias.name}") if module == "paxoskit" else module
                for alias in node.names
            )


def storey(module):
    """Return how high up the room of a module is; `paxoskit` itself, which imports nothing, is below all."""
    room = module.split(".")[1] if "." in module else ""
    return ROOMS.index("cli" if room in BESIDE_CLI else room) if room in {*ROOMS, *BESIDE_CLI} else -1


def sources():
    return sorted((TOP / "paxoskit").rglob("*.py"))


def test_imports_go_downward_only():
    upward = [
        f"{file.relative_to(TOP)} imports {module}"
        for file in sources()
        for module in imports(file)
        if file != TOP / "paxoskit/__init__.py" and module not in FREE
        and storey(module) > storey(".".join(file.relative_to(TOP).with_suffix("").parts))
    ]
    assert upward == []


def test_every_module_has_a_room():
    tops = {file.relative_to(TOP / "paxoskit").parts[0].removesuffix(".py") for file in sources()}
    assert tops - {*ROOMS, *BESIDE_CLI, "__init__"} == set()


def test_the_protocol_has_no_clock_no_dice_no_thread_no_socket_and_no_file():
    roots = {module.split(".")[0] for file in sources() if "protocol" in file.parts for module in imports(file)}
    assert roots - {"paxoskit"} <= sys.stdlib_module_names - IMPURE


def test_the_first_two_files_and_the_bootstrap_need_nothing_else():
    first = [TOP / "paxoskit" / name for name in ("__init__.py", "__main__.py", "bootstrap.py", "cli.py")]
    roots = {module.split(".")[0] for file in first for module in imports(file)}
    assert roots - {"paxoskit"} <= sys.stdlib_module_names
