"""The still picture that stays in a saved notebook: what is seen wherever no kernel knows the lab any more.

A notebook keeps of a widget nothing but its number. Opened again with a new kernel, JupyterLab and Notebook say
"Error displaying widget: model not found" in its place, whatever else the same output holds. So a lab is two outputs:
the widget, and right below it this picture, as HTML. While the lab lives in the page, its style hides the picture
(scene.js); where it does not, the picture's style hides the error. A notebook that is not trusted shows no widget and
no style, and the picture all the same: JupyterLab lets images pass.
"""

from __future__ import annotations

import base64
import time
import uuid
from html import escape

from IPython.display import publish_display_data

from paxoskit.lab.scene import Scene, describe, svg

REST, EVERY = 2.0, 30.0
"""The picture is made anew when nothing has changed for so many seconds; if something always changes, every so many.

So a step costs no bytes but its own: a picture has ten times as many."""

SAYS = "A still picture: the kernel that had this lab is gone. Run the cell to hold the cluster in your hands again."


class Still:
    """The still picture of one lab, which may stand below many cells. The lab's thread keeps it up to date."""

    def __init__(self) -> None:
        self.name = f"paxoskit-{uuid.uuid4().hex}"
        self.shown = False  # does it stand anywhere?
        self._made = self._changed = 0.0  # when it was published, and when there was something new to see
        self._last: Scene = {}  # what was published
        self._seen: Scene = {}

    def show(self, scene: Scene) -> None:
        """Let the running cell show the picture, below what it shows already."""
        self._publish(_at_rest(scene), again=False)
        self.shown = True

    def renew(self, scene: Scene, now: bool = False) -> None:
        """Change the picture wherever it stands, if there is something new in it and it is time, or at once (`now`).

        A page that was loaded again keeps the picture that it found in the notebook, until the cell is run again.
        """
        if not self.shown:
            return
        seen, at = _at_rest(scene), time.monotonic()
        if seen != self._seen:
            self._seen, self._changed = seen, at
        due = now or at > self._changed + REST or at > self._made + EVERY
        if due and seen != self._last:
            self._publish(seen, again=True)

    def _publish(self, scene: Scene, again: bool) -> None:
        self._made, self._last = time.monotonic(), scene
        shown = {"text/html": still(scene, self.name), "text/plain": ""}
        publish_display_data(shown, transient={"display_id": self.name}, update=again)  # type: ignore[no-untyped-call]


def _at_rest(scene: Scene) -> Scene:
    """Return a scene without heartbeats, in which time stands still: each label has a place of its own."""
    loud = [message for message in scene["messages"] if not message.get("quiet")]
    return {**scene, "messages": loud, "speed": 0.0, "at": scene["at"] if loud else 0.0}


def still(scene: Scene, name: str) -> str:
    """Return the picture of a scene as HTML; the lab that is called `name` hides it while it is there itself.

    >>> from paxoskit.lab.scene import scene
    >>> from paxoskit.worlds.world import World
    >>> text = still(scene(World(servers=3), {}, now=0, speed=1), "one")
    >>> "<script" in text, 'alt="server 1, follower' in text
    (False, True)
    """
    packed = base64.b64encode(svg(scene).encode()).decode()
    mine = f'[data-still="{name}"]'
    return (
        f"<style>.jp-OutputArea-child:has(+ .jp-OutputArea-child > .jp-OutputArea-output > {mine})"
        f":not(:has(.paxoskit-lab)) {{ display: none; }}</style>\n"
        f'<figure class="paxoskit-still" data-still="{name}">'
        f'<img alt="{escape(describe(scene))}" src="data:image/svg+xml;base64,{packed}">'
        f"<figcaption>{SAYS}</figcaption></figure>"
    )
