// The keys: one table says what each does, for the handler, for "?" and for the tests.

/** @type {{keys: string[], does: string, command: string}[]} */
const KEYS = [
  { keys: ["PageDown", ".", " ", "ArrowRight"], does: "one step on", command: "step" },
  { keys: ["PageUp", ",", "ArrowLeft"], does: "one step back", command: "back" },
  { keys: ["o"], does: "one round: all messages of the next kind", command: "round" },
  { keys: ["d"], does: "on to the next decision", command: "decision" },
  { keys: ["f"], does: "forward, over what was stepped back", command: "forward" },
  { keys: ["p"], does: "pause, and resume", command: "pause" },
  { keys: ["r"], does: "the scene again from its beginning", command: "again" },
  { keys: ["q"], does: "heartbeats: a step each, or stepped over", command: "quiet" },
  { keys: ["c"], does: "what comes next: said, or left to be guessed", command: "foretell" },
  { keys: ["w"], does: "what if the picked event had not happened?", command: "whatIf" },
  { keys: ["+", "="], does: "faster", command: "faster" },
  { keys: ["-", "−"], does: "slower", command: "slower" },
  { keys: ["l"], does: "lecture mode, and out of it", command: "lecture" },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], does: "show or hide a panel", command: "panel" },
  { keys: ["[", "]"], does: "move this panel to the left, to the right", command: "move" },
  { keys: ["{", "}"], does: "make this panel narrower, wider", command: "size" },
  { keys: ["y"], does: "the pictures in words, and out of it", command: "words" },
  { keys: ["?"], does: "these keys", command: "help" },
  { keys: ["Escape"], does: "close a menu, the keys, the lecture mode", command: "escape" },
];

/** Keys that act on the thing that has the focus; each is in its menu too (Enter). */
const THING_KEYS = [
  [
    "a message",
    "v deliver · x drop · u duplicate · h hold back, let go · b, n deliver and crash before, after the save",
  ],
  ["a server", "i inspect · k crash · j crash, last save lost · z crash, disk lost · u restart · t timer rings"],
  ["a link", "x cut both · m mend both · > and < one direction"],
];

const KEY_NAMES = /** @type {Record<string, string>} */ ({ " ": "Space", ArrowRight: "→", ArrowLeft: "←" });

/** @param {string} key */
const commandOf = (key) => KEYS.find(({ keys }) => keys.includes(key))?.command ?? null;

/** Does this element take the keys that are typed in it? @param {any} element */
function takesKeys(element) {
  if (element.isContentEditable || element.matches?.("textarea, select, [role=slider]")) return true;
  return element.matches?.("input") && !["checkbox", "button", "radio"].includes(element.type);
}

/** What keys a control needs for itself. @param {any} element @param {string} key */
const isPress = (element, key) =>
  (key === " " || key === "Enter") && element.matches?.("button, [role=button], input, summary, a");

/** Keys that, with Ctrl or Cmd, change the text that is marked; in JupyterLab some of them would change cells. */
const EDITING = new Set([..."acvxyz", "backspace", "delete", "home", "end"]);

/** Is a modifier held that makes another key of this one? AltGr does not: on many keyboards it is the way to "[".
 * @param {any} event */
const isModified = (event) =>
  (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState?.("AltGraph");

/** Is this a shortcut that JupyterLab and the browser shall have, such as Ctrl+S? No plain key ever is.
 * @param {any} event */
function isShortcut(event) {
  const key = String(event.key).toLowerCase();
  return (
    isModified(event) && (event.ctrlKey || event.metaKey) && !EDITING.has(key) && !key.startsWith("arrow")
  );
}

/** @param {HTMLElement} root  where the keys are shown */
function helpBox(root) {
  const box = html(root, "div", { class: "help", role: "dialog", "aria-label": "keys of the lab", tabindex: "-1" });
  box.hidden = true;
  html(box, "h3", {}, "Keys");
  const list = html(box, "dl");
  for (const { keys, does } of KEYS) {
    const term = html(list, "dt");
    keys.forEach((key, place) => (place && term.append(" "), html(term, "kbd", {}, KEY_NAMES[key] ?? key)));
    html(list, "dd", {}, does);
  }
  for (const [thing, does] of THING_KEYS) (html(list, "dt", {}, thing), html(list, "dd", {}, does));
  html(
    box,
    "p",
    {},
    "Tab goes from thing to thing, Enter opens its menu. " +
      "Two keys of a presenter's remote, forward and back, are enough for a lecture.",
  );
  return {
    isOpen: () => !box.hidden,
    /** @param {boolean} open */
    show(open) {
      box.hidden = !open;
      (open ? box : root).focus({ preventScroll: true });
    },
  };
}
