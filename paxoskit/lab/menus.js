// Menus: one at a time, by mouse and by keyboard, each item with its key, and with a reason where it makes no sense.

/** @param {HTMLElement} root @param {(act: Act) => void} send */
function menus(root, send) {
  /** @type {{list: HTMLElement, anchor: any, describe: () => MenuContent | null, shown: string} | null} */
  let open = null;

  /** @param {any} anchor @param {() => MenuContent | null} describe  null when what the menu is about is gone */
  function show(anchor, describe) {
    close();
    const list = html(root, "div", { class: "menu", role: "menu", tabindex: "-1" });
    open = { list, anchor, describe, shown: "" };
    list.addEventListener("keydown", onKey);
    list.addEventListener("focusout", (/** @type {FocusEvent} */ event) => {
      if (event.relatedTarget && !list.contains(/** @type {Node} */ (event.relatedTarget))) close(false);
    });
    update();
    if (open) place(list, anchor);
    first(list)?.focus({ preventScroll: true });
  }

  /** Say again what can be done: the world may have changed since. */
  function update() {
    if (!open) return;
    const content = open.describe();
    if (!content) return close();
    const shown = JSON.stringify([content.title, content.items.map(({ label, reason }) => [label, reason])]);
    if (shown === open.shown) return;
    open.shown = shown;
    const { list } = open,
      at = [...list.querySelectorAll("[role=menuitem]")].indexOf(/** @type {any} */ (document.activeElement));
    list.setAttribute("aria-label", content.title);
    const fresh = document.createDocumentFragment(),
      holder = document.createElement("div");
    html(holder, "div", { class: "menu-title", "aria-hidden": "true" }, content.title);
    for (const item of content.items) addItem(holder, item);
    fresh.append(...holder.childNodes);
    list.focus({ preventScroll: true });
    list.replaceChildren(fresh);
    if (at >= 0)
      /** @type {any} */ (list.querySelectorAll("[role=menuitem]")[at] ?? first(list))?.focus({ preventScroll: true });
  }

  /** @param {Element} parent @param {Item} item */
  function addItem(parent, item) {
    const button = html(parent, "button", { type: "button", role: "menuitem", tabindex: "-1" });
    html(button, "span", { class: "menu-label" }, item.label);
    if (item.key)
      (html(button, "kbd", { "aria-hidden": "true" }, item.key), button.setAttribute("aria-keyshortcuts", item.key));
    if (item.reason) html(button, "span", { class: "menu-reason" }, item.reason);
    disable(button, item.reason);
    button.addEventListener("click", () => choose(item));
  }

  /** @param {Item} item */
  function choose(item) {
    if (item.reason) return;
    close();
    if (item.act) send(item.act);
    item.run?.();
  }

  /** @param {any} event */
  function onKey(event) {
    if (!open || event.ctrlKey || event.altKey || event.metaKey) return;
    const items = /** @type {HTMLElement[]} */ ([...open.list.querySelectorAll("[role=menuitem]")]);
    const at = items.indexOf(/** @type {any} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? items.length - 1 : at - 1, Home: 0, End: items.length - 1 }[
      /** @type {string} */ (event.key)
    ];
    event.stopPropagation();
    if (to !== undefined) items[(to + items.length) % items.length].focus({ preventScroll: true });
    else if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key === "Enter" || event.key === " ")
      return; // the button's own
    else if (!event.repeat) {
      const item = open.describe()?.items.find(({ key }) => key === event.key);
      if (item) choose(item);
    }
    event.preventDefault();
  }

  function close(back = true) {
    if (!open) return;
    const { list, anchor } = open,
      had = list.contains(document.activeElement);
    open = null;
    if (back && had) (anchor.isConnected ? anchor : root).focus({ preventScroll: true });
    list.remove();
  }

  /** @param {any} event */
  const outside = (event) => open && !event.composedPath().includes(open.list) && close(false);
  document.addEventListener("pointerdown", outside);
  return {
    show,
    update,
    close,
    isOpen: () => Boolean(open),
    stop: () => document.removeEventListener("pointerdown", outside),
  };
}

/** The first item that can be chosen, or else the first. @param {Element} list @returns {any} */
function first(list) {
  return list.querySelector("[role=menuitem][aria-disabled=false]") ?? list.querySelector("[role=menuitem]");
}

/** Put a menu beside what it is about, inside the lab. @param {HTMLElement} list @param {Element} anchor */
function place(list, anchor) {
  const here = anchor.getBoundingClientRect(),
    frame = /** @type {Element} */ (list.parentElement).getBoundingClientRect();
  const x = Math.min(here.left + here.width / 2, frame.right - list.offsetWidth - 8) - frame.left;
  const room =
    Math.min(frame.bottom, Math.max(window.innerHeight, frame.top + list.offsetHeight)) - list.offsetHeight - 8;
  list.style.left = `${Math.max(4, x)}px`;
  list.style.top = `${Math.max(4, Math.min(here.bottom + 4, room) - frame.top)}px`;
}
