// The lab in the browser: it draws what Python sends (see scene.py: same shapes, same words, same classes), lets
// messages fly, and sends back what was clicked. The parts are joined in the order that page.py gives: each may use the
// earlier ones.
//
// Every text from Python goes into a text node or an attribute: nothing is ever parsed as markup.

/**
 * @typedef {number | string} Name  a server's number, or "client 1"
 * @typedef {{id: Name, x: number, y: number, role: string, says?: string, timers?: string[]}} SceneNode
 * @typedef {{id: number, from: Name, to: Name, sent: number, due: number, name: string, says?: string, quiet?: boolean,
 *   held?: boolean}} Message
 * @typedef {{id: string, height: number, row: number, nonce: number, previous: string, lines: string[], on: number[],
 *   votes?: number[], fork?: boolean}} Block
 * @typedef {{servers: number, blocks: Block[], absent?: boolean}} Chain
 * @typedef {{at: number, speed: number, radius: number, box: number, nodes: SceneNode[], cut: Name[][],
 *   messages: Message[], note: string, landed?: number}} Scene
 * @typedef {{id: number, name: string, parent: number | null, at: number, length: number}} Branch
 * @typedef {{mode?: string, moment?: number, count?: number, branch?: number, branches?: Branch[],
 *   can?: Record<string, string | null>, did?: string, next?: string, checkpoint?: number, factor?: number,
 *   quiet?: boolean, found?: string}} Time
 * @typedef {{a: Name, b: Name, up: boolean, loss: number, delay: number}} Link
 * @typedef {Record<string, any>} Act  what is sent to Python: {act: "step"}
 * @typedef {{label: string, key?: string, reason?: string | null, act?: Act, run?: () => void}} Item  of a menu
 * @typedef {{title: string, items: Item[]}} MenuContent
 * @typedef {{get: (trait: string) => any, send: (act: Act) => void,
 *   menu: (anchor: Element, describe: () => MenuContent | null) => void, say: (text: string) => void,
 *   inspect: (act: Act) => void, alone: () => boolean, foretells: () => boolean, root: HTMLElement}} Lab  what the
 *   panels share
 */

const [WIDTH, HEIGHT] = [880, 472];
const [BLOCK, GAP, BLOCK_HEIGHT, MARKS] = [172, 24, 154, 5];
const BOLD = 11.2;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

/** @param {Name} id */
const title = (id) => (typeof id === "number" ? `server ${id}` : id);

/** How wide a label of this text is drawn. @param {string} text */
const tagWidth = (text, letter = 9) => Math.round(letter * [...text].length) + 18;

/** Make an SVG element. @param {Element} parent @param {string} tag @param {Record<string, any>} attributes
 * @param {any} text @returns {any} */
function make(parent, tag, attributes = {}, text = null) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return parent.appendChild(element);
}

/** Make an HTML element. @param {Element} parent @param {string} tag @param {Record<string, any>} attributes
 * @param {any} text @returns {any} */
function html(parent, tag, attributes = {}, text = null) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== null) element.textContent = text;
  return parent.appendChild(element);
}

/** Keep one element per key: make what is new, change what stays (it keeps the focus), remove what is gone.
 * @param {Map<any, any>} elements @param {any[]} items @param {(item: any) => any} key
 * @param {(item: any) => any} create
 * @param {(element: any, item: any) => void} change @param {(element: any) => void} gone */
function keep(elements, items, key, create, change, gone = remove) {
  const keys = new Set(items.map(key));
  for (const [name, element] of elements) if (!keys.has(name)) (gone(element), elements.delete(name));
  for (const item of items) {
    if (!elements.has(key(item))) elements.set(key(item), create(item));
    change(elements.get(key(item)), item);
  }
}

/** Remove an element. Focus that was in it goes to the lab: in the page's body, JupyterLab would take the keys.
 * @param {Element} element */
function remove(element) {
  const had = element.contains(document.activeElement),
    root = /** @type {HTMLElement} */ (element.closest(".paxoskit-scene"));
  element.remove();
  if (had) root?.focus({ preventScroll: true });
}

/** Let a click, Enter and Space do the same. @param {Element} element @param {(event: Event) => void} act */
function asButton(element, act) {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.addEventListener("click", act);
  element.addEventListener("keydown", (/** @type {any} */ event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) act(event);
  });
}

/** A button that says why it cannot be pressed, and keeps the focus all the same.
 * @param {Element} parent @param {string} text @param {() => void} act @returns {any} */
function pushButton(parent, text, act, attributes = {}) {
  const button = html(parent, "button", { type: "button", ...attributes }, text);
  button.addEventListener("click", () => button.getAttribute("aria-disabled") !== "true" && act());
  return button;
}

/** Say of a button why it cannot be pressed now; null: it can.
 * @param {any} button @param {string | null | undefined} reason
 * @param {string} usual  what its tip says otherwise */
function disable(button, reason, usual = "") {
  button.setAttribute("aria-disabled", String(Boolean(reason)));
  button.title = reason || usual;
}

/** Set a text only if it is another one. @param {any} element @param {string} text */
function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Let `act` run once, soon, however often it is asked for.
 * @param {() => void} act @param {number} wait  milliseconds */
function lazily(act, wait) {
  let timer = 0;
  const ask = () => (timer ||= window.setTimeout(() => ((timer = 0), act()), wait));
  ask.stop = () => clearTimeout(timer);
  return ask;
}
