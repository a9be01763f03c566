// The panels that are words: the log, the clients' calls, the verdict, the network, and what a server or a block holds.

/** The log, newest first. @param {Lab} lab @param {HTMLElement} parent */
function logPanel(lab, parent) {
  const says = "what happened, newest first";
  const frame = html(parent, "div", { class: "log", role: "log", "aria-live": "off", "aria-label": says });
  // A list of its own: an item's parent is no log.
  const list = html(frame, "ol", { tabindex: "0", "aria-label": says });
  return {
    draw() {
      const lines = /** @type {string[]} */ (lab.get("log") ?? []);
      lines.forEach((line, place) => put(list.children[place] ?? html(list, "li"), line));
      while (list.children.length > lines.length) list.lastChild?.remove();
    },
  };
}

/** What clients asked, and what came of it; a form to ask more. @param {Lab} lab @param {HTMLElement} parent */
function callsPanel(lab, parent) {
  const list = html(parent, "ul", { class: "calls", "aria-label": "what clients asked, newest first", tabindex: "0" });
  /** @type {Record<string, string>} */
  const marks = { waiting: "…", answered: "✓", "gave up": "?", abandoned: "✗" };
  /** @param {any} call */
  function ends(call) {
    if (call.state === "answered") return call.answer ? `→ ${call.answer}` : "→ done";
    return (
      { waiting: "waits", "gave up": "no answer in time: unknown", abandoned: "abandoned with its branch" }[
        /** @type {string} */ (call.state)
      ] ?? call.state
    );
  }
  return {
    draw() {
      const calls = lab.get("calls") ?? [],
        as = JSON.stringify(calls);
      if (as === list.dataset.as) return;
      list.dataset.as = as;
      list.replaceChildren();
      if (!calls.length) html(list, "li", { class: "soft" }, "nobody asked anything yet");
      for (const call of calls) {
        const item = html(list, "li", { class: `call ${String(call.state).replace(" ", "-")}` });
        html(item, "span", { class: "mark", "aria-hidden": "true" }, marks[call.state] ?? "");
        html(item, "span", {}, ` ${call.client}: `);
        html(item, call.state === "abandoned" ? "s" : "span", { class: "asked" }, call.asked);
        html(item, "span", { class: "answer" }, ` ${ends(call)}`);
      }
    },
  };
}

/** How the verdict is drawn: a claim is broken, all hold, or (with no word) none watches. @param {any} verdict */
const verdictKind = ({ ok, claims }) => (ok === false ? "broken" : (claims?.length ?? claims) ? "holds" : "");

/** So many letters of names has the sign that claims are broken: it is read from the back row, in two lines. */
const SIGN = 48;

/** The claims that are broken, with their reasons, the first one first. @param {any} verdict @returns {any[]} */
const brokenOf = (verdict) => (verdict.ok === false ? [verdict, ...(verdict.others ?? [])] : []);

/** Names of claims, as many as the sign has room for, and how many more there are. @param {string[]} names */
function namesOf(names) {
  let count = names.length;
  while (count > 1 && names.slice(0, count).join(", ").length > SIGN) count--;
  const left = names.length - count;
  return names.slice(0, count).join(", ") + (left ? ` and ${left} more` : "");
}

/** All reasons, a line each, where there are several: what the sign itself has no room for. @param {any} verdict */
const reasonsOf = (verdict) =>
  brokenOf(verdict)
    .map(({ claim, reason }) => `“${claim}” is broken: ${reason}`)
    .join("\n");

/** The verdict of the claims in one line. @param {any} verdict */
function verdictSays(verdict) {
  const claims = verdict.claims?.length ?? verdict.claims ?? 0;
  if (verdict.ok === undefined || (verdict.ok && !claims)) return "no claim watches";
  const broken = brokenOf(verdict).map(({ claim }) => String(claim));
  if (broken.length > 1) return `✗ broken: ${namesOf(broken)}`;
  if (broken.length) return `✗ “${broken[0]}” is broken`;
  return claims === 1 ? "✓ the claim holds" : `✓ all ${claims} claims hold`;
}

/** @param {Lab} lab @param {HTMLElement} parent @param {(n: number) => void} pick  shows an event in the diagram */
function verdictPanel(lab, parent, pick) {
  const box = html(parent, "div", { class: "verdict" });
  return {
    draw() {
      const verdict = lab.get("verdict") ?? {},
        as = JSON.stringify(verdict);
      if (as === box.dataset.as) return;
      box.dataset.as = as;
      box.replaceChildren();
      box.className = `verdict ${verdictKind(verdict)}`;
      html(box, "p", { class: "headline" }, verdictSays(verdict));
      if (verdict.ok !== false) {
        const names = Array.isArray(verdict.claims) ? verdict.claims : [];
        if (names.length) html(box, "p", { class: "soft" }, names.join(" · "));
        return;
      }
      html(box, "p", {}, verdict.others?.length ? `“${verdict.claim}”: ${verdict.reason}` : verdict.reason);
      const list = html(box, "ol", { "aria-label": "the events that show it" });
      for (const event of verdict.events ?? [])
        pushButton(html(list, "li"), `${event.n}: ${event.says}`, () => pick(event.n), { class: "event-link" });
      if (!verdict.others?.length) return;
      const others = html(box, "ul", { class: "others", "aria-label": "the claims that fell after it" });
      for (const { claim, reason, n } of verdict.others)
        pushButton(html(others, "li"), `“${claim}” too: ${reason}`, () => n && pick(n), { class: "event-link" });
    },
  };
}

/** The network: a row for each sender, a column for each receiver; each direction can be changed.
 * @param {Lab} lab @param {HTMLElement} parent */
function networkPanel(lab, parent) {
  const frame = html(parent, "div", {
    class: "scroll",
    tabindex: "0",
    role: "region",
    "aria-label": "network matrix, scrolls",
  });
  const table = html(frame, "table", { class: "network" });
  html(table, "caption", {}, "from the row to the column: up or cut, share lost, times slower");
  const body = html(table, "tbody"),
    cells = new Map();
  let shape = "";

  /** @param {Name[]} names */
  function build(names) {
    shape = JSON.stringify(names);
    body.replaceChildren();
    cells.clear();
    const head = html(body, "tr");
    html(head, "td");
    for (const name of names) html(head, "th", { scope: "col" }, typeof name === "number" ? `to ${name}` : name);
    for (const a of names) {
      const row = html(body, "tr");
      html(row, "th", { scope: "row" }, typeof a === "number" ? `from ${a}` : a);
      for (const b of names)
        cells.set(`${a},${b}`, a === b ? html(row, "td", { class: "self" }) : newCell(html(row, "td"), a, b));
    }
  }

  /** @param {any} cell @param {Name} a @param {Name} b */
  function newCell(cell, a, b) {
    cell.toggle = pushButton(cell, "", () => lab.send({ act: cell.link.up ? "cut" : "mend", a, b, both: false }));
    cell.loss = number(
      cell,
      "lost",
      `share lost from ${title(a)} to ${title(b)}, in per cent`,
      "%",
      { min: 0, max: 100, step: 5 },
      (value) => lab.send({ act: "link", a, b, loss: value / 100 }),
    );
    cell.delay = number(
      cell,
      "takes",
      `times slower from ${title(a)} to ${title(b)}`,
      "×",
      { min: 0, max: 100, step: 1 },
      (value) => lab.send({ act: "link", a, b, delay: value }),
    );
    return cell;
  }

  /** @param {Element} cell @param {string} word @param {string} name @param {string} unit
   * @param {Record<string, number>} limits @param {(value: number) => void} change */
  function number(cell, word, name, unit, limits, change) {
    const label = html(cell, "label", {}, `${word} `);
    const input = html(label, "input", { type: "number", "aria-label": name, title: name, ...limits });
    label.append(` ${unit}`);
    input.addEventListener("change", () => {
      const value = Number(input.value);
      if (input.value !== "" && value >= limits.min && value <= limits.max) change(value);
      else input.value = input.dataset.now;
    });
    return input;
  }

  /** @param {any} cell @param {Link} link */
  function change(cell, link) {
    cell.link = link;
    cell.className = link.up ? "up" : "cut";
    put(cell.toggle, link.up ? "up" : "✗ cut");
    cell.toggle.setAttribute(
      "aria-label",
      `from ${title(link.a)} to ${title(link.b)}: ${link.up ? "up; cut it" : "cut; mend it"}`,
    );
    for (const [input, value] of [
      [cell.loss, Math.round(100 * link.loss)],
      [cell.delay, link.delay],
    ]) {
      input.dataset.now = value;
      if (input !== document.activeElement) input.value = value;
    }
  }

  return {
    draw() {
      /** @type {Link[]} */
      const rows = lab.get("network")?.rows ?? [];
      const names = [...new Set(rows.flatMap(({ a, b }) => [a, b]))].sort(
        (a, b) => Number(typeof a === "string") - Number(typeof b === "string") || (a < b ? -1 : 1),
      );
      if (JSON.stringify(names) !== shape) build(names);
      for (const link of rows) change(cells.get(`${link.a},${link.b}`), link);
    },
  };
}

/** What a server or a block holds, every field. @param {Lab} lab @param {HTMLElement} parent */
function inspectPanel(lab, parent) {
  const box = html(parent, "div", { class: "inspect", tabindex: "0", role: "region" });

  /** @param {string} heading @param {string[][]} rows @param {string} [otherwise] */
  function table(heading, rows, otherwise = "nothing") {
    html(box, "h4", {}, heading);
    if (!rows.length) return html(box, "p", { class: "soft" }, otherwise);
    const grid = html(box, "dl");
    for (const [name, value] of rows) (html(grid, "dt", {}, name), html(grid, "dd", {}, value));
  }

  /** @param {any} seen */
  function server(seen) {
    const down = seen.says.includes(", down");
    html(box, "p", { class: "headline" }, seen.says);
    table("On disk: survives a crash", seen.disk, seen.lost ? "the disk is lost" : "nothing");
    table("Only in memory: a crash forgets it", seen.memory, down ? "the server is down" : "nothing");
    if (seen.derived.length) table("Made from the disk again at a restart", seen.derived);
    table(
      "Timers that run",
      seen.timers.map((/** @type {string} */ timer) => ["timer", timer]),
      "none",
    );
  }

  /** @param {any} seen */
  function block(seen) {
    html(box, "p", { class: "headline" }, `block ${seen.height}`);
    const asked = seen.operations.map((/** @type {any} */ request) => [
      `${request.session}, number ${request.number}`,
      request.says,
    ]);
    table("Operations", seen.more ? [...asked, ["…", `and ${seen.more} more`]] : asked);
    table("Fields", [
      ["previous hash", seen.previous_hash],
      ["nonce", String(seen.nonce)],
      ["hash", seen.hash],
    ]);
    table("On the chain of", seen.on.length ? [["servers", seen.on.join(", ")]] : [], "nobody yet");
    if (seen.votes?.length) table("Voted for by", [["servers", seen.votes.join(", ")]]);
    html(
      box,
      "p",
      { class: seen.fault ? "bad" : "good" },
      seen.fault ? `✗ ${seen.fault}` : "✓ its hash, its nonce and its link are right",
    );
  }

  return {
    box,
    draw() {
      const seen = lab.get("inspect") ?? {},
        as = JSON.stringify(seen);
      if (as === box.dataset.as) return;
      box.dataset.as = as;
      box.replaceChildren();
      if (seen.kind === "server") server(seen);
      else if (seen.kind === "block") block(seen);
      else html(box, "p", { class: "soft" }, "Choose a server's “Inspect”, or click a block.");
      box.setAttribute(
        "aria-label",
        seen.says ?? (seen.kind === "block" ? `block ${seen.height}` : "nothing inspected"),
      );
    },
  };
}
