"""Somebody else's server: the class that `FILE:Class` names, loaded from its file, and whose line it is that fails."""

from __future__ import annotations

import difflib
import importlib.util
import sys
import traceback
from hashlib import sha256
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from paxoskit.protocol.node import Node


class LoadError(ValueError):
    """A `FILE:Class` names no server; the message is one line."""


def load_server(place: str) -> type[Node]:
    """Return the server's class that `place`, a `FILE:Class`, names; its file is run anew each time.

    Raises LoadError: no such file, a file that fails, no such class, a class that is no server.
    """
    return _checked(load_node(place), place.rpartition(":")[0])


def load_node(place: str) -> type[Node]:
    """Return the class of nodes that `place`, a `FILE:Class`, names; its file is run anew each time.

    Raises LoadError: no such file, a file that fails, no such class, a class that is no Node.
    """
    file, _, name = place.rpartition(":")
    if not file or not name.isidentifier():
        raise LoadError(f"expected FILE:Class, for instance mine.py:Server, got {place!r}")
    path = Path(file)
    if not path.is_file():
        raise LoadError(f"there is no file {file!r}")
    return _class(_run(path), name, file)


def blame(error: BaseException, file: str | Path) -> str:
    """Return an error as one line: where in `file` it came from, if it did, then its type and what it says."""
    says = " ".join(str(error).split())
    text = f"{type(error).__name__}: {says}" if says else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}, line {error.lineno}: {type(error).__name__}: {error.msg}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if Path(frame.filename) == Path(file):
            where = "" if frame.name == "<module>" else f", in {frame.name}"
            return f"{file}, line {frame.lineno}{where}: {text}"
    return text


class _Fresh(SourceFileLoader):
    """Compiles the file anew: Python's own would leave a __pycache__ beside it, and might trust an old one."""

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the file as it is now."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def _run(path: Path) -> ModuleType:
    """Run a file as a module of its own: two files that are called alike, in two folders, are two modules."""
    name = f"loaded_from_{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:8]}"
    loader = _Fresh(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)  # for what lies beside it; last, or a learner's queue.py would hide Python's own
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        says = blame(error, path)
        raise LoadError(f"cannot load {says if says.startswith(f'{path},') else f'{path}: {says}'}") from None
    return module


def _class(module: ModuleType, name: str, file: str) -> type[Node]:
    found = getattr(module, name, None)
    if not isinstance(found, type):
        there = [key for key, value in vars(module).items() if isinstance(value, type) and issubclass(value, Node)]
        near = difflib.get_close_matches(name, there, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise LoadError(f"there is no class {name} in {file}{hint}")
    if not issubclass(found, Node):
        raise LoadError(f"{name} in {file} is not a Node: write `class {name}(Node):` or inherit from Server")
    return found


def _checked(cls: type[Node], file: str) -> type[Node]:
    """Return the class if a server can be made of it, and hears what clients ask."""
    if not callable(getattr(cls, "on_request", None)):
        raise LoadError(
            f"{cls.__name__} in {file} has no method on_request(self, sender, message): clients ask by Request"
        )
    try:
        cls.start(cls(1, (1, 2, 3), cls.Disk()))
    except (Exception, SystemExit) as error:
        raise LoadError(f"cannot make a server of {cls.__name__}: {blame(error, file)}") from None
    return cls
