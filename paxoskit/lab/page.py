"""The lab's JavaScript and its styles, each joined from its parts: no build step, and every part small enough to read.

The parts share one scope, as they would in one file: a part may use what an earlier part defines. The last one exports
the widget.
"""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

PARTS = ("draw", "menus", "acts", "cluster", "chain", "spacetime", "tables", "time", "keys", "scene")
"""The parts of the JavaScript, in the order in which they stand in the one file that the browser gets."""

STYLES = ("scene", "panels")
"""The parts of the style sheet: what is in a picture, and the page around it."""


def javascript() -> str:
    """Return the ES module of the lab: what an anywidget takes as `_esm`."""
    return "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in PARTS)


def style() -> str:
    """Return the lab's whole style sheet."""
    return "\n".join((HERE / f"{part}.css").read_text(encoding="utf-8") for part in STYLES)


def picture_style() -> str:
    """Return the styles that a picture by itself needs: the SVG of a saved notebook carries them."""
    return (HERE / "scene.css").read_text(encoding="utf-8").strip()
