// What can be done with a thing in the picture, and why not: pure functions from what is shown to the items of a menu.

/** Why nothing can be chosen now, or null. @param {Time} time */
function noChoice(time) {
  if (time.mode === "view") return "this is a recording: it can be looked at, not changed";
  if (time.mode === "live") return "time goes by: pause first";
  return null;
}

/** @param {Scene} scene @param {Name} id @returns {boolean} */
const isDown = (scene, id) => scene.nodes.some((node) => node.id === id && node.role === "down");

/** What can be done with a message.
 * @param {Scene} scene @param {Time} time @param {Message} message @returns {MenuContent} */
function messageMenu(scene, time, message) {
  const reason = noChoice(time),
    { id, from, to, name, held } = message;
  const down = isDown(scene, to) ? `${title(to)} is down` : null;
  /** @param {string} kind @param {Record<string, string>} more @returns {Act} */
  const choose = (kind, more = {}) => ({ act: "choose", choice: { kind, number: id, ...more } });
  const client = typeof to === "string" ? `${to} is a client: only servers crash` : null;
  return {
    title: `${message.says ?? name} from ${title(from)} to ${title(to)}`,
    items: [
      { label: "Deliver now", key: "v", reason: reason ?? down, act: choose("deliver") },
      { label: "Drop", key: "x", reason, act: choose("drop") },
      { label: "Duplicate", key: "u", reason, act: choose("duplicate") },
      held
        ? { label: "Let go", key: "h", reason, act: { act: "release", number: id } }
        : { label: "Hold back", key: "h", reason, act: { act: "hold", number: id } },
      {
        label: "Deliver, and crash before the save",
        key: "b",
        reason: reason ?? client ?? down,
        act: choose("deliver", { crash: "before" }),
      },
      {
        label: "Deliver, and crash after the save",
        key: "n",
        reason: reason ?? client ?? down,
        act: choose("deliver", { crash: "after" }),
      },
    ],
  };
}

/** What can be done with a server. @param {SceneNode} node @param {Time} time @returns {MenuContent} */
function serverMenu(node, time) {
  const server = Number(node.id),
    view = time.mode === "view" ? noChoice(time) : null;
  const down = view ?? (node.role === "down" ? "it is down already" : null);
  const up = view ?? (node.role === "down" ? null : "it is up already");
  return {
    title: title(node.id),
    items: [
      { label: "Inspect", key: "i", act: { act: "inspect", node: server } },
      { label: "Crash, the disk is kept", key: "k", reason: down, act: { act: "fail", server, disk: "kept" } },
      {
        label: "Crash, the last save is lost",
        key: "j",
        reason: down,
        act: { act: "fail", server, disk: "last save lost" },
      },
      { label: "Crash, the disk is lost", key: "z", reason: down, act: { act: "fail", server, disk: "lost" } },
      { label: "Restart", key: "u", reason: up, act: { act: "restart", server } },
      ...timerItems(node, time),
    ],
  };
}

/** @param {SceneNode} node @param {Time} time @returns {Item[]} */
function timerItems(node, time) {
  return (node.timers ?? []).map((timer, place) => ({
    label: `Let ${timer} ring`,
    key: place ? undefined : "t",
    reason: noChoice(time),
    act: { act: "choose", choice: { kind: "fire", node: node.id, timer } },
  }));
}

/** What can be done with a server's timers. @param {SceneNode} node @param {Time} time @returns {MenuContent} */
function timerMenu(node, time) {
  return { title: `timers of ${title(node.id)}`, items: timerItems(node, time) };
}

/** What can be done with a link, each direction by itself. @param {Name} a @param {Name} b @param {boolean} cut  a to b
 * @param {boolean} back  b to a @param {Time} time @returns {MenuContent} */
function linkMenu(a, b, cut, back, time) {
  const reason = time.mode === "view" ? noChoice(time) : null;
  /** @param {Name} from @param {Name} to @param {boolean} isCut @param {string} key @returns {Item} */
  const oneWay = (from, to, isCut, key) => ({
    label: `${isCut ? "Mend" : "Cut"} from ${title(from)} to ${title(to)}`,
    key,
    reason,
    act: { act: isCut ? "mend" : "cut", a: from, b: to, both: false },
  });
  return {
    title: `link between ${title(a)} and ${title(b)}`,
    items: [
      {
        label: "Cut both directions",
        key: "x",
        reason: reason ?? (cut && back ? "both are cut already" : null),
        act: { act: "cut", a, b, both: true },
      },
      {
        label: "Mend both directions",
        key: "m",
        reason: reason ?? (cut || back ? null : "both are up already"),
        act: { act: "mend", a, b, both: true },
      },
      oneWay(a, b, cut, ">"),
      oneWay(b, a, back, "<"),
    ],
  };
}

/** What can be done with an event of the past. @param {{n: number, says: string}} event @param {Time} time
 * @returns {MenuContent} */
function eventMenu(event, time) {
  return {
    title: event.says,
    items: [
      {
        label: "What if it had not happened?",
        key: "w",
        reason: noChoice(time),
        act: { act: "what_if", event: event.n },
      },
      {
        label: "Go back to just before it",
        key: "g",
        reason: time.mode === "live" ? noChoice(time) : null,
        act: { act: "goto", event: event.n },
      },
    ],
  };
}

/** What a menu's letter does to the thing that has the focus, without opening the menu.
 * @param {MenuContent} content @param {string} key @returns {Item | undefined} */
const itemFor = (content, key) => content.items.find((item) => item.key === key);
