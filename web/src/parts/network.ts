// Draws the paths of one recommendation with cytoscape.js: the user on the left, the item on the right.
import cytoscape from "cytoscape";
import type { ContributionPartsFragment } from "../generated";
import { calm, kindName, nodeName, signed } from "../told";

export interface Drawing {
  edges: number;
  highlight: (place: number | null) => void;
  end: () => void;
}

interface Wanted {
  user: string;
  item: string;
  contributions: readonly ContributionPartsFragment[];
  light: (place: number | null) => void;
}

// cytoscape would write a style element, which the page's policy forbids; it leaves that where it finds its own id.
// The one rule in it is in why.css (.graph).
function forbearStyle(): void {
  const id = "__________cytoscape_stylesheet";
  if (document.getElementById(id)) return;
  const mark = document.createElement("meta");
  mark.id = id;
  document.head.append(mark);
}

/** The colour that a class of the page has now, in the scheme that is preferred. */
function colours(place: HTMLElement): (name: string) => string {
  const probe = document.createElement("i");
  place.append(probe);
  const found = new Map<string, string>();
  return (name) => {
    if (!found.has(name)) {
      probe.style.color = `var(--${name})`;
      found.set(name, getComputedStyle(probe).color);
    }
    return found.get(name)!;
  };
}

const GLYPHS = {
  user: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 9c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5Z",
  item: "M5 8.5h14l1 12H4Zm3.5 0V7a3.5 3.5 0 0 1 7 0v1.5h-1.7V7a1.8 1.8 0 0 0-3.6 0v1.5Z",
};

const glyph = (name: keyof typeof GLYPHS, colour: string): string =>
  `data:image/svg+xml,${encodeURIComponent(
    `<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24"><path fill="${colour}" d="${GLYPHS[name]}"/></svg>`,
  )}`;

interface Point {
  x: number;
  y: number;
}

// Between boxes of one path, so that the line from one to the next is seen.
const GAP = 22;

/** Control points, in cytoscape's measure (share of the line, distance to its left), of a curve that leaves and arrives level. */
function level(from: Point, to: Point): { weights: number[]; distances: number[] } {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy) || 1;
  const aside = (dx * dy) / 2 / length;
  return {
    weights: [(dx * dx) / 2 / length ** 2, ((dx * dx) / 2 + dy * dy) / length ** 2],
    distances: [-aside, aside],
  };
}

export function draw(place: HTMLElement, { user, item, contributions, light }: Wanted): Drawing {
  forbearStyle();
  const colour = colours(place);
  const { width, height } = { width: place.clientWidth, height: place.clientHeight };
  const narrow = width < 430;
  const edge = narrow ? 34 : 52;
  const most = Math.max(...contributions.map((part) => Math.abs(part.value)), 1e-9);
  const row = (height - 24) / Math.max(contributions.length, 1);
  const elements: cytoscape.ElementDefinition[] = [];
  const at = new Map<string, Point>();
  // At most three lines below the sign.
  const below = narrow ? 66 : 98;
  const end = (name: string) => broken(cut(name, 3 * below), below);
  const put = (id: string, position: Point, data: Record<string, unknown>, classes: string) => {
    at.set(id, position);
    elements.push({ data: { id, ...data }, position, classes });
  };
  put("user", { x: edge, y: height / 2 }, { label: end(user), icon: glyph("user", colour("sheet")) }, "end user");
  put("item", { x: width - edge, y: height / 2 }, { label: end(item), icon: glyph("item", colour("on-accent")) }, "end item");

  contributions.forEach((part, number) => {
    const kind = colour(`k-${part.kind}`);
    const y = 12 + row * (number + 0.5);
    const middle = part.path.slice(1, -1);
    const names = middle.length ? middle.map((node) => calm(nodeName(node))) : [kindName(part.kind)];
    // Two boxes on a phone have no room for the kind.
    const told = middle.length && (middle.length === 1 || !narrow) ? `${kindName(part.kind)} ${signed(part.value)}` : signed(part.value);
    const room = (width - 2 * edge - 80) / names.length;
    const wide = Math.min(narrow ? 150 : 196, names.length > 1 ? room - GAP : room);
    const ids = names.map((name, step) => {
      const id = `${number}.${step}`;
      const x = edge + 40 + room * (step + 0.5);
      // The whole path has one amount: it stands where the path reaches the item.
      const label = step < names.length - 1 ? cut(name, wide) : `${cut(name, wide)}\n${told}`;
      put(id, { x, y }, { number, kind, wide, label }, "via");
      return id;
    });
    // What does not come from the user (popularity, promotions) has no edge from the user.
    const stops = [...(part.path.length === 1 ? [] : ["user"]), ...ids, "item"];
    stops.slice(1).forEach((target, step) => {
      const source = stops[step]!;
      const thick = 1.5 + 10 * (Math.abs(part.value) / most);
      // Ends lie at the sides of what is in the middle, and behind the user and the item.
      const [left, right] = [source === "user" ? 0 : wide / 2, target === "item" ? 0 : wide / 2];
      const [from, to] = [at.get(source)!, at.get(target)!];
      const curve = level({ x: from.x + left, y: from.y }, { x: to.x - right, y: to.y });
      const data = { source, target, number, kind, thick, out: `${left} 0`, into: `${-right} 0`, ...curve };
      elements.push({ data, classes: part.value < 0 ? "against" : "" });
    });
  });

  const cy = cytoscape({
    container: place,
    elements,
    layout: { name: "preset", fit: false },
    style: style(colour, narrow),
    userZoomingEnabled: false,
    userPanningEnabled: false,
    boxSelectionEnabled: false,
    autoungrabify: true,
    autounselectify: true,
  });
  cy.on("mouseover", "[number]", (event) => light(event.target.data("number") as number));
  cy.on("mouseout", "[number]", () => light(null));
  cy.on("tap", (event) => light(event.target === cy ? null : ((event.target.data("number") as number) ?? null)));
  void document.fonts.ready.then(() => !cy.destroyed() && cy.forceRender());
  return {
    edges: cy.edges().length,
    highlight: (number) =>
      cy.batch(() => {
        const all = cy.elements("[number]");
        all.removeClass("lit dim");
        if (number === null) return;
        all.filter((part) => part.data("number") !== number).addClass("dim");
        all.filter((part) => part.data("number") === number).addClass("lit");
      }),
    end: () => {
      cy.destroy();
      place.replaceChildren();
    },
  };
}

function cut(text: string, wide: number): string {
  const most = Math.floor(wide / 6.6);
  return text.length > most ? `${text.slice(0, most - 1).trimEnd()}…` : text;
}

/** Broken between words, where cytoscape would break within them; a word that is longer than a line is left to it. */
function broken(text: string, wide: number): string {
  const most = Math.floor(wide / 6.6);
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines.push(`${lines.pop()} ${word}`);
    else lines.push(word);
  }
  return lines.join("\n");
}

// Round ends lengthen a dash by the line's width: a gap that is not wider than that closes.
const dashes = (edge: cytoscape.EdgeSingular): number[] => [3, 5.5 + (edge.data("thick") as number)];

function style(colour: (name: string) => string, narrow: boolean): cytoscape.StylesheetJson {
  const font = getComputedStyle(document.body).fontFamily;
  return [
    {
      selector: "node",
      style: { label: "data(label)", "font-family": font, "text-wrap": "wrap", color: colour("ink"), "font-weight": 600 },
    },
    {
      selector: ".end",
      style: {
        width: 44,
        height: 44,
        "background-color": colour("ink"),
        "background-image": "data(icon)",
        "background-width": "24px",
        "background-height": "24px",
        "font-size": narrow ? 10 : 11.5,
        "text-valign": "bottom",
        "text-margin-y": 6,
        "text-max-width": narrow ? "66px" : "98px",
        "text-overflow-wrap": "anywhere",
        "text-background-color": colour("sheet"),
        "text-background-opacity": 0.85,
        "text-background-padding": "2px",
        "text-background-shape": "round-rectangle",
      },
    },
    { selector: ".end.item", style: { "background-color": colour("accent") } },
    {
      selector: ".via",
      style: {
        shape: "round-rectangle",
        "corner-radius": "10px",
        width: "data(wide)",
        height: 38,
        "background-color": colour("sheet"),
        "border-width": 1.5,
        "border-color": "data(kind)",
        "font-size": 11,
        "line-height": 1.25,
        "text-valign": "center",
        "text-max-width": "data(wide)",
      },
    },
    {
      selector: "edge",
      style: {
        width: "data(thick)",
        "line-color": "data(kind)",
        "line-opacity": 0.55,
        "line-cap": "round",
        "curve-style": "unbundled-bezier",
        "edge-distances": "endpoints",
        "source-endpoint": "data(out)",
        "target-endpoint": "data(into)",
        "control-point-weights": "data(weights)",
        "control-point-distances": "data(distances)",
        "z-index": 0,
      },
    },
    { selector: "edge.against", style: { "line-style": "dashed", "line-dash-pattern": dashes } },
    { selector: "edge.lit", style: { "line-opacity": 0.95, "z-index": 1 } },
    { selector: ".via.lit", style: { "border-width": 2.5 } },
    { selector: "edge.dim", style: { "line-opacity": 0.1 } },
    { selector: "node.dim", style: { opacity: 0.4 } },
  ] as unknown as cytoscape.StylesheetJson;
}
