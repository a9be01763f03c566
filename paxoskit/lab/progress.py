"""An export that takes a while: a bar that fills, a button that cancels, and the path once the file is there."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import ipywidgets
from IPython.core.getipython import get_ipython

from paxoskit.lab.export import export, target
from paxoskit.pictures.movie import Cancelled

QUICK = 1.0
"""So many seconds a cell waits: what is done by then shows no bar."""


class Export:
    """A file that is being written. As the last line of a cell it shows how far that is.

    The work is done on a thread of its own, so the cell ends and the button works. `result()` waits for the path.
    """

    def __init__(self, source: Any, path: str | Path, **options: Any) -> None:
        """Begin to write; see `export` for the arguments. Raises ValueError at once for a path that cannot be."""
        self.path = target(path, options.get("folder", "."))
        self.future: Future[Path] = Future()
        self._cancelled = threading.Event()
        self._bar = ipywidgets.IntProgress(0, min=0, max=1)
        self._button = ipywidgets.Button(description="Cancel")
        self._button.on_click(lambda _: self.cancel())
        self._said = ipywidgets.Label("", layout={"width": "auto"})
        self._root = ipywidgets.HBox([self._bar, self._button, self._said])
        work = partial(export, source, path, self._tell, **options)
        threading.Thread(target=self._write, args=(work,), name="paxoskit export", daemon=True).start()

    def _write(self, work: Any) -> None:
        try:
            self.future.set_result(work())
        except BaseException as error:
            self.future.set_exception(error)
        self._said.value = str(self)
        self._root.children = (self._said,)

    def _tell(self, done: int, of: int) -> bool:
        self._bar.max, self._bar.value = of, done
        self._said.value = f"{done} of {of} pictures"
        return not self._cancelled.is_set()

    def cancel(self) -> None:
        """Stop after the picture that is being drawn; no file is left, an older one of that name stays."""
        self._cancelled.set()

    def result(self, timeout: float | None = None) -> Path:
        """Wait for the file and return its path; raise what went wrong, or TimeoutError after `timeout` seconds."""
        return self.future.result(timeout)

    def __fspath__(self) -> str:
        return str(self.result())

    def __str__(self) -> str:
        if not self.future.done():
            return f"writing {self.path.name}: {self._bar.value} of {self._bar.max} pictures"
        error = self.future.exception()
        if error is not None:
            return f"{self.path.name}: {error if isinstance(error, (Cancelled, ValueError)) else repr(error)}"
        return f"{self.path.name} is written: {self.path.stat().st_size:,} bytes"

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_mimebundle_(self, **_: Any) -> Any:
        if self.future.done():
            return {"text/plain": str(self)}
        return (self._root._repr_mimebundle_() or {}) | {"text/plain": str(self)}


def export_here(source: Any, path: str | Path, progress: Any = None, **options: Any) -> Path | Export:
    """Export, and return the path; in a notebook, what takes longer than a second goes on by itself and shows a bar."""
    shell = get_ipython()
    if progress is not None or not hasattr(shell, "kernel"):
        return export(source, path, progress, **options)
    begun = Export(source, path, **options)
    try:
        return begun.result(QUICK)
    except TimeoutError:
        return begun
