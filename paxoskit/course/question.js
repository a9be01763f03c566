// Shows a question with its answers (see predict.py). Every text goes into a text node: nothing is parsed as markup.

let groups = 0; // radio buttons with one name belong together, on the whole page

/** Put text into an element; what stands between backquotes is code, between asterisks it is stressed. */
function say(element, text) {
  element.replaceChildren();
  text.split(/(`[^`]+`|\*[^\s*][^*]*\*)/).forEach((part, index) => {
    if (index % 2 === 0) element.append(part);
    else element.appendChild(document.createElement(part[0] === "*" ? "em" : "code")).textContent = part.slice(1, -1);
  });
}

function make(parent, tag, className = "") {
  const element = parent.appendChild(document.createElement(tag));
  if (className) element.className = className;
  return element;
}

function render({ model, el }) {
  const root = make(el, "fieldset", "paxoskit-question");
  const group = `paxoskit-question-${(groups += 1)}-${Date.now()}`;
  // JupyterLab looks for this mark on the very element that has the focus, and then keeps its shortcuts to itself.
  root.addEventListener("focusin", ({ target }) => target.setAttribute("data-lm-suppress-shortcuts", "true"));
  root.addEventListener("keydown", (event) => event.stopPropagation());

  const kind = model.get("kind");
  const legend = make(root, "legend");
  const badge = make(legend, "span", "badge");
  badge.textContent = kind === "predict" ? "Predict" : "Explain";
  legend.append(" ");
  say(make(legend, "span"), model.get("question"));

  const rows = model.get("answers").map((answer) => {
    const label = make(root, "label");
    const input = make(label, "input");
    Object.assign(input, { type: "radio", name: group, value: answer });
    input.addEventListener("change", update);
    say(make(label, "span"), answer);
    return { label, input, answer };
  });

  const line = make(root, "div", "line");
  const button = make(line, "button");
  button.type = "button";
  button.textContent = kind === "predict" ? "Commit to this answer" : "That is the reason";
  const trust = make(line, "span", "trust");
  const counts = kind === "predict" ? "what counts is that you answer" : "what counts is that you find the reason";
  trust.textContent = `Kept on your own disk, marked on trust: ${counts}.`;
  const feedback = make(root, "p", "feedback");
  feedback.setAttribute("role", "status");
  const instead = make(root, "p", "feedback instead");
  instead.setAttribute("role", "status");

  let asked = null; // committed here, and not yet confirmed by the kernel
  let tried = ""; // the answer whose reason is shown
  let had = false; // the focus was here when she committed; a disabled control loses it
  button.addEventListener("click", () => {
    asked = picked();
    if (asked === undefined) return;
    model.send({ commit: asked });
    had = true;
    update();
  });

  function picked() {
    return rows.find(({ input }) => input.checked)?.answer;
  }

  function update() {
    const [chosen, locked, verdict] = ["chosen", "locked", "verdict"].map((name) => model.get(name));
    if (chosen && chosen !== tried) {
      asked = null;
      rows.forEach(({ input, answer }) => (input.checked = answer === chosen));
      tried = chosen;
    }
    const shut = locked || asked !== null;
    for (const { label, input, answer } of rows) {
      input.disabled = shut;
      label.classList.toggle("chosen", answer === chosen);
      label.classList.toggle("right", answer === chosen && verdict === "right");
      label.classList.toggle("wrong", answer === chosen && verdict === "wrong");
    }
    button.disabled = shut || picked() === undefined || picked() === chosen;
    button.hidden = locked;
    if (asked !== null) feedback.textContent = "Committed. The answer comes as soon as the kernel is free.";
    else if (!chosen) feedback.textContent = "";
    else {
      const again = locked ? "" : " Choose again.";
      say(feedback, `${verdict === "right" ? "✓ Right." : "✗ Not so."} ${model.get("reason")}${again}`);
    }
    const [answer, reason] = asked === null ? model.get("instead") : [];
    say(instead, answer === undefined ? "" : `→ ${answer}. ${reason}`);
    feedback.dataset.verdict = asked === null ? verdict : "";
    if (asked === null) giveBack(locked);
  }

  /** After the verdict Shift + Enter goes on from this cell, or another answer is picked, without a click first. */
  function giveBack(locked) {
    const free = document.activeElement === document.body || root.contains(document.activeElement);
    if (had && free) (locked ? root.closest(".jp-Cell") : rows.find(({ input }) => input.checked)?.input)?.focus();
    had = false;
  }

  for (const name of ["chosen", "locked", "verdict", "reason", "instead"]) model.on(`change:${name}`, update);
  update();
}

export default { render };
