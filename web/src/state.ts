// What the page knows: the wish (in the address, so that it can be sent to someone), the list, what is chosen in it.
import { computed, signal } from "@preact/signals";
import type { ListQuery, Locale, Mode, StartQuery } from "./generated";
import type { Change } from "./whatif";
import type { Words } from "./words";

export type Shopper = NonNullable<ListQuery["user"]>;
export type Recommended = Shopper["recommendations"]["edges"][number]["node"];
export type View = "list" | "what-if" | "model" | "item";

export interface Wish {
  user: string | null;
  mode: Mode;
  budget: number | null;
  diversity: number;
  /** The language of the page and of what the service says. */
  locale: Locale;
}

/** What the browser is set to, where nobody chose. */
export const preferred: Locale = navigator.language.toLowerCase().startsWith("zh") ? "ZH" : "EN";

export const wish = signal<Wish>({ user: null, mode: "ALL", budget: null, diversity: 0, locale: preferred });
/** For whoever reads the page out. */
export const lang = computed(() => wish.value.locale.toLowerCase());
export const view = signal<View>("list");
/** What is taken to be different in What if. */
export const changes = signal<readonly Change[]>([]);
/** The item that its own view shows. */
export const seen = signal<string | null>(null);

export const shopper = signal<Shopper | null>(null);
export const cards = signal<Recommended[]>([]);
export const hasMore = signal(false);
export const busy = signal(false);
/** The item whose reasons are shown beside the list, by the shop's own id. */
export const chosen = signal<string | null>(null);
/** The item that an address just followed names as the chosen one, until a list has been looked through for it. */
export const sought = signal<string | null>(null);
export const chosenCard = computed(() => cards.value.find((card) => card.item.externalId === chosen.value) ?? null);
/** Rank by item of the list that the marks of movement compare with. */
export const before = signal<ReadonlyMap<string, number>>(new Map());
/** The upper end of the budget slider. */
export const dearest = signal(100);
/** Undefined until the service has said which one, or that there is none. */
export const model = signal<StartQuery["model"] | undefined>(undefined);
/** Version of the model that made the newest answer. */
export const served = signal<string | null>(null);
export const connected = signal(false);
export const problem = signal<string | null>(null);
/** What was done last, in whichever language the page is then. */
export const note = signal<((words: Words) => string) | null>(null);
export const config = signal<{ graphiql: boolean; neo4jBrowser: string | null }>({ graphiql: false, neo4jBrowser: null });

export const currency = computed(() => cards.value[0]?.item.currency ?? null);

export const ranks = (): Map<string, number> => new Map(cards.value.map((card) => [card.item.id, card.rank]));

/** Reads changes out of an address, which anybody may have written: what is no change is left out. */
function readChanges(given: string | null): Change[] {
  try {
    const found: unknown = JSON.parse(given ?? "[]");
    return Array.isArray(found) ? found.filter(isChange) : [];
  } catch {
    return [];
  }
}

const HAPPENED: readonly unknown[] = ["view", "cart", "purchase", "dismiss"];

function isChange(one: unknown): one is Change {
  if (typeof one !== "object" || one === null) return false;
  const { what, item, type, price, promoted, budget, name, value } = one as Record<string, unknown>;
  const { id, title } = (item ?? {}) as Record<string, unknown>;
  const named = typeof id === "string" && typeof title === "string";
  switch (what) {
    case "without":
      return named;
    case "happened":
      return named && HAPPENED.includes(type);
    case "price":
      return named && typeof price === "number";
    case "promoted":
      return named && typeof promoted === "boolean";
    case "budget":
      return typeof budget === "number";
    case "attribute":
      return typeof name === "string" && typeof value === "string";
    default:
      return false;
  }
}

const LOCALES: Readonly<Record<string, Locale>> = { en: "EN", zh: "ZH" };
const MODES: readonly string[] = ["ALL", "DISCOVER", "REBUY"] satisfies Mode[];

/** The address that the page shows: another one has been followed and not been read yet. */
let shown = "";

export function readAddress(): void {
  shown = location.hash;
  const given = new URLSearchParams(location.hash.slice(1));
  const budget = given.has("budget") ? Number(given.get("budget")) : Number.NaN;
  const mode = given.get("mode") ?? "ALL";
  const same = given.get("user") === wish.peek().user;
  sought.value = given.get("why");
  chosen.value = sought.value ?? (same ? chosen.peek() : null);
  wish.value = {
    user: given.get("user") || wish.peek().user,
    mode: MODES.includes(mode) ? (mode as Mode) : "ALL",
    budget: budget >= 0 && Number.isFinite(budget) ? budget : null,
    diversity: Math.min(Math.max(Number(given.get("diversity")) || 0, 0), 1),
    locale: LOCALES[given.get("locale") ?? ""] ?? preferred,
  };
  seen.value = given.get("item");
  const said = given.get("view");
  view.value = said === "model" || said === "what-if" ? said : seen.value ? "item" : "list";
  // Other views leave them as they are, for the way back.
  if (view.value === "what-if") changes.value = readChanges(given.get("changes"));
}

/** The address of the page with some of it changed. */
export function address(change: Partial<Wish> & { view?: View; item?: string } = {}): string {
  const { user, mode, budget, diversity, locale } = { ...wish.value, ...change };
  const said = new URLSearchParams();
  if (user !== null) said.set("user", user);
  if (mode !== "ALL") said.set("mode", mode);
  if (budget !== null) said.set("budget", String(budget));
  if (diversity) said.set("diversity", String(diversity));
  if (locale !== preferred) said.set("locale", locale.toLowerCase());
  const to = change.view ?? view.value;
  if (to === "item") said.set("item", change.item ?? seen.value ?? "");
  else if (to !== "list") said.set("view", to);
  // The first is shown where none is named.
  else if (user === wish.value.user && chosen.value !== null && chosen.value !== cards.value[0]?.item.externalId)
    said.set("why", chosen.value);
  if (to === "what-if" && changes.value.length) said.set("changes", JSON.stringify(changes.value));
  return `#${said}`;
}

/** Tells in the address what is shown; an address just followed stays as it is, to be read. */
export function writeAddress(): void {
  if (location.hash !== shown) return;
  history.replaceState(null, "", address());
  shown = location.hash;
}

/** Shows the first card where the chosen one is not on the list, and says so in the address. */
export function settle(): void {
  sought.value = null;
  if (!chosenCard.value) chosen.value = cards.value[0]?.item.externalId ?? null;
  writeAddress();
}
