// The lab as a whole: its panels side by side, the keys, the lecture mode, and what is said to those who do not see it.

/** @type {{name: string, title: string, span: number, shown: boolean}[]} */
const PANELS = [
  { name: "cluster", title: "Cluster", span: 8, shown: true },
  { name: "log", title: "What happened", span: 4, shown: true },
  { name: "chain", title: "Block chain", span: 12, shown: true },
  { name: "spacetime", title: "Space and time", span: 12, shown: false },
  { name: "calls", title: "Clients", span: 4, shown: false },
  { name: "verdict", title: "Claims", span: 4, shown: false },
  { name: "network", title: "Network", span: 8, shown: false },
  { name: "tree", title: "Branches", span: 12, shown: false },
  { name: "inspect", title: "Inspect", span: 4, shown: false },
];
const SPANS = [4, 6, 8, 12];
const TRAITS = ["scene", "nodes", "chain", "log", "time", "spacetime", "news", "network", "inspect", "verdict", "calls"];
const HUSHED = "data-lm-suppress-shortcuts"; // JupyterLab obeys no key that is pressed in an element so marked
const SAY_EVERY = 1500; // milliseconds between two sentences for a screen reader

/** @param {{model: any, el: HTMLElement}} where */
function render({ model, el }) {
  const root = html(el, "div", { class: "paxoskit paxoskit-scene", tabindex: "0", role: "group" });
  root.setAttribute(
    "aria-label",
    "Paxos cluster; Tab to a thing, Enter for what can be done with it, question mark for the keys",
  );
  const still = `[data-still="${model.get("still") ?? ""}"]`; // the picture for the day when this lab is gone: still.py
  // its own output only, and none in which that output lies (that of a button which opened this lab, say)
  const output = `.jp-OutputArea-child:has(> .jp-OutputArea-output > ${still})`;
  html(root, "style", {}, `:is(${still}, ${output}) { display: none; }`);
  /** @type {() => HTMLElement} */
  const stage = () => el.closest(".paxoskit-lab") ?? root;

  /** The scene comes in two parts: who is there changes seldom. */
  const scene = () => ({ nodes: model.get("nodes") ?? [], ...model.get("scene") });

  /** The diagram: sent whole when it is opened, and after that what is new. Who missed something asks for the whole. */
  let diagramNow = model.get("spacetime") ?? {};
  const hearDiagram = () => (diagramNow = model.get("spacetime") ?? {});
  function hearNews() {
    const news = model.get("news");
    if (news.from === diagramNow.version) diagramNow = patched(diagramNow, news);
    else if (news.version !== diagramNow.version && !frameOf("spacetime").section.hidden)
      lab.send({ act: "panel", name: "spacetime", shown: true });
  }
  model.on("change:spacetime", hearDiagram);
  model.on("change:news", hearNews);

  /** @type {Lab} */
  const lab = {
    root,
    get: (trait) => (trait === "scene" ? scene() : trait === "spacetime" ? diagramNow : model.get(trait)),
    send,
    alone: () => alone,
    foretells: () => foretold ?? !root.classList.contains("lecture"),
    menu: (anchor, describe) => menu.show(anchor, describe),
    say,
    inspect,
  };
  const menu = menus(root, (act) => (act.act === "inspect" ? inspect(act) : lab.send(act)));
  const live = html(root, "div", { class: "unseen", role: "status", "aria-live": "polite" });
  const commands = makeCommands();
  const bar = timeBar(lab, root, commands),
    story = narration(lab, root);
  const grid = html(root, "div", { class: "grid" });
  /** @type {Map<string, any>} */
  const frames = new Map(PANELS.map((panel, place) => [panel.name, newFrame(panel, place + 1)]));
  const frameOf = (/** @type {string} */ name) => /** @type {any} */ (frames.get(name));
  const body = (/** @type {string} */ name) => frameOf(name).body;
  const cluster = clusterPanel(lab, body("cluster")),
    chain = chainPanel(lab, body("chain"));
  const diagram = spacetimePanel(lab, body("spacetime")),
    tree = treePanel(lab, body("tree"));
  const inspected = inspectPanel(lab, body("inspect"));
  /** @type {Record<string, {draw: () => void, says?: () => string[]}>} */
  const panels = {
    cluster,
    chain,
    spacetime: diagram,
    tree,
    inspect: inspected,
    log: logPanel(lab, body("log")),
    calls: callsPanel(lab, body("calls")),
    network: networkPanel(lab, body("network")),
    verdict: verdictPanel(lab, body("verdict"), (n) => (showPanel("spacetime", true), diagram.pick(n))),
  };
  const help = helpBox(root);
  let drawn = 0,
    alone = false,
    coming = false,
    inWords = false,
    wanted = "",
    spoken = "",
    fallen = 0,
    chainless = false;
  /** Does the lab say what comes next? Not in a lecture, unless it was asked to: the hall shall predict it.
   * @type {boolean | null} */
  let foretold = null;

  /** A kernel that was started anew knows nothing of this picture: that is said, and nothing else happens.
   * @param {Act} act */
  function send(act) {
    try {
      model.send(act);
    } catch {
      alone = true;
      say(ALONE);
      story.draw();
    }
  }

  // What is said aloud ------------------------------------------------------------------------------------------

  let saying = "";
  const speak = lazily(() => spoken !== saying && put(live, (spoken = saying)), SAY_EVERY);
  /** @param {string} text */
  function say(text) {
    saying = text;
    speak();
  }

  // Panels ------------------------------------------------------------------------------------------------------

  /** @param {typeof PANELS[0]} panel @param {number} number */
  function newFrame({ name, title: heading, span, shown }, number) {
    const section = html(grid, "section", { class: `panel ${name}-panel`, "aria-label": heading, "data-panel": name });
    const head = html(section, "header");
    html(head, "h3", {}, heading);
    const tools = html(head, "span", { class: "panel-tools" });
    pushButton(tools, "←", () => movePanel(name, -1), { "aria-label": `move ${heading} to the left` });
    pushButton(tools, "→", () => movePanel(name, 1), { "aria-label": `move ${heading} to the right` });
    pushButton(tools, "−", () => sizePanel(name, -1), { "aria-label": `make ${heading} narrower` });
    pushButton(tools, "+", () => sizePanel(name, 1), { "aria-label": `make ${heading} wider` });
    pushButton(tools, "✕", () => showPanel(name, false), { "aria-label": `hide ${heading}: key ${number}` });
    const inside = html(section, "div", { class: "panel-body" });
    const words = html(section, "ul", { class: "in-words", "aria-label": `${heading} in words` });
    section.hidden = !shown;
    section.style.setProperty("--span", span);
    return { section, body: inside, words, span };
  }

  /** @param {string} name @param {boolean} [on] */
  function showPanel(name, on) {
    const { section } = frames.get(name),
      had = section.contains(document.activeElement);
    section.hidden = !(on ?? section.hidden);
    if (section.hidden && had) root.focus({ preventScroll: true });
    if (name === "spacetime") lab.send({ act: "panel", name, shown: !section.hidden });
    draw();
    if (!section.hidden) section.scrollIntoView({ block: "nearest" });
    wanted = section.hidden ? "" : name;
  }

  /** @param {string} name @param {number} way */
  function movePanel(name, way) {
    const { section } = frames.get(name),
      active = /** @type {any} */ (document.activeElement);
    const shown = [...grid.children].filter((child) => !(/** @type {any} */ (child).hidden)),
      at = shown.indexOf(section);
    const other = shown[at + way];
    if (!other) return;
    way < 0 ? other.before(section) : other.after(section);
    if (section.contains(active)) active.focus({ preventScroll: true });
  }

  /** @param {string} name @param {number} way */
  function sizePanel(name, way) {
    const frame = frameOf(name);
    frame.span = SPANS[Math.max(0, Math.min(SPANS.length - 1, SPANS.indexOf(frame.span) + way))];
    frame.section.style.setProperty("--span", frame.span);
    draw();
  }

  /** The panel that has the focus, or the first one. */
  const panelHere = () => /** @type {any} */ (document.activeElement?.closest(".panel"))?.dataset.panel ?? "cluster";

  /** @param {Act} act */
  function inspect(act) {
    lab.send(act);
    if (frameOf("inspect").section.hidden) showPanel("inspect", true);
    wanted = "inspect";
  }

  /** What was asked for has come: whoever asked shall see it, wherever the page is scrolled to. */
  const arrived = (/** @type {string} */ name) => () =>
    queueMicrotask(() => {
      if (wanted !== name) return;
      wanted = "";
      frameOf(name).section.scrollIntoView({ block: "nearest" });
    });
  const seenWhenItComes = { inspect: arrived("inspect"), spacetime: arrived("spacetime") };

  // Commands ----------------------------------------------------------------------------------------------------

  /** @returns {Record<string, any>} */
  function makeCommands() {
    const time = () => /** @type {Time} */ (model.get("time") ?? {});
    /** Send what is possible; say why the other is not. @param {string} act @param {string} can */
    const go = (act, can = act) => {
      const reason = (time().can ?? {})[act in (time().can ?? {}) ? act : can];
      reason ? say(`${act}: ${reason}`) : lab.send({ act });
    };
    return {
      step: () => go("step"),
      back: () => go("back"),
      round: () => go("round", "step"),
      decision: () => go("decision", "step"),
      forward: () => go("forward"),
      again: () => go("again"),
      pause: () => go((time().mode ?? "live") === "live" ? "pause" : "resume"),
      quiet: () => lab.send({ act: "quiet", on: !time().quiet }),
      faster: () => lab.send({ act: "speed", factor: 1.5 }),
      slower: () => lab.send({ act: "speed", factor: 1 / 1.5 }),
      whatIf: () =>
        diagram.picked()
          ? lab.send({ act: "what_if", event: diagram.picked() })
          : say("what if: pick an event in the space-time diagram first"),
      foretell: () => ((foretold = !lab.foretells()), draw()),
      lecture: () => lecture(!root.classList.contains("lecture")),
      help: () => help.show(!help.isOpen()),
      words: () => ((inWords = !inWords), root.classList.toggle("show-words", inWords), draw()),
      panels: () => menu.show(root.querySelector(".panels-button") ?? root, panelMenu),
      panel: (/** @type {string} */ key) => showPanel(PANELS[Number(key) - 1].name),
      move: (/** @type {string} */ key) => movePanel(panelHere(), key === "[" ? -1 : 1),
      size: (/** @type {string} */ key) => sizePanel(panelHere(), key === "{" ? -1 : 1),
      escape,
    };
  }

  /** @returns {MenuContent} */
  function panelMenu() {
    const items = PANELS.map(({ name, title: heading }, place) => ({
      label: `${frameOf(name).section.hidden ? "Show" : "Hide"} ${heading}`,
      key: String(place + 1),
      run: () => showPanel(name),
    }));
    return { title: "Panels", items };
  }

  function escape() {
    if (help.isOpen()) help.show(false);
    else if (root.classList.contains("lecture")) lecture(false);
  }

  /** The lecture mode fills the window, above all else in the page. @param {boolean} on */
  function lecture(on) {
    const top = /** @type {any} */ (stage());
    for (const element of [root, top]) element.classList.toggle("lecture", on);
    if (on) {
      top.setAttribute("popover", "manual");
      top.showPopover?.();
    } else if (top.hasAttribute("popover")) {
      top.hidePopover?.();
      top.removeAttribute("popover");
    }
    root.focus({ preventScroll: true });
    draw();
  }

  // Keys --------------------------------------------------------------------------------------------------------

  /** No key that is pressed in the lab, its controls included, is a shortcut of JupyterLab's ("d d" deletes the cell).
   * @param {any} event */
  function onKey(event) {
    if (isShortcut(event)) return;
    event.stopPropagation();
    const { key, target } = event;
    if (isModified(event) || takesKeys(target) || isPress(target, key)) return;
    const thing = target.closest?.("[aria-haspopup]")?.describe?.() ?? target.describe?.();
    const item = thing && itemFor(thing, key);
    const command = item ? null : commandOf(key);
    if (!item && !command) return;
    event.preventDefault();
    if (event.repeat) return;
    if (item)
      item.reason
        ? say(`${item.label}: ${item.reason}`)
        : item.act?.act === "inspect"
          ? inspect(item.act)
          : item.act && lab.send(item.act);
    else commands[/** @type {string} */ (command)](key);
  }

  // JupyterLab looks at the very element that has the focus first, so each gets the mark as soon as it has it.
  const hush = (/** @type {any} */ { target }) => target.setAttribute(HUSHED, "true");

  /** For a shortcut of JupyterLab's own the mark is taken off, before JupyterLab hears the key; and a field of
   * ipywidgets, which stops all keys, must not stop this one. The next plain key finds the mark there again.
   * @param {any} event */
  function letThrough(event) {
    const { target } = event;
    if (!(root.contains(target) || around?.contains(target))) return;
    if (!isShortcut(event)) return hush(event);
    event.stopPropagation = () => {};
    target.removeAttribute(HUSHED);
  }
  window.addEventListener("keydown", letThrough, true);
  for (const [name, act] of /** @type {[string, any][]} */ ([
    ["keydown", onKey],
    ["focusin", hush],
  ]))
    root.addEventListener(name, act);
  /** @type {HTMLElement | null} */
  let around = null;
  const hushControls = requestAnimationFrame(() => {
    around = el.closest(".paxoskit-lab");
    around?.addEventListener("keydown", onKey);
    around?.addEventListener("focusin", hush);
  });

  // Drawing -----------------------------------------------------------------------------------------------------

  function draw() {
    if (document.hidden || !scene().nodes.length) return; // drawn when the page is looked at again
    hideNoChain();
    bar.draw();
    story.draw();
    alarm();
    for (const [name, panel] of Object.entries(panels)) if (!frameOf(name).section.hidden) panel.draw();
    menu.update();
    writeWords();
    root.dataset.drawn = String(++drawn);
  }

  /** Where nobody keeps a chain its panel is hidden; its key shows it all the same. */
  function hideNoChain() {
    const absent = Boolean(model.get("chain")?.absent);
    if (absent !== chainless) frameOf("chain").section.hidden = absent;
    chainless = absent;
  }

  /** A claim that falls is shown at once, whatever panels there are; one that falls after it is said. */
  function alarm() {
    const broken = brokenOf(model.get("verdict") ?? {});
    const news = broken.slice(fallen).map(({ claim, reason }) => `“${claim}” is broken: ${reason}`);
    if (news.length) say(news.join("; "));
    if (news.length && !fallen) frameOf("verdict").section.hidden = false;
    fallen = broken.length;
  }

  const writeWords = lazily(() => {
    for (const [name, { says }] of Object.entries(panels)) {
      const { section, words } = frameOf(name);
      if (!says || section.hidden) continue;
      const lines = says();
      if (JSON.stringify(lines) === words.dataset.as) continue;
      words.dataset.as = JSON.stringify(lines);
      words.replaceChildren();
      for (const line of lines) html(words, "li", {}, line);
    }
  }, 400);

  /** Draw once for all that comes in one message. */
  const soon = () => {
    if (!coming) queueMicrotask(() => ((coming = false), draw()));
    coming = true;
  };
  const tell = () => {
    const text = model.get("time")?.did || (model.get("log") ?? [])[0];
    if (text) say(text);
  };
  for (const trait of TRAITS) model.on(`change:${trait}`, soon);
  for (const trait of ["time", "log"]) model.on(`change:${trait}`, tell);
  for (const [trait, act] of Object.entries(seenWhenItComes)) model.on(`change:${trait}`, act);
  document.addEventListener("visibilitychange", draw);
  let width = 0;
  const watcher = new ResizeObserver(
    ([{ contentRect }]) => contentRect.width !== width && ((width = contentRect.width), soon()),
  );
  watcher.observe(root);
  draw();

  return () => {
    for (const trait of TRAITS) model.off(`change:${trait}`, soon);
    for (const trait of ["time", "log"]) model.off(`change:${trait}`, tell);
    for (const [trait, act] of Object.entries(seenWhenItComes)) model.off(`change:${trait}`, act);
    model.off("change:spacetime", hearDiagram);
    model.off("change:news", hearNews);
    document.removeEventListener("visibilitychange", draw);
    around?.removeEventListener("keydown", onKey);
    around?.removeEventListener("focusin", hush);
    window.removeEventListener("keydown", letThrough, true);
    watcher.disconnect();
    speak.stop();
    writeWords.stop();
    menu.stop();
    cluster.stop();
    chain.stop();
    cancelAnimationFrame(hushControls);
  };
}

export default { render };
