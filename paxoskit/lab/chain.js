// The block chains of all servers: what they agree on once, a fork as blocks one above the other, and pending votes.

/** @param {Block} block */
const blockKind = ({ fork, on }) => (fork ? "block fork" : on.length ? "block" : "block pending");
/** The word that a block wears if it is no ordinary one. @param {Block} block */
const blockBadge = ({ fork, on }) => (fork ? "fork" : on.length ? "" : "voted");
/** The heading of a block; a long number leaves no room for the word beside a badge. @param {Block} block */
const blockTitle = (block) => (block.height > 99 && blockBadge(block) ? String(block.height) : `block ${block.height}`);
/** @param {Block} block */
function blockSays(block) {
  const { height, lines, on, votes = [] } = block,
    badge = blockBadge(block);
  const owners = [
    on.length ? `on server ${on.join(", ")}` : "",
    votes.length ? `with votes of server ${votes.join(", ")}` : "",
  ];
  return [`block ${height}${badge && ` ${badge}`}`, ...lines, ...owners.filter(Boolean)].join(", ");
}
/** @param {Block} block @param {number} server */
const ownerKind = ({ on, votes = [] }, server) =>
  on.includes(server) ? "owner" : votes.includes(server) ? "owner voted" : "owner without";

/** @param {Chain} chain */
const blockHeight = (chain) => BLOCK_HEIGHT + 30 * (Math.ceil(chain.servers / MARKS) - 1);

/** The text twin: the chain in sentences. @param {Chain} chain */
const chainSays = (chain) =>
  chain.blocks.length
    ? chain.blocks.map(
        (block) => `${blockSays(block)}, nonce ${block.nonce}, hash …${block.id}, before it …${block.previous}`,
      )
    : [noBlock(chain)];

/** What stands where no block is. @param {Chain} chain */
const noBlock = ({ absent }) => (absent ? "no server here keeps a chain" : "no block yet");

/** In lecture mode, on a screen of 1920 by 1080, letters of 17 are at least 24 px high. */
const LECTURE_SCALE = 1.45;

/** @param {Lab} lab @param {HTMLElement} parent */
function chainPanel(lab, parent) {
  const picture = make(parent, "svg", { class: "chain", role: "group", "aria-label": "block chain" });
  const empty = make(picture, "text", { class: "note", y: 80 });
  const blocks = new Map();
  /** @type {Chain} */
  let chain;
  let lowest = 0,
    drawn = "",
    roomy = 0; // how wide the panel is: asked of the page at each drawing, it would be laid out twice

  /** @param {Block} block */
  function newBlock({ id }) {
    const g = make(picture, "g");
    g.pointer = make(g, "path", { class: "pointer" });
    g.body = make(g, "rect", { class: "body", width: BLOCK, rx: 10 });
    g.title = make(g, "text", { class: "title", x: 11, y: 25 });
    g.badge = make(g, "g", { class: "badge" });
    g.badge.box = make(g.badge, "rect", { y: 7, height: 25, rx: 6 });
    g.badge.word = make(g.badge, "text", { y: 25 });
    g.lines = [0, 1, 2, 3].map((number) => make(g, "text", { class: "mono", x: 11, y: 50 + 22 * number }));
    g.owners = Array.from({ length: chain.servers }, (_, number) => {
      const owner = make(g, "g", {
        transform: `translate(${25 + 30 * (number % MARKS)} ${137 + 30 * Math.floor(number / MARKS)})`,
      });
      make(owner, "circle", { r: 12 });
      make(owner, "text", { y: 6 }, number + 1);
      return owner;
    });
    asButton(g, () => lab.inspect({ act: "block", hash: id }));
    return g;
  }

  /** @param {any} g @param {Block} block */
  function changeBlock(g, block) {
    const { id, height, row, nonce, previous, lines } = block,
      high = blockHeight(chain);
    g.style.transform = `translate(${26 + (BLOCK + GAP) * (height - lowest)}px, ${6 + (high + 18) * row}px)`;
    g.setAttribute("class", blockKind(block));
    g.setAttribute("aria-label", blockSays(block));
    const before = chain.blocks.find((other) => other.id === previous);
    const up = (high + 18) * ((before ? before.row : 0) - row);
    g.pointer.setAttribute("d", height ? `M0 66L-22 ${66 + up}m8-6l-8 6l8 6` : "");
    g.body.setAttribute("height", high);
    put(g.title, blockTitle(block));
    changeBadge(g.badge, blockBadge(block));
    [lines[0] ?? "", lines[1] ?? "", `nonce ${nonce}`, `hash …${id}`].forEach((line, number) =>
      put(g.lines[number], line),
    );
    g.owners.forEach((/** @type {any} */ owner, /** @type {number} */ number) =>
      owner.setAttribute("class", ownerKind(block, number + 1)),
    );
  }

  /** @param {any} badge @param {string} word */
  function changeBadge(badge, word) {
    const wide = 10 * word.length + 12;
    badge.style.display = word ? "" : "none";
    put(badge.word, word);
    badge.word.setAttribute("x", BLOCK - 6 - wide / 2);
    badge.box.setAttribute("x", BLOCK - 6 - wide);
    badge.box.setAttribute("width", wide);
  }

  /** How many blocks fit side by side with letters that can be read. @param {number} least  the scale they need */
  function room(least) {
    const fits = Math.floor(roomy / (least * (BLOCK + GAP)));
    return Math.max(1, Math.min(6, fits || 6));
  }

  function draw() {
    chain = lab.get("chain");
    const large = lab.root.classList.contains("lecture"),
      scale = large ? LECTURE_SCALE * Math.min(innerHeight / 1080, innerWidth / 1920) : 1.3,
      forks = Math.max(0, ...chain.blocks.map(({ row }) => row));
    const isTall = forks > 0 || chain.servers > MARKS || lab.get("verdict")?.ok === false;
    lab.root.classList.toggle("tall-chain", isTall); // then it stands beside the cluster, or the page would not fit
    const many = room(large ? scale : 0.8),
      as = JSON.stringify([chain, many, scale]);
    if (as === drawn) return;
    drawn = as;
    const top = chain.blocks.length ? chain.blocks[chain.blocks.length - 1].height : 0;
    const seen = chain.blocks.filter(({ height }) => height > top - many);
    lowest = seen.length ? seen[0].height : 0;
    const rows = 1 + Math.max(0, ...seen.map(({ row }) => row)),
      wide = many * (BLOCK + GAP) + GAP;
    picture.setAttribute("viewBox", `0 0 ${wide} ${rows * (blockHeight(chain) + 18)}`);
    picture.style.maxWidth = `${scale * wide}px`;
    empty.setAttribute("x", wide / 2);
    put(empty, noBlock(chain));
    empty.style.display = seen.length ? "none" : "";
    keep(blocks, seen, (block) => block.id, newBlock, changeBlock);
  }

  const watcher = new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width === roomy) return;
    roomy = contentRect.width;
    if (chain) draw();
  });
  watcher.observe(parent);
  return { draw, says: () => chainSays(chain), stop: () => watcher.disconnect() };
}
