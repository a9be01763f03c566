// Plays a film that export.py wrote into this page. No text of it is ever parsed as HTML: pictures are parsed as SVG,
// in which every text is escaped, and all other texts go into text nodes.

const find = (selector) => document.querySelector(selector);
const packed = Uint8Array.from(atob(find("#film").textContent), (letter) => letter.charCodeAt(0));
find(".says").textContent = "this page needs a browser of 2023 or later";
const film = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
const [picture, time, says, where, story, slider, play] = [".picture", ".time", ".says", ".where", ".story ol", "input", ".play"].map(find);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const PACES = [2.4, 1.6, 1, 0.6, 0.35, 0.2]; // seconds a step
let now = 0, timer = 0, pace = 2, turn = 0;

const parse = (text) => document.adoptNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement);

const last = film.frames.length - 1;
const diagram = time.appendChild(parse(film.time));
const scale = () => diagram.clientWidth / diagram.viewBox.baseVal.width || 1;
const events = [...diagram.querySelectorAll("[data-n].event")];
const rect = (attributes) => {
  const element = document.createElementNS(diagram.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ height: "100%", y: 0, ...attributes })) element.setAttribute(name, value);
  return element;
};
const cursor = rect({ class: "cursor", width: 34, rx: 8 });
diagram.querySelector(".paper").after(cursor);
// Names and legend stay where they are while the rest scrolls by beneath them.
const staying = [rect({ class: "plate", x: 0, width: 112 }), ...diagram.querySelectorAll(".who, .legend")];
diagram.append(...staying);
const size = diagram.viewBox.baseVal;
diagram.style.aspectRatio = `${size.width} / ${size.height}`;

film.frames.forEach((frame, number) => {
  const item = story.appendChild(document.createElement("li"));
  item.textContent = frame.says;
  item.addEventListener("click", () => show(number));
});
events.forEach((event) => event.addEventListener("click", () => show(film.frames.findIndex((frame) => frame.n >= +event.dataset.n))));

const place = (element) => element.getAttribute("transform").match(/-?[\d.]+/g).slice(0, 2).map(Number);
const places = (number) => new Map([...picture.querySelectorAll(".message")].map((element, index) => [film.frames[number].ids[index], element]));
const fly = (element, from, to, more = {}) =>
  element.animate([{ transform: `translate(${from[0]}px, ${from[1]}px)` }, { transform: `translate(${to[0]}px, ${to[1]}px)`, ...more }], { duration: 240, easing: "ease-in-out" });

/** Draw a frame; going one forward, the message that arrives lands first, and the others glide on. */
async function draw(number, before) {
  const mine = ++turn;
  const moves = number === before + 1 && !calm.matches && !document.hidden;
  const old = new Map();
  if (moves) {
    const { landed } = film.frames[number];
    for (const [id, element] of places(before)) old.set(id, place(element));
    const landing = landed && places(before).get(landed[0]);
    if (landing) await fly(landing, place(landing), landed.slice(1), { opacity: 0.2 }).finished.catch(() => {});
    if (mine !== turn) return; // somebody went on meanwhile
  }
  picture.replaceChildren(parse(film.frames[number].svg));
  picture.dataset.step = number;
  if (!moves) return;
  for (const [id, element] of places(number)) {
    if (old.has(id)) fly(element, old.get(id), place(element));
    else element.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 240 });
  }
}

function show(number) {
  const before = now;
  now = Math.max(0, Math.min(last, number));
  const { n, says: sentence } = film.frames[now];
  says.textContent = sentence;
  where.textContent = `step ${now} of ${last}` + (film.dropped ? ` (${film.dropped.toLocaleString("en")} before are left out)` : "");
  slider.value = now;
  slider.setAttribute("aria-valuetext", `step ${now} of ${last}: ${sentence}`);
  find(".back").disabled = find(".first").disabled = now === 0;
  find(".on").disabled = find(".last").disabled = now === last;
  [...story.children].forEach((item, index) => (index === now ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current")));
  const item = story.children[now];
  story.parentElement.scrollTop = item.offsetTop - story.parentElement.offsetTop - story.parentElement.clientHeight / 2;
  document.body.dataset.step = now;
  draw(now, before);
  light(n);
  if (now === last) stop();
}

/** In the diagram: what comes later is faint, what is on its way dashed, what this step came from and sent blue. */
function light(n) {
  const past = events.filter((event) => +event.dataset.n <= n);
  const here = past.at(-1);
  for (const element of diagram.querySelectorAll("[data-n].event, .arrow, .name")) {
    const { n: own, cause, deliver } = element.dataset;
    const begun = +(element.classList.contains("event") ? own : cause);
    element.classList.toggle("later", begun > n);
    if (!deliver) continue;
    element.classList.toggle("coming", begun <= n && +deliver > n);
    element.classList.toggle("related", Boolean(here) && begun <= n && [cause, deliver].includes(here.dataset.n));
  }
  cursor.style.display = here ? "" : "none";
  if (here) cursor.setAttribute("x", place(here)[0] - 17);
  time.scrollLeft = (here ? place(here)[0] : 0) * scale() - time.clientWidth * 0.6;
}

function stay() {
  for (const element of staying) element.setAttribute("transform", `translate(${time.scrollLeft / scale()} 0)`);
}
time.addEventListener("scroll", stay);

function stop() {
  clearInterval(timer);
  timer = 0;
  play.textContent = "Play";
}
function start() {
  if (now === last) show(0);
  clearInterval(timer);
  timer = setInterval(() => show(now + 1), 1000 * PACES[pace]);
  play.textContent = "Pause";
}
function hurry(by) {
  pace = Math.max(0, Math.min(PACES.length - 1, pace + by));
  if (timer) start();
}
function look(view) {
  document.body.dataset.view = view;
  for (const button of document.querySelectorAll("[data-look]")) button.setAttribute("aria-pressed", button.dataset.look === view);
  light(film.frames[now].n);
  stay();
}

const help = find("dialog");
const step = (by) => (stop(), show(now + by));
const acts = {
  PageDown: () => step(1), ".": () => step(1), ArrowRight: () => step(1), PageUp: () => step(-1), ",": () => step(-1), ArrowLeft: () => step(-1),
  Home: () => step(-Infinity), End: () => step(Infinity), " ": () => (timer ? stop() : start()), "+": () => hurry(1), "-": () => hurry(-1),
  1: () => look("all"), 2: () => look("cluster"), 3: () => look("time"), "?": () => (help.open ? help.close() : help.showModal()),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !Object.hasOwn(acts, event.key)) return;
  if (event.key === " " && event.target.closest("button")) return; // Space presses the button that has the focus
  event.preventDefault();
  acts[event.key]();
});
for (const [name, key] of [["first", "Home"], ["back", "PageUp"], ["play", " "], ["on", "PageDown"], ["last", "End"], ["help", "?"]])
  find(`.${name}`).addEventListener("click", acts[key]);
for (const button of document.querySelectorAll("[data-look]")) button.addEventListener("click", () => look(button.dataset.look));
slider.addEventListener("input", () => (stop(), show(+slider.value)));
addEventListener("resize", () => (light(film.frames[now].n), stay()));
slider.max = last;
look("all");
show(0);
