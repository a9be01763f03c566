// Time: the bar with one button a way to go on, what just happened and what comes next, and the tree of branches.

/** The ways through time: what each sends, its words, and the name of its reason in `time.can`. */
const WAYS = [
  { act: "back", text: "◀ Back", tip: "one step back" },
  { act: "step", text: "Step ▶", tip: "let what is due next happen" },
  { act: "round", text: "Round", tip: "let all messages of the next kind arrive", can: "step" },
  { act: "decision", text: "Decision", tip: "go on until a block is decided", can: "step" },
  { act: "forward", text: "Forward", tip: "again what was stepped back over" },
  { act: "again", text: "Again", tip: "begin the scene again" },
];

/** Where in time the picture is, in a few words. @param {Time} time */
function whenSays({ mode, moment = 0, count = 0, branch, branches = [] }) {
  if (mode === "live") return "● live";
  const name = branches.length > 1 ? `, ${branches.find(({ id }) => id === branch)?.name ?? "branch"}` : "";
  return `${mode === "view" ? "recording" : "‖ paused"}: ${moment} of ${count}${name}`;
}

/** @param {Lab} lab @param {HTMLElement} parent
 * @param {Record<string, () => void>} commands  what the other buttons do */
function timeBar(lab, parent, commands) {
  const bar = html(parent, "div", { class: "timebar", role: "toolbar", "aria-label": "time" });
  const pause = pushButton(bar, "‖ Pause", () => lab.send({ act: live() ? "pause" : "resume" }), { class: "main" });
  const ways = WAYS.map((way) => pushButton(bar, way.text, () => lab.send({ act: way.act })));
  const quiet = pushButton(bar, "Heartbeats", () => lab.send({ act: "quiet", on: !lab.get("time")?.quiet }), {
    "aria-pressed": "false",
  });
  pushButton(bar, "− Speed", commands.slower, { title: "slower: key −" });
  pushButton(bar, "+ Speed", commands.faster, { title: "faster: key +" });
  pushButton(bar, "Panels", commands.panels, { "aria-haspopup": "menu", class: "panels-button" });
  pushButton(bar, "Lecture", commands.lecture, { title: "large, for a lecture hall: key l", class: "lecture-button" });
  pushButton(bar, "? Keys", commands.help, { title: "all keys: key ?" });
  const live = () => (lab.get("time")?.mode ?? "live") === "live";
  return {
    draw() {
      const time = /** @type {Time} */ (lab.get("time") ?? {}),
        can = time.can ?? {};
      put(pause, live() ? "‖ Pause" : "▶ Resume");
      disable(
        pause,
        can[live() ? "pause" : "resume"],
        `${live() ? "time stands still" : "the threads go on from here"}: key p`,
      );
      WAYS.forEach(({ act, tip, can: name = act }, place) =>
        disable(ways[place], act in can ? can[act] : can[name], tip),
      );
      quiet.setAttribute("aria-pressed", String(Boolean(time.quiet)));
      quiet.title = time.quiet ? "heartbeats are steps too: key q" : "heartbeats are stepped over: key q";
    },
  };
}

const ALONE = "The kernel of this picture is gone: run its cell again.";

/** What just happened, what comes next, where in time this is, and the verdict.
 * @param {Lab} lab @param {HTMLElement} parent */
function narration(lab, parent) {
  const line = html(parent, "div", { class: "narration" });
  const words = html(line, "div", { class: "words" });
  const did = html(words, "p", { class: "did" }),
    found = html(words, "p", { class: "found" }),
    next = html(words, "p", { class: "next" });
  const chips = html(line, "div", { class: "chips" });
  const when = html(chips, "span", { class: "chip when" }),
    verdict = html(chips, "span", { class: "chip" });
  return {
    draw() {
      const time = /** @type {Time} */ (lab.get("time") ?? {}),
        claims = lab.get("verdict") ?? {};
      put(did, lab.alone() ? ALONE : time.did || (lab.get("log") ?? [])[0] || "nothing happened yet");
      put(found, time.found ? `✗ ${time.found}` : "");
      put(next, time.mode !== "live" && time.next && lab.foretells() ? `next: ${time.next}` : "");
      put(when, whenSays(time));
      when.classList.toggle("live", (time.mode ?? "live") === "live");
      put(verdict, time.found ? "✗ found" : verdictSays(claims));
      verdict.title = time.found || reasonsOf(claims);
      verdict.className = `chip ${time.found ? "broken" : verdictKind(claims)}`;
    },
  };
}

/** Where each branch is drawn: its row, from its parent's row, and from where to where (in moments).
 * @param {Branch[]} branches */
function treeOf(branches) {
  /** @type {Map<number, number>} */
  const rows = new Map(branches.map(({ id }, row) => [id, row]));
  return branches.map((branch) => {
    const at = branch.parent === null || branch.parent === undefined ? 0 : branch.at;
    return {
      ...branch,
      row: rows.get(branch.id) ?? 0,
      above: rows.get(/** @type {number} */ (branch.parent)) ?? null,
      at,
      end: Math.max(at, branch.length),
    };
  });
}

/** The tree of branches: a click goes there. @param {Lab} lab @param {HTMLElement} parent */
function treePanel(lab, parent) {
  const slider = html(parent, "input", { type: "range", min: 0, "aria-label": "moment", class: "moment" });
  const picture = make(parent, "svg", { class: "tree", role: "group", "aria-label": "branches" });
  const naming = html(parent, "label", { class: "naming" }, "this branch is called ");
  const name = html(naming, "input", { type: "text", maxlength: 60 });
  const note = html(parent, "p", { class: "soft" });
  /** @type {Time} */
  let time = {};
  let drawn = "";
  slider.addEventListener("change", () => lab.send({ act: "goto", moment: Number(slider.value) }));
  name.addEventListener(
    "change",
    () => name.value.trim() && lab.send({ act: "name", branch: time.branch, name: name.value.trim() }),
  );

  /** @param {any} branch @param {(moment: number) => number} x */
  function drawBranch(branch, x) {
    const y = 26 + 46 * branch.row,
      from = branch.above === null ? y : 26 + 46 * branch.above;
    const g = make(picture, "g", { class: branch.id === time.branch ? "branch here" : "branch" });
    g.setAttribute(
      "aria-label",
      `branch ${branch.name}, ${branch.length} steps${branch.id === time.branch ? ", shown" : ""}`,
    );
    make(g, "path", { class: "hit", d: `M${x(branch.at)} ${y}H${x(branch.end) + 20}` });
    make(g, "path", { class: "limb", d: `M${x(branch.at)} ${from}V${y}H${x(branch.end)}` });
    make(g, "circle", { class: "end", cx: x(branch.end), cy: y, r: 5 });
    make(
      g,
      "text",
      { class: "name", x: x(branch.end) + 14, y: y + 6 },
      branch.name.length > 34 ? `${branch.name.slice(0, 33)}…` : branch.name,
    );
    const moment = branch.id === time.branch ? time.moment : branch.end;
    asButton(g, () => lab.send({ act: "goto", moment, branch: branch.id }));
  }

  return {
    draw() {
      time = lab.get("time") ?? {};
      const { branches = [], moment = 0, count = 0, mode } = time,
        as = JSON.stringify([branches, moment, count, mode, time.branch, time.checkpoint]);
      if (as === drawn) return;
      drawn = as;
      slider.max = count;
      if (document.activeElement !== slider) slider.value = moment;
      slider.setAttribute("aria-valuetext", `step ${moment} of ${count}`);
      slider.disabled = mode === "live";
      const had = picture.contains(document.activeElement);
      picture.replaceChildren();
      const tree = treeOf(branches),
        long = Math.max(1, ...tree.map(({ end }) => end));
      const x = (/** @type {number} */ at) => 16 + 480 * (at / long),
        high = 46 * Math.max(1, tree.length) + 10;
      picture.setAttribute("viewBox", `0 0 880 ${high}`);
      picture.style.display = tree.length ? "" : "none";
      tree.forEach((branch) => drawBranch(branch, x));
      const here = tree.find(({ id }) => id === time.branch);
      if (here && mode !== "live")
        make(picture, "path", {
          class: "now",
          d: "M-9-20H9L0-7z",
          transform: `translate(${x(moment)} ${26 + 46 * here.row})`,
        });
      naming.style.display = here && mode !== "live" ? "" : "none";
      if (here && document.activeElement !== name) name.value = here.name;
      put(
        note,
        mode === "live"
          ? "Time goes by; pause to go back, to branch, to ask what if."
          : time.checkpoint
            ? `Back reaches to event ${time.checkpoint}, the last checkpoint.`
            : "",
      );
      if (had) lab.root.focus({ preventScroll: true });
    },
    says: () =>
      (lab.get("time")?.branches ?? []).map(
        (/** @type {Branch} */ branch) =>
          `branch ${branch.name}: ${branch.length} steps${branch.parent === null ? "" : `, from step ${branch.at} on`}`,
      ),
  };
}
