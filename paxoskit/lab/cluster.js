// The cluster: servers, clients, links, and messages that fly. Everything in it can be clicked, and reached by Tab.

/** Where a message begins and ends: just outside the rims, or its label would take the clicks meant for a node.
 * @param {SceneNode} a @param {SceneNode} b @param {number} wide @param {number} radius */
function way(a, b, wide, radius) {
  const length = Math.max(1, Math.hypot(b.x - a.x, b.y - a.y));
  const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length];
  const label = (wide / 4) * Math.abs(dx) + 7 * Math.abs(dy); // half of what the label reaches along the way
  let [start, end] = [a, b].map((node) => label + (node.role === "client" ? 50 : radius + 8));
  if (start + end > length) start = end = length / 2;
  return [a.x + start * dx - 9 * dy, a.y + start * dy + 9 * dx, b.x - end * dx - 9 * dy, b.y - end * dy + 9 * dx];
}

/** @param {Name} a @param {Name} b @param {boolean} cut @param {boolean} back */
function linkSays(a, b, cut, back) {
  const one = cut ? [a, b] : [b, a];
  const state = cut && back ? "cut both ways" : cut || back ? `cut from ${title(one[0])} to ${title(one[1])}` : "up";
  return `link between ${title(a)} and ${title(b)}, ${state}`;
}

/** @param {SceneNode} node */
const nodeSays = ({ id, role, says = "" }) =>
  role === "client" ? String(id) : [title(id), role, ...says.split(" · ")].filter(Boolean).join(", ");

/** The lines that stand below a server: a long one in two, where there is room. @param {SceneNode} node
 * @param {number} radius @returns {string[]} */
const tagLines = ({ says = "" }, radius) => (says.length > 24 && radius > 50 ? says.split(" · ").slice(0, 2) : [says]);

/** @param {Message} message */
const messageSays = ({ name, says, from, to, held }) =>
  `${says ?? name} from ${title(from)} to ${title(to)}${held ? ", held back" : ""}`;

/** What stands on a message. @param {Message} message */
const messageLabel = ({ name, held }) => (held ? `‖ ${name}` : name);

/** The links that are drawn: all between servers, and a client's where it is cut. @param {Scene} scene */
function pairsOf(scene) {
  const cut = new Set(scene.cut.map((link) => link.join()));
  return scene.nodes
    .flatMap((a, place) =>
      scene.nodes
        .slice(place + 1)
        .map((b) => ({ a, b, cut: cut.has(`${a.id},${b.id}`), back: cut.has(`${b.id},${a.id}`) })),
    )
    .filter(({ a, b, cut, back }) => (a.role !== "client" && b.role !== "client") || cut || back);
}

/** Where the middle of each message is at world time `now`, by its number. While the world stands still, a message
 * steps aside until its label covers no other: each can be read, and clicked. (The same as spots in scene.py.)
 * @param {Scene} scene @param {number} now @param {number} [halfWay]  where all messages stand, if nothing shall move
 * @returns {Map<number, number[]>} */
function spotsOf(scene, now, halfWay) {
  const nodes = new Map(scene.nodes.map((node) => [node.id, node]));
  const taken = /** @type {number[][]} */ ([]),
    found = new Map();
  for (const message of scene.messages) {
    const { id, from, to, sent, due, quiet } = message,
      wide = quiet ? 10 : tagWidth(messageLabel(message), BOLD);
    const path = way(
      /** @type {SceneNode} */ (nodes.get(from)),
      /** @type {SceneNode} */ (nodes.get(to)),
      wide,
      scene.radius,
    );
    const done = halfWay ?? (due > sent ? Math.min(1, Math.max(0, (now - sent) / (due - sent))) : 1);
    const spot = scene.speed || quiet ? along(path, done) : freeSpot(path, done, wide / 2, scene, taken);
    if (!quiet) taken.push([...spot, wide / 2]);
    found.set(id, spot);
  }
  return found;
}

const SIDES = [
  [0, 0],
  [0, 28],
  [0, -28],
  [0, 56],
  [0, -56],
  [60, 0],
  [-60, 0],
  [60, 28],
  [-60, 28],
  [60, -28],
  [-60, -28],
  [0, 84],
  [0, -84],
  [90, 56],
  [-90, 56],
  [90, -56],
  [-90, -56],
  [0, 112],
  [0, -112],
];
/** How far a message steps aside (to the right and downward), and along its way: the nearest first. */
const ASIDE = SIDES.flatMap((side) =>
  Array.from({ length: 9 }, (_, shift) => [
    [...side, shift / 8],
    [...side, -shift / 8],
  ]).flat(),
);

/** @param {number[]} path @param {number} done */
const along = ([x1, y1, x2, y2], done) => [x1 + done * (x2 - x1), y1 + done * (y2 - y1)];

/** The nearest place where the label covers no other and no node; if there is none, no other.
 * @param {number[]} path @param {number} done @param {number} half @param {Scene} scene @param {number[][]} taken */
function freeSpot(path, done, half, scene, taken) {
  let free = null;
  for (const [right, down, shift] of ASIDE) {
    const [x0, y0] = along(path, done + shift),
      [x, y] = [x0 + right, y0 + down];
    const outside = done + shift < 0 || done + shift > 1;
    if (outside || taken.some(([a, b, other]) => Math.abs(x - a) < half + other && Math.abs(y - b) < 27)) continue;
    if (!coversANode(x, y, half, scene)) return [x, y];
    free ??= [x, y];
  }
  return free ?? along(path, done);
}

/** Does a label cover a node, or leave the picture?
 * @param {number} x @param {number} y @param {number} half @param {Scene} scene */
function coversANode(x, y, half, { radius, box, nodes }) {
  if (!(y > 13 && y < HEIGHT - 13)) return true;
  return nodes.some((node) => {
    const [dx, dy] = [Math.max(0, Math.abs(x - node.x) - half), Math.max(0, Math.abs(y - node.y) - 13)];
    if (node.role === "client") return dx < 46 && dy < box;
    if (dx * dx + dy * dy < radius ** 2) return true;
    const lines = tagLines(node, radius),
      top = node.y + radius + 2;
    const wide = Math.max(...lines.map((line) => tagWidth(line)));
    const beside = Math.abs(x - node.x) >= half + wide / 2;
    return Boolean(node.says) && !beside && y > top - 13 && y < top + 6 + 22 * lines.length + 13;
  });
}

/** The text twin: the picture in sentences. @param {Scene} scene @returns {string[]} */
function clusterSays(scene) {
  return [
    ...scene.nodes.map((node) => nodeSays(node) + (node.timers?.length ? `; runs ${node.timers.join(", ")}` : "")),
    ...pairsOf(scene)
      .filter(({ cut, back }) => cut || back)
      .map(({ a, b, cut, back }) => linkSays(a.id, b.id, cut, back)),
    ...scene.messages.map(messageSays),
  ];
}

const GLIDE = 250; // milliseconds that a standing world's message takes to its new place

/** @param {Lab} lab @param {HTMLElement} parent */
function clusterPanel(lab, parent) {
  const picture = make(parent, "svg", {
    class: "cluster",
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "group",
    "aria-label": "servers, links and messages",
  });
  const layers = ["links", "heartbeats", "labels", "messages", "nodes"].map((name) => make(picture, "g", { class: name }));
  const note = make(picture, "text", { class: "note first", x: 8, y: 24 });
  const [nodes, links, messages] = [new Map(), new Map(), new Map()];
  /** @type {Scene} */
  let scene;
  /** @type {Map<number, number[]> | null} */
  let still = null;
  let base = -Infinity,
    speed = 0,
    waiting = 0,
    moved = 0;

  /** @returns {Time} */
  const time = () => lab.get("time") ?? {};
  // The world's clock, as seen from here. A scene can only be late, so the least late one is right.
  const world = () => base + performance.now() * speed;
  function setClock() {
    const { at = 0, speed: newSpeed = 0 } = lab.get("scene") ?? {};
    const here = at - performance.now() * newSpeed;
    base = newSpeed !== speed || Math.abs(here - base) > 400 * newSpeed ? here : Math.max(base, here);
    speed = newSpeed;
  }

  /** @param {any} element @param {() => MenuContent | null} describe */
  function withMenu(element, describe) {
    element.describe = describe;
    element.setAttribute("aria-haspopup", "menu");
    asButton(element, () => lab.menu(element, describe));
  }

  /** @param {SceneNode} node */
  function newNode({ id, role }) {
    const g = make(layers[4], "g");
    if (role === "client") {
      const face = (g.face = make(g, "g", { role: "img" }));
      make(face, "rect", { class: "body", x: -46, y: -scene.box, width: 92, height: 2 * scene.box, rx: 10 });
      make(face, "text", { y: 6 }, id);
      g.clock = newClock(g, id, 44, -scene.box);
      return g;
    }
    const r = scene.radius,
      d = Math.round(r * 0.68);
    const face = (g.face = make(g, "g", { class: "face" }));
    make(face, "circle", { class: "rim", r: r + 6 });
    make(face, "circle", { class: "body", r });
    make(face, "path", { class: "cross", d: `M-${d}-${d}L${d} ${d}M-${d} ${d}L${d}-${d}` });
    make(face, "text", { class: "number", y: -4 }, id);
    g.role_ = make(face, "text", { y: 20 });
    g.label = make(layers[2], "g", { class: "label" }); // messages fly above it, and below the server itself
    g.tag = make(g.label, "rect", { class: "tag", y: r + 2, rx: 14 });
    g.says = [0, 1].map((line) => make(g.label, "text", { y: r + 22 + 22 * line }));
    withMenu(face, () => {
      const node = nodeOf(id);
      return node && serverMenu(node, time());
    });
    const at = Math.round(r * 0.8);
    g.clock = newClock(g, id, at, -at);
    return g;
  }

  /** A small clock beside a node whose timers run.
   * @param {Element} g @param {Name} id @param {number} x @param {number} y */
  function newClock(g, id, x, y) {
    const clock = make(g, "g", { class: "clock", transform: `translate(${x} ${y})` });
    make(clock, "circle", { class: "hit", r: 17 });
    make(clock, "circle", { class: "dial", r: 12 });
    make(clock, "path", { class: "hand", d: "M0-8V0L5 4" });
    withMenu(clock, () => {
      const node = nodeOf(id);
      return node?.timers?.length ? timerMenu(node, time()) : null;
    });
    return clock;
  }

  /** @param {Name} id */
  const nodeOf = (id) => scene.nodes.find((node) => node.id === id) ?? null;

  /** @param {any} g @param {SceneNode} node */
  function changeNode(g, node) {
    const { id, x, y, role, says = "", timers = [] } = node;
    g.setAttribute("class", `node ${role}`);
    g.setAttribute("transform", `translate(${x} ${y})`);
    g.face.setAttribute("aria-label", nodeSays(node));
    g.clock.style.display = timers.length ? "" : "none";
    g.clock.setAttribute("aria-label", `timers of ${title(id)}: ${timers.join(", ")}`);
    if (role === "client") return;
    g.label.setAttribute("transform", `translate(${x} ${y})`);
    put(g.role_, role);
    const lines = tagLines(node, scene.radius),
      wide = Math.max(...lines.map((line) => tagWidth(line)));
    g.says.forEach((/** @type {any} */ text, /** @type {number} */ line) => put(text, lines[line] ?? ""));
    g.label.style.display = says ? "" : "none";
    g.tag.setAttribute("height", 6 + 22 * lines.length);
    g.tag.setAttribute("width", wide);
    g.tag.setAttribute("x", -wide / 2);
  }

  /** @param {{a: SceneNode, b: SceneNode}} link */
  function newLink({ a, b }) {
    const g = make(layers[0], "g", { class: "link" });
    withMenu(g, () => linkMenu(a.id, b.id, g.cut, g.back, time()));
    return g;
  }

  /** @param {any} g @param {{a: SceneNode, b: SceneNode, cut: boolean, back: boolean}} link */
  function changeLink(g, { a, b, cut, back }) {
    const as = [a.x, a.y, b.x, b.y, cut, back].join();
    if (g.as === as) return;
    Object.assign(g, { as, cut, back });
    g.replaceChildren();
    const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    for (const [end, isCut] of /** @type {[SceneNode, boolean][]} */ ([
      [b, cut],
      [a, back],
    ]))
      make(g, "line", { class: isCut ? "half cut" : "half", x1: x, y1: y, x2: end.x, y2: end.y });
    for (const [end, isCut] of /** @type {[SceneNode, boolean][]} */ ([
      [b, cut],
      [a, back],
    ]))
      if (isCut)
        make(g, "path", {
          class: "cross",
          d: "M-8-8L8 8M-8 8L8-8",
          transform: `translate(${x + 0.16 * (end.x - x)} ${y + 0.16 * (end.y - y)})`,
        });
    make(g, "line", { class: "hit", x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    g.setAttribute("aria-label", linkSays(a.id, b.id, cut, back));
  }

  /** @param {Message} message */
  function newMessage(message) {
    const g = make(layers[message.quiet ? 1 : 3], "g", { class: message.quiet ? "faint" : "message" });
    if (message.quiet) {
      make(g, "circle", { class: "hit", r: 12 });
      make(g, "circle", { class: "quiet", r: 5 });
      g.setAttribute("tabindex", "-1"); // a heartbeat is no stop on Tab's way
    } else {
      g.box = make(g, "rect", { y: -13, height: 26, rx: 13 });
      g.word = make(g, "text", { y: 6 });
    }
    const gone = () => scene.messages.find(({ id }) => id === message.id) ?? null;
    withMenu(g, () => {
      const found = gone();
      return found && messageMenu(scene, time(), found);
    });
    if (message.quiet) g.setAttribute("tabindex", "-1");
    g.addEventListener("click", pauseFirst, true);
    return g;
  }

  /** Time stops for whoever clicks a message that flies: it would be gone before a menu is read. */
  function pauseFirst() {
    if (time().mode === "live" && !time().can?.pause) lab.send({ act: "pause" });
  }

  /** @param {any} g @param {Message} message */
  function changeMessage(g, message) {
    g.message = message;
    g.setAttribute("aria-label", messageSays(message));
    if (!g.word) return;
    const label = messageLabel(message),
      wide = tagWidth(label, BOLD);
    g.setAttribute("class", message.held ? "message held" : "message");
    put(g.word, label);
    g.box.setAttribute("x", -wide / 2);
    g.box.setAttribute("width", wide);
  }

  /** A message that the last step delivered flies home; any other that is gone is gone. @param {any} g */
  function gone(g) {
    if (scene.landed !== g.message.id || calm.matches || !g.spot || g.contains(document.activeElement))
      return remove(g);
    const [x, y] = along(g.way, 1);
    g.setAttribute("aria-hidden", "true");
    g.removeAttribute("role");
    g.setAttribute("tabindex", "-1");
    g.style.pointerEvents = "none";
    g.classList.add("landing");
    const end = g.animate(
      { transform: [`translate(${g.spot[0]}px, ${g.spot[1]}px)`, `translate(${x}px, ${y}px)`], opacity: [1, 0.2] },
      GLIDE,
    );
    end.onfinish = end.oncancel = () => g.remove();
  }

  function draw() {
    scene = lab.get("scene");
    setClock();
    const places = new Map(scene.nodes.map((node) => [node.id, node]));
    keep(
      nodes,
      scene.nodes,
      (node) => node.id,
      newNode,
      changeNode,
      (g) => (g.label?.remove(), remove(g)),
    );
    keep(links, pairsOf(scene), ({ a, b }) => `${a.id},${b.id}`, newLink, changeLink);
    keep(messages, scene.messages, (message) => message.id, newMessage, changeMessage, gone);
    for (const g of messages.values()) {
      const { from, to, quiet } = g.message;
      g.way = way(
        /** @type {SceneNode} */ (places.get(from)),
        /** @type {SceneNode} */ (places.get(to)),
        quiet ? 10 : tagWidth(messageLabel(g.message), BOLD),
        scene.radius,
      );
    }
    put(note, scene.note);
    moved = performance.now();
    still = null;
    for (const g of messages.values()) g.was = g.spot;
    if (!waiting) waiting = requestAnimationFrame(fly);
  }

  function fly() {
    waiting = 0;
    const spots = speed
      ? spotsOf(scene, world(), calm.matches ? 0.5 : undefined)
      : (still ??= spotsOf(scene, scene.at));
    const glide = speed || calm.matches ? 1 : Math.min(1, (performance.now() - moved) / GLIDE);
    for (const [id, g] of messages) {
      const [x, y] = /** @type {number[]} */ (spots.get(id)),
        [x0, y0] = g.was ?? [x, y];
      g.spot = [x0 + glide * (x - x0), y0 + glide * (y - y0)];
      g.setAttribute(
        "transform",
        `translate(${g.spot.map((/** @type {number} */ part) => part.toFixed(1)).join(" ")})`,
      );
    }
    if (messages.size && !document.hidden && ((speed && !calm.matches) || glide < 1))
      waiting = requestAnimationFrame(fly);
  }

  return { draw, setClock, says: () => clusterSays(scene), stop: () => cancelAnimationFrame(waiting) };
}
