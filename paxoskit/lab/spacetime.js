// The space-time diagram: a line for each node, time to the right, an arrow for each message (pictures/spacetime.py).
// A click on an event lights what caused it and what it caused; a second one asks what to do with it.

const [STEP, APART, LEFT, TOP, RIGHT] = [46, 92, 118, 46, 40];
/** @type {Record<string, [string, Record<string, any>]>} */
const SHAPES = {
  deliver: ["circle", { class: "mark", r: 6 }],
  ask: ["path", { class: "mark", d: "M-8 7H8L0-8z" }],
  fire: ["path", { class: "mark", d: "M0-9L9 0L0 9L-9 0z" }],
  restart: ["circle", { class: "ring", r: 8 }],
  crash: ["path", { class: "cross", d: "M-8-8L8 8M-8 8L8-8" }],
  cut: ["path", { class: "cross", d: "M-5-9V9M5-9V9" }],
  mend: ["path", { class: "ring", d: "M-5-9V9M5-9V9" }],
  duplicate: ["path", { class: "ring", d: "M-4-8L5 0L-4 8" }],
};

/** The numbers of all events that `n` follows from, and of all that follow from it: the way there is along arrows and
 * along each node's own line.
 * @param {any} diagram @param {number} n @returns {{causes: Set<number>, effects: Set<number>}} */
function lightCone(diagram, n) {
  /** @type {Map<number, number[]>} */
  const before = new Map(),
    after = new Map();
  /** @param {number} from @param {number} to */
  const link = (from, to) => {
    before.set(to, [...(before.get(to) ?? []), from]);
    after.set(from, [...(after.get(from) ?? []), to]);
  };
  /** @type {Map<number, number>} */
  const latest = new Map();
  for (const event of diagram.events) {
    if (latest.has(event.line)) link(/** @type {number} */ (latest.get(event.line)), event.n);
    latest.set(event.line, event.n);
  }
  for (const arrow of diagram.arrows)
    if (arrow.deliver && arrow.deliver !== arrow.cause) link(arrow.cause, arrow.deliver);
  /** @param {Map<number, number[]>} next */
  const reach = (next) => {
    const found = new Set(/** @type {number[]} */ ([])),
      todo = [n];
    while (todo.length)
      for (const to of next.get(/** @type {number} */ (todo.pop())) ?? [])
        if (!found.has(to)) (found.add(to), todo.push(to));
    return found;
  };
  return { causes: reach(before), effects: reach(after) };
}

/** The diagram that what is new makes of an old one; see news.py, which has the same function and says more.
 * @param {any} old @param {any} fresh @returns {any} */
function patched(old, fresh) {
  const { events: newEvents, arrows: newArrows, gone, ended, from: _, ...rest } = fresh;
  /** @param {any[]} had @param {any[]} come @param {number[]} lost */
  const merged = (had, come, lost) => {
    const things = new Map([...had, ...come].map((thing) => [thing.n, thing]));
    for (const n of lost) things.delete(n);
    return [...things.values()].sort((one, other) => one.n - other.n);
  };
  const events = merged(old.events, newEvents, gone).map((event, x) => ({ ...event, x }));
  const places = new Map(events.map(({ n, x }) => [n, x]));
  const arrows = merged(old.arrows, newArrows, ended).map((arrow) => ({
    ...arrow,
    from: [places.get(arrow.cause) ?? -1, arrow.from[1]],
    to: arrow.to && [places.get(arrow.deliver) ?? events.length, arrow.to[1]],
  }));
  return { ...old, ...rest, events, arrows };
}

const placeX = (/** @type {number} */ x) => LEFT + STEP * (x + 0.6);
const placeY = (/** @type {number} */ line) => TOP + APART * line;

/** The way of an arrow as a curve: it bends around what is another's, and what is lost ends between two lines
 * (the same as in pictures/spacetime.py). @param {any} arrow */
function wayOf(arrow) {
  const [from, line] = arrow.from;
  const [to, goal] = arrow.to ?? [from + 1.2, line];
  const lines = Math.abs(goal - line),
    share = arrow.lost && arrow.to ? (Math.floor(lines / 2) + 0.5) / lines : 1;
  const begin = [placeX(from), placeY(line)],
    end = [placeX(to + (arrow.to && to === from ? 1 : 0)), placeY(goal)];
  const pull = [(begin[0] + end[0]) / 2 + STEP * (arrow.bend ?? 0), (begin[1] + end[1]) / 2];
  const first = between(begin, pull, share);
  return [begin, first, between(first, between(pull, end, share), share)];
}

/** @param {number[]} a @param {number[]} b @param {number} share */
const between = (a, b, share) => [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];

/** @param {number[]} a @param {number[]} b  from a to b */
const direction = (a, b) => {
  const long = Math.max(1, Math.hypot(b[0] - a[0], b[1] - a[1]));
  return [(b[0] - a[0]) / long, (b[1] - a[1]) / long];
};

/** The text twin: one sentence an event. @param {any} diagram @returns {string[]} */
const diagramSays = (diagram) =>
  (diagram.events ?? []).map(
    (/** @type {any} */ event) =>
      `${event.n}: ${event.says}${event.decided ? `; block ${event.decided} is decided here` : ""}`,
  );

/** @param {Lab} lab @param {HTMLElement} parent */
function spacetimePanel(lab, parent) {
  const bar = html(parent, "div", { class: "tools", role: "toolbar", "aria-label": "what the diagram shows" });
  const frame = html(parent, "div", {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "space-time diagram, scrolls",
  });
  const picture = make(frame, "svg", { class: "spacetime", role: "group", "aria-label": "space-time diagram" });
  const caption = html(parent, "p", { class: "caption", "aria-live": "off" });
  let zoom = 1,
    picked = 0;
  /** @type {boolean | null} */
  let drawn = null; // was it drawn large, when it was drawn last?
  /** @type {any} */
  let diagram = {};
  /** @type {any} */
  let names = null;
  /** @type {Set<number>} */
  const hidden = new Set();
  /** @type {Set<string>} */
  const kinds = new Set();

  pushButton(bar, "− zoom", () => setZoom(zoom / 1.25), { "aria-label": "zoom out" });
  pushButton(bar, "+ zoom", () => setZoom(zoom * 1.25), { "aria-label": "zoom in" });
  const older = pushButton(bar, "◀ older", () => window_(-1));
  const newer = pushButton(bar, "newer ▶", () => window_(1));
  const filters = html(bar, "span", { class: "filters", role: "group", "aria-label": "filters" });

  /** @param {number} wanted */
  function setZoom(wanted) {
    zoom = Math.min(4, Math.max(0.4, wanted));
    size();
    stick();
  }

  /** Ask for an earlier or a later window; the newest one follows what happens. @param {number} way */
  function window_(way) {
    const { first, last, of } = diagram,
      wide = Math.max(10, last - first);
    if (way < 0) lab.send({ act: "window", first: Math.max(1, first - wide) });
    else lab.send({ act: "window", first: last + wide >= of ? null : last });
  }

  /** What the filters offer: the servers, and the kinds that were ever seen. */
  function drawFilters() {
    const known = [
      ...new Set([...kinds, ...(diagram.arrows ?? []).map((/** @type {any} */ arrow) => arrow.name)]),
    ].sort();
    known.forEach((kind) => kinds.add(kind));
    const servers = (lab.get("scene").nodes ?? [])
      .map((/** @type {SceneNode} */ node) => node.id)
      .filter((/** @type {Name} */ id) => typeof id === "number");
    const as = JSON.stringify([servers, known]);
    if (as === filters.dataset.as) return;
    filters.dataset.as = as;
    filters.replaceChildren();
    for (const server of servers)
      filter(`server ${server}`, !hidden.has(server), (/** @type {boolean} */ on) =>
        on ? hidden.delete(server) : hidden.add(server),
      );
    const select = html(filters, "select", { "aria-label": "kind of message" });
    for (const kind of ["every message", ...known]) html(select, "option", {}, kind);
    select.addEventListener("change", () => sendFilter(select.selectedIndex ? [select.value] : null));
  }

  /** @param {string} text @param {boolean} on @param {(on: boolean) => void} change */
  function filter(text, on, change) {
    const label = html(filters, "label"),
      box = html(label, "input", { type: "checkbox" });
    box.checked = on;
    label.append(` ${text}`);
    box.addEventListener("change", () => (change(box.checked), sendFilter()));
  }

  /** @type {string[] | null} */
  let only = null;
  function sendFilter(kind = only) {
    only = kind;
    const all = lab
      .get("scene")
      .nodes.map((/** @type {SceneNode} */ node) => node.id)
      .filter((/** @type {Name} */ id) => typeof id === "number");
    lab.send({
      act: "filter",
      servers: hidden.size ? all.filter((/** @type {number} */ id) => !hidden.has(id)) : null,
      kinds: only,
    });
  }

  /** @param {any} arrow */
  function drawArrow(arrow) {
    const kind = ["arrow", arrow.quiet && "quiet", arrow.copy && "copy", arrow.lost && "lost", !arrow.to && "flying"]
      .filter(Boolean)
      .join(" ");
    const g = make(picture, "g", {
      class: kind,
      "data-n": arrow.n,
      "data-cause": arrow.cause,
      "data-deliver": arrow.deliver ?? 0,
    });
    make(g, "title", {}, `${arrow.says}${arrow.lost ? ", lost" : arrow.to ? "" : ", in flight"}`);
    const [begin, pull, end] = wayOf(arrow);
    const [leave, [dx, dy]] = [direction(begin, pull), direction(pull, end)];
    const [a, b] = [
      [begin[0] + 8 * leave[0], begin[1] + 8 * leave[1]],
      [end[0] - 8 * dx, end[1] - 8 * dy],
    ];
    make(g, "path", { class: "way", d: `M${a.join(" ")}Q${pull.join(" ")} ${b.join(" ")}` });
    if (arrow.lost)
      make(g, "path", { class: "cross", d: "M-6-6L6 6M-6 6L6-6", transform: `translate(${b.join(" ")})` });
    else if (arrow.to)
      make(g, "path", {
        class: "tip",
        d: `M${b.join(" ")}l${-12 * dx + 5 * dy} ${-12 * dy - 5 * dx}l${-10 * dy} ${10 * dx}z`,
      });
    /** @param {number} share */
    const at = (share) => between(between(a, pull, share), between(pull, b, share), share);
    return { g, at, long: Math.hypot(end[0] - begin[0], end[1] - begin[1]) };
  }

  /** Write the names where there is room: longer arrows first, none over another. @param {any[]} drawnArrows */
  function drawNames(drawnArrows) {
    /** @type {number[][]} */
    const taken = diagram.events.map((/** @type {any} */ event) => [
      placeX(event.x) - 10,
      placeY(event.line) - 12,
      placeX(event.x) + 10,
      placeY(event.line) + 12,
    ]);
    for (const { arrow, g, at, long } of drawnArrows.sort((one, other) => other.long - one.long)) {
      if (arrow.quiet || long < 40) continue;
      const wide = 9.6 * arrow.name.length;
      for (const share of [0.5, 0.35, 0.65, 0.25, 0.75]) {
        const [x, y] = at(share);
        const box = [x - wide / 2, y - 12, x + wide / 2, y + 10];
        if (
          taken.some(([left, top, right, bottom]) => box[0] < right && left < box[2] && box[1] < bottom && top < box[3])
        )
          continue;
        taken.push(box);
        make(g, "text", { class: "name", x, y: y + 5 }, arrow.name);
        break;
      }
    }
  }

  /** @param {any} event */
  function drawEvent(event) {
    const g = make(picture, "g", {
      class: `event ${event.kind}`,
      transform: `translate(${placeX(event.x)} ${placeY(event.line)})`,
      "data-n": event.n,
    });
    g.setAttribute("aria-label", event.says + (event.decided ? `; block ${event.decided} is decided here` : ""));
    make(g, "title", {}, event.says);
    make(g, "circle", { class: "hit", r: 20 });
    if (event.decided) {
      make(g, "rect", { class: "decided", x: -13, y: -13, width: 26, height: 26, rx: 4 });
      make(g, "text", { class: "height", y: 5 }, event.decided);
    } else if (SHAPES[event.kind]) make(g, SHAPES[event.kind][0], SHAPES[event.kind][1]);
    asButton(g, () =>
      picked === event.n ? lab.menu(g, () => eventMenu(event, lab.get("time") ?? {})) : pick(event.n),
    );
    g.describe = () => eventMenu(event, lab.get("time") ?? {});
  }

  function drawLines() {
    make(names, "rect", { class: "paper", width: LEFT - 4, height: TOP * 2 + APART * diagram.lines.length });
    const right = placeX(diagram.events.length) + 6;
    diagram.lines.forEach((/** @type {Name} */ name, /** @type {number} */ line) => {
      make(picture, "line", { class: "life", x1: LEFT, x2: right, y1: placeY(line), y2: placeY(line) });
      make(names, "text", { class: "who", x: LEFT - 12, y: placeY(line) + 6 }, title(name));
    });
    for (const [line, from, to] of diagram.down ?? [])
      make(picture, "line", {
        class: "life down",
        x1: from < 0 ? LEFT : placeX(from),
        x2: to === null ? right : placeX(to),
        y1: placeY(line),
        y2: placeY(line),
      });
  }

  function size() {
    const wide = LEFT + RIGHT + STEP * Math.max(3, (diagram.events?.length ?? 0) + 1),
      high = TOP * 2 + APART * Math.max(0, (diagram.lines?.length ?? 1) - 1);
    const least = lab.root.classList.contains("lecture") ? 1.45 : 0.85;
    picture.setAttribute("viewBox", `0 0 ${wide} ${high}`);
    picture.style.width = `${least * zoom * wide}px`;
    picture.style.height = `${least * zoom * high}px`;
  }

  function draw() {
    const before = diagram,
      large = lab.root.classList.contains("lecture");
    diagram = lab.get("spacetime") ?? {};
    if (!diagram.events || (diagram === before && large === drawn)) return;
    const end = frame.scrollLeft + frame.clientWidth >= frame.scrollWidth - 30 || drawn === null;
    const had =
      picture.contains(document.activeElement) && Number(/** @type {any} */ (document.activeElement).dataset.n);
    drawn = large;
    picture.replaceChildren();
    names = document.createElementNS("http://www.w3.org/2000/svg", "g");
    drawLines();
    drawNames(diagram.arrows.map((/** @type {any} */ arrow) => ({ arrow, ...drawArrow(arrow) })));
    diagram.events.forEach(drawEvent);
    if (!diagram.events.length) make(picture, "text", { class: "who", x: LEFT + 140, y: TOP - 16 }, "nothing yet");
    picture.append(names);
    size();
    drawFilters();
    disable(older, diagram.first > 1 ? null : "this is the beginning");
    disable(newer, diagram.events.length && diagram.last < diagram.of ? null : "this is the newest");
    light();
    if (had) (picture.querySelector(`.event[data-n="${had}"]`) ?? lab.root).focus({ preventScroll: true });
    if (end) frame.scrollLeft = frame.scrollWidth;
    stick();
  }

  /** The names stay in sight, however far the diagram is scrolled. */
  function stick() {
    const scale = picture.clientWidth / (picture.viewBox.baseVal.width || 1);
    names.setAttribute("transform", `translate(${Math.round(frame.scrollLeft / (scale || 1))} 0)`);
  }
  frame.addEventListener("scroll", stick);

  /** @param {number} n  0: nothing is lit any more */
  function pick(n) {
    picked = n;
    const { first = 1, last = 0, of = 0 } = diagram;
    if (n && (n < first || (n > last && last < of))) lab.send({ act: "window", first: Math.max(1, n - 30) });
    light();
    if (pickedEvent()) lab.say(caption.textContent ?? "");
  }

  /** The event that was picked, or whose turn it belongs to; nothing if it lies outside of the window. */
  const pickedEvent = () =>
    picked < diagram.first ? undefined : diagram.events?.findLast((/** @type {any} */ event) => event.n <= picked);

  /** Light the event that was picked, its causes and its effects; say how many in words. */
  function light() {
    const event = pickedEvent();
    picture.classList.toggle("lit", Boolean(event));
    const stop = event?.n ?? diagram.events?.at(-1)?.n; // where Tab goes
    for (const g of picture.querySelectorAll(".event"))
      g.setAttribute("tabindex", Number(g.dataset.n) === stop ? "0" : "-1");
    if (!event) {
      put(caption, "Click an event to light its causes and its effects; click it again to ask what if.");
      return;
    }
    const { causes, effects } = lightCone(diagram, event.n);
    /** @param {number} n */
    const kind = (n) => (n === event.n ? "picked" : causes.has(n) ? "cause" : effects.has(n) ? "effect" : "");
    for (const g of picture.querySelectorAll(".event")) mark(g, kind(Number(g.dataset.n)));
    for (const g of picture.querySelectorAll(".arrow")) mark(g, arrowKind(g, kind));
    put(caption, `${event.says}: ${causes.size} events here led to it, ${effects.size} followed from it.`);
  }

  /** An arrow is a cause if it leads from a cause to a cause, or to the picked event; an effect if it leaves one.
   * @param {any} arrow @param {(n: number) => string} kind */
  function arrowKind(arrow, kind) {
    const [from, to] = [kind(Number(arrow.dataset.cause)), kind(Number(arrow.dataset.deliver))];
    if (from === "cause" && (to === "cause" || to === "picked")) return "cause";
    return from === "picked" || from === "effect" ? "effect" : "";
  }

  /** @param {Element} g @param {string} kind */
  function mark(g, kind) {
    for (const name of ["picked", "cause", "effect"]) g.classList.toggle(name, name === kind);
  }

  frame.addEventListener("keydown", (/** @type {any} */ event) => {
    const go = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[/** @type {string} */ (event.key)];
    const events = diagram.events ?? [];
    if (event.key === "Escape" && picked) return (event.stopPropagation(), pick(0));
    if (go === undefined || !events.length || event.ctrlKey || event.altKey || event.metaKey) return;
    const at = events.indexOf(pickedEvent());
    const next = events[Math.max(0, Math.min(events.length - 1, at < 0 ? events.length - 1 : at + go))];
    event.preventDefault();
    event.stopPropagation();
    pick(next.n);
    const g = /** @type {any} */ (picture.querySelector(`.event[data-n="${next.n}"]`));
    g.focus({ preventScroll: true });
    g.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  return { draw, pick, picked: () => pickedEvent()?.n ?? 0, says: () => diagramSays(diagram) };
}
