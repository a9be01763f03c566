"""How fast is the lab, seen from the browser, beside an ipympl drawing of the same scene in the same run?

    python3 -m pip install ipympl
    python3 benchmarks/lab.py [--steps 40] [--seconds 5] [--json lab.json]

A real JupyterLab, a real Chromium, one notebook. Two windows on the same seeded run (five servers, three clients, all
asking): the lab, and matplotlib's cluster above its chain (`paxoskit.pictures.movie.figure`) on an ipympl canvas whose
click handler makes the same step and draws again. They are clicked in turn.

* click to picture: from the click to the end of the browser's frame in which the new picture stands. In the lab that is
  the button Step, in ipympl a click on the canvas; both go through the kernel.
* bytes a step: what comes over the websockets for one step, without the space-time diagram and, in the lab, with it.
  Kernel CPU a step: process time of all its threads.
* frames a second: how many of the browser's frames show messages at a new place, while any fly in a live cluster at
  one second a hop; ipympl's kernel moves them and draws again as fast as it can.
* first picture: from running the cell to the first picture; what it imports was imported before.
* idle: process time of the kernel while a live Cluster(5) has its lab open and nobody asks it anything.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, sync_playwright

from paxoskit.cli import environment, find_chromium

SECONDS = 1000
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]

BEGIN = """
%matplotlib ipympl
import threading, time
import matplotlib.pyplot as plt
from paxoskit import Cluster, Lab
from paxoskit.lab.lab import Lab
from paxoskit.pictures.movie import figure
from paxoskit.worlds.simulator import Simulator

def run():
    simulator = Simulator(7, 5)
    simulator.run(100)
    return simulator

lab, other = Lab(run()), Lab(run())  # the second is only stepped, never shown
"""

SHOW_LAB = "lab"

SHOW_IPYMPL = """
def draw():
    with other._session.look() as world:
        figure(world, other._session.did(), figure=drawing)
    drawing.canvas.draw_idle()

def clicked(event):
    other.step()
    draw()

drawing = plt.figure(figsize=(10, 7.5))
drawing.canvas.mpl_connect('button_press_event', clicked)
draw()
plt.show()
"""

BETWEEN = 0.3
"""Seconds from a picture to the next click, as by a quick hand. The lab sends at most 20 pictures a second: a click
that follows the picture at once waits for its turn, and for the browser to end the flight that it draws."""

SHOW_LIVE = """
cluster = Cluster(5, latency=1.0)
live = Lab(cluster)
live
"""

FLY = """
def ask():
    while cluster.running:
        try:
            cluster.put('x', 1, timeout=30)
        except Exception:
            return
for _ in range(3):
    threading.Thread(target=ask, daemon=True).start()
"""

MOVE = """
def move(seconds):
    moved, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        moved += 1
        with other._session.look() as world:
            flying = dict.fromkeys(world.flying, (moved % 20) / 20)
            figure(world, '', flying, drawing)
        drawing.canvas.draw()
        time.sleep(0.001)
"""

WATCH = """
window.repaints = [];
for (const name of ['drawImage', 'putImageData']) {
    const real = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...rest) {
        if (this.canvas.closest?.('.jupyter-matplotlib')) window.repaints.push(performance.now());
        return real.apply(this, rest);
    };
}
"""

STEP = """async () => {
    const root = document.querySelector('.paxoskit-scene'), before = root.dataset.drawn;
    const button = [...root.querySelectorAll('button')].find(button => button.textContent.includes('Step'));
    const begun = performance.now();
    const seen = new Promise((done, fail) => {
        const observer = new MutationObserver(() => root.dataset.drawn !== before && (observer.disconnect(), done()));
        observer.observe(root, {attributes: true, attributeFilter: ['data-drawn']});
        setTimeout(() => fail(new Error('no picture came')), 20000);
    });
    button.click();
    await seen;
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""

CLICK = """async () => {
    const canvas = [...document.querySelectorAll('.jupyter-matplotlib canvas')].at(-1);
    const box = canvas.getBoundingClientRect();
    const at = {bubbles: true, clientX: box.x + 40, clientY: box.y + 40, button: 0};
    window.repaints.length = 0;
    const begun = performance.now();
    for (const kind of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click'])
        canvas.dispatchEvent(new (kind.startsWith('p') ? PointerEvent : MouseEvent)(kind, at));
    while (!window.repaints.some(time => time > begun)) {
        if (performance.now() > begun + 20000) throw new Error('no picture came');
        await new Promise(done => setTimeout(done, 1));
    }
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    return performance.now() - begun;
}"""

FRAMES = """async seconds => {
    const root = [...document.querySelectorAll('.paxoskit-scene')].at(-1);
    const where = () => [...root.querySelectorAll('.message')].map(one => one.getAttribute('transform')).join();
    let frames = 0, moved = 0, flown = 0, before = where(), then = performance.now();
    const end = then + 20000;
    while (flown < 1000 * seconds) {
        await new Promise(requestAnimationFrame);
        const now = where(), time = performance.now();
        if (time > end) throw new Error('too few messages fly');
        if (before && now) {
            frames += 1;
            moved += now !== before;
            flown += time - then;
        }
        [before, then] = [now, time];
    }
    return [1000 * frames / flown, 1000 * moved / flown];
}"""


@contextmanager
def jupyter() -> Iterator[str]:
    """Yield the address of a notebook in a JupyterLab of its own."""
    with tempfile.TemporaryDirectory() as folder:
        book = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
        cells = (BEGIN, SHOW_LAB, SHOW_IPYMPL, SHOW_LIVE)
        book.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in cells]
        nbformat.write(book, Path(folder) / "lab.ipynb")
        token = secrets.token_hex(16)
        own = {f"JUPYTER_{kind}_DIR": str(Path(folder) / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                   "--ServerApp.port=0", f"--ServerApp.root_dir={folder}", f"--IdentityProvider.token={token}",
                   "--LabApp.news_url=None", "--LabApp.expose_app_in_browser=True"]  # fmt: skip
        server = subprocess.Popen(command, cwd=folder, env={**environment(), **own}, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.PIPE, text=True)  # fmt: skip
        try:
            assert server.stderr is not None
            found = next(found for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:[1-9]\d*", line)))
            os.set_blocking(server.stderr.fileno(), False)
            yield f"{found[0]}/lab/tree/lab.ipynb?token={token}"
        finally:
            server.terminate()
            server.wait(20)


class Bench:
    """A notebook that is open in a browser."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.bytes = self.status = 0
        page.add_init_script(WATCH)
        page.on("websocket", lambda socket: socket.on("framereceived", self._count))
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=120 * SECONDS)
        page.locator("#jp-main-statusbar", has_text=re.compile(r"\| Idle")).wait_for(timeout=120 * SECONDS)

    def _count(self, payload: str | bytes) -> None:
        data = payload if isinstance(payload, bytes) else payload.encode()
        self.bytes += len(data)
        self.status += len(data) if b'"execution_state"' in data else 0

    def run(self, number: int, until: str = "") -> float:
        """Run a cell; return the seconds until `until` can be seen (or until it is done)."""
        self.page.locator(".jp-CodeCell").nth(number).locator(".cm-content").evaluate("cell => cell.focus()")
        begun = time.perf_counter()
        self.page.keyboard.press("Control+Enter")
        if until:
            self.page.locator(until).last.wait_for(timeout=60 * SECONDS)
        seconds = time.perf_counter() - begun
        done = self.page.locator(".jp-CodeCell").nth(number).locator(".jp-InputPrompt", has_text=re.compile(r"\[\d"))
        done.wait_for(timeout=60 * SECONDS)
        return seconds

    def ask(self, code: str) -> str:
        """Run code in the kernel, in no cell, and return what it printed."""
        return str(self.page.evaluate("""async code => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({code, silent: false, store_history: false});
            let said = '';
            future.onIOPub = ({header, content}) => {
                if (header.msg_type === 'stream') said += content.text;
                if (header.msg_type === 'error') said += content.traceback.join('\\n');
            };
            await future.done;
            return said;
        }""", code))  # fmt: skip

    def cpu(self) -> float:
        """Return the seconds of processor time that the kernel has taken, all threads together."""
        return float(self.ask("import time; print(time.process_time())"))

    def steps(self, act: str, count: int) -> dict[str, float]:
        """Step so often; return click to picture, bytes a step and kernel CPU a step."""
        self.page.evaluate(act)
        times = []
        before = self.bytes, self.status
        self.cpu()
        asking = self.bytes - before[0], self.status - before[1]  # what asking for the time costs
        cpu_before = self.cpu()
        before = self.bytes, self.status
        for _ in range(count):
            time.sleep(BETWEEN)
            times.append(self.page.evaluate(act))
        time.sleep(0.3)
        cpu = self.cpu() - cpu_before
        received, status = self.bytes - before[0] - asking[0], self.status - before[1] - asking[1]
        times.sort()
        return {
            "click_ms": round(statistics.median(times), 1), "click_p95_ms": round(times[int(0.95 * len(times))], 1),
            "kernel_ms_a_step": round(1000 * cpu / count, 2), "bytes_a_step": round(received / count),
            "status_bytes_a_step": round(status / count),
        }  # fmt: skip


def measure(page: Page, address: str, steps: int, seconds: float) -> dict[str, dict[str, float]]:
    """Return the figures of the lab and of ipympl."""
    bench = Bench(page, address)
    bench.run(0)
    lab: dict[str, float] = {"first_picture_s": round(bench.run(1, ".paxoskit-scene .node"), 2)}
    peer: dict[str, float] = {"first_picture_s": round(bench.run(2, ".jupyter-matplotlib canvas"), 2)}
    rounds = 4
    halves: list[tuple[dict[str, float], dict[str, float]]] = []
    for _ in range(rounds):
        halves.append((bench.steps(STEP, steps // rounds), bench.steps(CLICK, steps // rounds)))
    for figures, one in ((lab, 0), (peer, 1)):
        for name in halves[0][one]:
            figures[name] = round(statistics.median(half[one][name] for half in halves), 2)
    page.locator(".paxoskit-scene").focus()
    page.keyboard.press("4")
    page.locator(".paxoskit-scene .spacetime .event").last.wait_for(timeout=60 * SECONDS)
    lab |= {f"{name}_diagram": figure for name, figure in bench.steps(STEP, steps // 2).items()}
    bench.ask(MOVE)
    page.evaluate("window.repaints.length = 0")
    bench.ask(f"move({seconds})")
    peer["frames_a_second"] = round(page.evaluate("window.repaints.length") / seconds, 1)
    bench.ask("lab.close(); other.close(); plt.close('all')")
    bench.run(3, ".paxoskit-scene .leader")
    before, begun = bench.cpu(), time.perf_counter()
    time.sleep(2 * seconds)
    lab["idle_percent_of_a_core"] = round(100 * (bench.cpu() - before) / (time.perf_counter() - begun), 2)
    bench.ask(FLY)
    page.locator(".paxoskit-scene .message").last.wait_for(timeout=60 * SECONDS)
    shown, moved = page.evaluate(FRAMES, seconds)
    lab |= {"frames_a_second": round(moved, 1), "frames_of_the_browser": round(shown, 1)}
    bench.ask("cluster.stop()")
    return {"lab": lab, "ipympl": peer}


def table(figures: dict[str, dict[str, float]]) -> str:
    """Return the figures as a table in Markdown."""
    names = {
        "first_picture_s": "first picture, s",
        "click_ms": "click to picture, ms, median",
        "click_p95_ms": "click to picture, ms, 95th percentile",
        "kernel_ms_a_step": "kernel CPU a step, ms",
        "bytes_a_step": "bytes a step",
        "status_bytes_a_step": "of them Jupyter's own busy and idle",
        "click_ms_diagram": "with the space-time diagram open: click to picture, ms, median",
        "kernel_ms_a_step_diagram": "kernel CPU a step then, ms",
        "bytes_a_step_diagram": "bytes a step then",
        "frames_a_second": "frames a second in which something moved",
        "frames_of_the_browser": "frames a second of the browser then",
        "idle_percent_of_a_core": "idle, % of a core",
    }
    lab, peer = figures["lab"], figures["ipympl"]
    rows = [f"| {says} | {lab.get(name, '–')} | {peer.get(name, '–')} |" for name, says in names.items()]
    return "\n".join(["| figure | the lab | ipympl |", "|---|---|---|", *rows])


def main() -> int:
    """Measure, print a table, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=40, help="clicks, in four rounds, each way (default 40)")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long frames are counted (default 5)")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    chromium = find_chromium()
    if chromium is None or options.steps < 8 or options.seconds <= 0:
        print("lab.py: expected a Chromium here, --steps of 8 or more, and --seconds above 0", file=sys.stderr)
        return 2
    with jupyter() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        figures: dict[str, Any] = measure(browser.new_page(viewport={"width": 1600, "height": 1200}), address,
                                          options.steps, options.seconds)  # fmt: skip
        browser.close()
    figures["load_average"] = os.getloadavg()[0]
    print(table(figures))
    print(json.dumps(figures))
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
