// Draws: DOM and SVG elements, bars of contributions, and the paths of one recommendation as a small graph.

const SVG = "http://www.w3.org/2000/svg";

export const KINDS = {
  OWN_HISTORY: "Own history",
  ITEM: "Goes with",
  CATEGORY: "Category",
  BRAND: "Brand",
  POPULARITY: "Popularity",
  PROMOTION: "Promotions",
  PRICE_FIT: "Price fit",
  PURCHASE_POWER: "Purchase power",
  OTHER: "Smaller reasons",
};

// el("p.note", {id: "x"}, "text", child): text is never read as markup.
export function el(selector, attributes = {}, ...children) {
  const [name, ...classes] = selector.split(".");
  const made = document.createElement(name);
  made.classList.add(...classes);
  return fill(made, attributes, children);
}

function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

// What a contribution leads through: the middle of its path, or the kind itself.
export function via(contribution) {
  const middle = contribution.path.slice(1, -1)[0];
  return middle?.title ?? middle?.name ?? KINDS[contribution.kind];
}

// A meter in five steps; the text beside it says the same.
export function level(value, label) {
  const filled = Math.round(value * 5);
  const steps = [1, 2, 3, 4, 5].map((step) => el(step <= filled ? "i.on" : "i"));
  return el("span.level", { role: "img", "aria-label": `${label}: ${Math.round(value * 100)} of 100` }, ...steps);
}

// One strip with a part per contribution that speaks for the item.
export function strip(contributions) {
  const made = el("span.strip", { "aria-hidden": "true" });
  const total = contributions.reduce((sum, part) => sum + Math.abs(part.value), 0) || 1;
  for (const part of contributions) {
    const piece = el(`i.k-${part.kind}${part.value < 0 ? ".against" : ""}`);
    piece.style.flexGrow = Math.max(Math.abs(part.value) / total, 0.01);
    made.append(piece);
  }
  return made;
}

// Bars from a common zero line, with the sentence of each.
export function bars(contributions) {
  const most = Math.max(...contributions.map((part) => Math.abs(part.value)), 1e-9);
  const negative = contributions.some((part) => part.value < 0);
  return el(
    negative ? "ol.bars.two-sided" : "ol.bars",
    { "aria-label": "Contributions to the score" },
    ...contributions.map((part, place) => {
      const bar = el(`i.k-${part.kind}${part.value < 0 ? ".against" : ""}`, { "aria-hidden": "true" });
      bar.style.width = `${(Math.abs(part.value) / most) * (negative ? 50 : 100)}%`;
      return el(
        "li",
        { "data-place": place },
        el("span.said", {}, part.sentence),
        el("span.amount", {}, signed(part.value)),
        el("span.track", {}, bar),
      );
    }),
  );
}

function cut(text, most) {
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

// At most two lines of about `most` signs.
function lines(text, most) {
  if (text.length <= most) return [text];
  const at = text.lastIndexOf(" ", most);
  return at > 3 ? [text.slice(0, at), cut(text.slice(at + 1), most)] : [cut(text, most)];
}

// A person and a bag, 24 by 24.
const GLYPHS = {
  user: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 9c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5Z",
  item: "M5 8.5h14l1 12H4Zm3.5 0V7a3.5 3.5 0 0 1 7 0v1.5h-1.7V7a1.8 1.8 0 0 0-3.6 0v1.5Z",
};

// User on the left, what the contributions lead through in the middle, the item on the right. Widths are values.
export function paths(user, item, contributions) {
  const narrow = matchMedia("(max-width: 520px)").matches;
  const row = 46, width = narrow ? 380 : 540, half = narrow ? 74 : 88;
  const height = Math.max(contributions.length * row + 12, 150);
  const left = narrow ? 44 : 56, right = width - left, middle = width / 2, centre = height / 2;
  const most = Math.max(...contributions.map((part) => Math.abs(part.value)), 1e-9);
  const edges = svg("g", { class: "edges" }), nodes = svg("g", { class: "nodes" });
  contributions.forEach((part, place) => {
    const y = centre + row * (place - (contributions.length - 1) / 2);
    const thick = 1.5 + 9 * (Math.abs(part.value) / most);
    const about = `k-${part.kind}${part.value < 0 ? " against" : ""}`;
    const group = { class: about, "data-place": place, "stroke-width": thick.toFixed(1) };
    const told = [via(part) === KINDS[part.kind] ? "" : KINDS[part.kind], signed(part.value)].join(" ").trim();
    const curve = (from, y1, to, y2) => {
      const bend = (from + to) / 2;
      return svg("path", { ...group, d: `M${from} ${y1}C${bend} ${y1} ${bend} ${y2} ${to} ${y2}` });
    };
    // What does not come from the user (popularity, promotions) has no edge from the user.
    if (part.path.length !== 1) edges.append(curve(left, centre, middle - half, y));
    edges.append(curve(middle + half, y, right, centre));
    nodes.append(
      svg(
        "g",
        { class: `via ${about}`, "data-place": place },
        svg("title", {}, `${via(part)}: ${signed(part.value)}`),
        svg("rect", { x: middle - half, y: y - 17, width: 2 * half, height: 34, rx: 10 }),
        svg("text", { x: middle, y: y - 2, class: "name" }, cut(via(part), narrow ? 20 : 25)),
        svg("text", { x: middle, y: y + 11, class: "kind" }, told),
      ),
    );
  });
  const end = (x, name, label) =>
    svg(
      "g",
      { class: `end ${name}` },
      svg("title", {}, label),
      svg("circle", { cx: x, cy: centre, r: 22 }),
      svg("path", { d: GLYPHS[name], transform: `translate(${x - 12} ${centre - 12})` }),
      ...lines(label, narrow ? 12 : 15).map((text, at) => svg("text", { x, y: centre + 38 + 13 * at }, text)),
    );
  nodes.append(end(left, "user", user), end(right, "item", item));
  const told = `${contributions.length} paths from ${user} to ${item}; the list above says the same in words`;
  const frame = { class: "paths", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told };
  return svg("svg", frame, edges, nodes);
}
