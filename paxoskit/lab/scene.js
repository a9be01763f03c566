// Draws a scene (see scene.py: same shapes, same words, same classes) and lets its messages fly.
// Every text from Python goes into a text node or an attribute: nothing is ever parsed as markup.

const [WIDTH, HEIGHT, CHAIN_WIDTH, ROW_HEIGHT] = [880, 456, 1200, 172];
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const title = (id) => (typeof id === "number" ? `server ${id}` : id);
const tagWidth = (text, letter = 9) => Math.round(letter * [...text].length) + 18;
const BOLD = 11.2;

function make(parent, tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return parent.appendChild(element);
}

/** Keep one element per key: make what is new, change what stays (it keeps the focus), remove what is gone. */
function keep(elements, items, key, create, change, gone = (element) => element.remove()) {
  const keys = new Set(items.map(key));
  for (const [name, element] of elements) if (!keys.has(name)) gone(element, name), elements.delete(name);
  for (const item of items) {
    if (!elements.has(key(item))) elements.set(key(item), create(item));
    change(elements.get(key(item)), item);
  }
}

function asButton(element, act) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    if (!event.repeat) act();
  });
}

/** Where a message begins and ends: just outside the rims, or its label would take the clicks meant for a node. */
function way(a, b, wide, radius) {
  const length = Math.max(1, Math.hypot(b.x - a.x, b.y - a.y));
  const [dx, dy] = [(b.x - a.x) / length, (b.y - a.y) / length];
  const label = (wide / 4) * Math.abs(dx) + 7 * Math.abs(dy); // half of what the label reaches along the way
  let [start, end] = [a, b].map((node) => label + (node.role === "client" ? 50 : radius + 8));
  if (start + end > length) start = end = length / 2;
  return [a.x + start * dx - 9 * dy, a.y + start * dy + 9 * dx, b.x - end * dx - 9 * dy, b.y - end * dy + 9 * dx];
}

function linkSays(a, b, cut, back) {
  const one = cut ? [a, b] : [b, a];
  const state = cut && back ? "cut both ways" : cut || back ? `cut from ${title(one[0])} to ${title(one[1])}` : "up";
  return `link between ${title(a)} and ${title(b)}, ${state}`;
}

function render({ model, el }) {
  const root = el.appendChild(document.createElement("div"));
  root.className = "paxoskit paxoskit-scene";
  root.tabIndex = 0;
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Paxos cluster; Tab to a server or a link, Enter to fail or mend it");
  root.addEventListener("keydown", (event) => event.stopPropagation());
  // No key that is pressed in the lab, its controls included, is a shortcut of JupyterLab's ("d d" deletes the cell).
  // JupyterLab looks at the very element that has the focus first, so each gets the mark as soon as it has it.
  const hush = ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true");
  root.addEventListener("focusin", hush);
  const hushControls = requestAnimationFrame(() => el.closest(".paxoskit-lab")?.addEventListener("focusin", hush));

  const cluster = make(root, "svg", { class: "cluster", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "servers, links and messages" });
  const layers = ["links", "messages", "nodes"].map((name) => make(cluster, "g", { class: name }));
  const note = make(cluster, "text", { class: "note first", x: 8, y: 24 });
  const chain = make(root, "svg", { class: "chain", role: "group", "aria-label": "block chain" });
  const empty = make(chain, "text", { class: "note", x: CHAIN_WIDTH / 2, y: 80 }, "no block yet");
  const frame = root.appendChild(document.createElement("div"));
  frame.className = "log";
  const list = frame.appendChild(document.createElement("ol"));
  list.setAttribute("role", "log");
  list.setAttribute("aria-label", "what happened, newest first");

  const [nodes, links, messages, blocks] = [new Map(), new Map(), new Map(), new Map()];
  let scene = null, base = -Infinity, speed = 0, waiting = 0, drawn = 0;

  // The world's clock, as seen from here. A scene can only be late, so the least late one is right.
  const world = () => base + performance.now() * speed;
  function setClock() {
    const { at = 0, speed: newSpeed = 0 } = model.get("scene");
    const here = at - performance.now() * newSpeed;
    base = newSpeed !== speed || Math.abs(here - base) > 400 * newSpeed ? here : Math.max(base, here);
    speed = newSpeed;
  }

  function newNode({ id, role }) {
    const g = make(layers[2], "g");
    if (role === "client") {
      g.setAttribute("role", "img");
      make(g, "rect", { class: "body", x: -46, y: -scene.box, width: 92, height: 2 * scene.box, rx: 10 });
      make(g, "text", { y: 6 }, id);
      return g;
    }
    const r = scene.radius, d = Math.round(r * 0.68);
    make(g, "circle", { class: "rim", r: r + 6 });
    make(g, "circle", { class: "body", r });
    make(g, "path", { class: "cross", d: `M-${d}-${d}L${d} ${d}M-${d} ${d}L${d}-${d}` });
    make(g, "text", { class: "number", y: -4 }, id);
    g.role_ = make(g, "text", { y: 20 });
    g.tag = make(g, "rect", { class: "tag", y: r - 6, height: 28, rx: 14 });
    g.says = make(g, "text", { y: r + 14 });
    asButton(g, () => model.send({ act: g.classList.contains("down") ? "restart" : "fail", server: id }));
    return g;
  }

  function changeNode(g, { id, x, y, role, says }) {
    g.setAttribute("class", `node ${role}`);
    g.setAttribute("transform", `translate(${x} ${y})`);
    g.setAttribute("aria-label", role === "client" ? id : [title(id), role, ...says.split(" · ")].join(", "));
    if (role === "client") return;
    g.role_.textContent = role;
    g.says.textContent = says;
    g.tag.setAttribute("width", tagWidth(says));
    g.tag.setAttribute("x", -tagWidth(says) / 2);
  }

  function newLink({ a, b }) {
    const g = make(layers[0], "g", { class: "link" });
    asButton(g, () => model.send({ act: g.querySelector(".cut") ? "mend" : "cut", a: a.id, b: b.id }));
    return g;
  }

  function changeLink(g, { a, b, cut, back }) {
    g.replaceChildren();
    const [x, y] = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    for (const [end, isCut] of [[b, cut], [a, back]])
      make(g, "line", { class: isCut ? "half cut" : "half", x1: x, y1: y, x2: end.x, y2: end.y });
    for (const [end, isCut] of [[b, cut], [a, back]])
      if (isCut) make(g, "path", { class: "cross", d: "M-8-8L8 8M-8 8L8-8", transform: `translate(${x + 0.3 * (end.x - x)} ${y + 0.3 * (end.y - y)})` });
    make(g, "line", { class: "hit", x1: a.x, y1: a.y, x2: b.x, y2: b.y });
    g.setAttribute("aria-label", linkSays(a.id, b.id, cut, back));
  }

  function newMessage({ name, says, from, to }) {
    if (!name) return make(layers[1], "circle", { class: "quiet", r: 5, "aria-hidden": "true" });
    const g = make(layers[1], "g", { class: "message", role: "img", "aria-label": `${says} from ${title(from)} to ${title(to)}` });
    make(g, "rect", { x: -tagWidth(name, BOLD) / 2, y: -13, width: tagWidth(name, BOLD), height: 26, rx: 13 });
    make(g, "text", { y: 6 }, name);
    return g;
  }

  function newBlock({ id, height, row, nonce, previous, lines }) {
    const g = make(chain, "g", { class: row ? "block fork" : "block", role: "img" });
    const before = scene.chain.blocks.find((block) => block.id === previous);
    const up = ROW_HEIGHT * ((before ? before.row : 0) - row);
    if (height) make(g, "path", { class: "pointer", d: `M0 66L-22 ${66 + up}m8-6l-8 6l8 6` });
    make(g, "rect", { class: "body", width: 172, height: 154, rx: 10 });
    make(g, "text", { class: "title", x: 11, y: 25 }, `block ${height}${row ? " (fork)" : ""}`);
    [lines[0] ?? "", lines[1] ?? "", `nonce ${nonce}`, `hash …${id}`].forEach((line, number) =>
      make(g, "text", { class: "mono", x: 11, y: 50 + 22 * number }, line));
    const step = Math.min(29, 152 / scene.chain.servers), size = Math.min(16, 0.72 * step);
    g.owners = Array.from({ length: scene.chain.servers }, (_, number) => {
      const owner = make(g, "g", { transform: `translate(${10 + step * (number + 0.5)} 137)` });
      make(owner, "circle", { r: Math.min(12, step / 2) });
      make(owner, "text", { y: 0.36 * size, style: `font-size: ${size}px` }, number + 1);
      return owner;
    });
    return g;
  }

  function changeBlock(g, { height, row, lines, on }) {
    g.style.transform = `translate(${26 + 196 * (height - scene.chain.blocks[0].height)}px, ${6 + ROW_HEIGHT * row}px)`;
    g.setAttribute("aria-label", `block ${height}, ${lines.join(", ")}, on server ${on.join(", ")}`);
    g.owners.forEach((owner, number) => owner.setAttribute("class", on.includes(number + 1) ? "owner" : "owner without"));
  }

  function draw() {
    if (document.hidden) return; // drawn when the page is looked at again
    scene = { ...model.get("scene"), chain: model.get("chain") };
    if (!scene.nodes) return;
    const places = new Map(scene.nodes.map((node) => [node.id, node]));
    const cut = new Set(scene.cut.map((link) => link.join()));
    const pairs = scene.nodes.flatMap((a, place) => scene.nodes.slice(place + 1).map((b) =>
      ({ a, b, cut: cut.has(`${a.id},${b.id}`), back: cut.has(`${b.id},${a.id}`) })))
      .filter(({ a, b, cut, back }) => (a.role !== "client" && b.role !== "client") || cut || back);
    keep(nodes, scene.nodes, (node) => node.id, newNode, changeNode);
    keep(links, pairs, ({ a, b }) => `${a.id},${b.id}`, newLink, changeLink);
    const flying = scene.messages.map((message) =>
      ({ ...message, way: way(places.get(message.from), places.get(message.to), message.name ? tagWidth(message.name, BOLD) : 10, scene.radius) }));
    keep(messages, flying, (message) => message.id, newMessage, (element, message) => (element.message = message));
    const rows = 1 + Math.max(0, ...scene.chain.blocks.map((block) => block.row));
    chain.setAttribute("viewBox", `0 0 ${CHAIN_WIDTH} ${ROW_HEIGHT * rows}`);
    empty.style.display = scene.chain.blocks.length ? "none" : "";
    keep(blocks, scene.chain.blocks, (block) => block.id, newBlock, changeBlock);
    note.textContent = scene.note;
    root.dataset.drawn = ++drawn;
    if (!waiting) waiting = requestAnimationFrame(fly);
  }

  function fly() {
    waiting = 0;
    for (const element of messages.values()) {
      const { sent, due, way: [x1, y1, x2, y2] } = element.message;
      const done = calm.matches ? 0.5 : Math.min(1, Math.max(0, due > sent ? (world() - sent) / (due - sent) : 1));
      element.setAttribute("transform", `translate(${(x1 + done * (x2 - x1)).toFixed(1)} ${(y1 + done * (y2 - y1)).toFixed(1)})`);
    }
    if (messages.size && speed && !calm.matches) waiting = requestAnimationFrame(fly);
  }

  function tell() {
    list.replaceChildren(...model.get("log").map((line) => {
      const item = document.createElement("li");
      item.textContent = line;
      return item;
    }));
  }

  let coming = false; // one message may bring a new scene and a new chain
  const soon = () => {
    if (!coming) queueMicrotask(() => ((coming = false), draw()));
    coming = true;
  };

  model.on("change:scene", setClock);
  model.on("change:scene", soon);
  model.on("change:chain", soon);
  model.on("change:log", tell);
  document.addEventListener("visibilitychange", draw);
  setClock();
  draw();
  tell();
  return () => {
    model.off("change:scene", setClock);
    model.off("change:scene", soon);
    model.off("change:chain", soon);
    model.off("change:log", tell);
    document.removeEventListener("visibilitychange", draw);
    cancelAnimationFrame(waiting);
    cancelAnimationFrame(hushControls);
  };
}

export default { render };
