// A changed world, and the list in it. The service writes nothing, and neither does this page.
import { batch, computed, signal } from "@preact/signals";
import { tell } from "./actions";
import { ask } from "./ask";
import { type WhatIfInput, WhatIfDocument, type WhatIfQuery } from "./generated";
import { address, cards, changes, view, wish, writeAddress } from "./state";
import { money, nodeName } from "./told";
import { words } from "./words";

export type Change =
  | { what: "without"; item: Named }
  | { what: "happened"; item: Named; type: "view" | "cart" | "purchase" | "dismiss" }
  | { what: "price"; item: Named; price: number }
  | { what: "promoted"; item: Named; promoted: boolean }
  | { what: "budget"; budget: number }
  | { what: "attribute"; name: string; value: string };

export interface Named {
  id: string;
  title: string;
}

export type Compared = NonNullable<WhatIfQuery["user"]>["whatIf"];
export type Move = Compared["moved"][number];

export const compared = signal<Compared | null>(null);
/** The changes that were compared: others may have been chosen since. */
const comparedFor = signal<readonly Change[]>([]);
/** Whether what was compared is what is chosen now. */
export const settled = computed(() => compared.value !== null && comparedFor.value === changes.value);
export const thinking = signal(false);
/** The item whose move is told in full. */
export const told = signal<string | null>(null);

export function inWords(change: Change, currency: string | null): string {
  const told = words.value.whatIf.changes;
  switch (change.what) {
    case "without":
      return told.without(change.item.title);
    case "happened":
      return told[change.type](change.item.title);
    case "price":
      return told.price(change.item.title, money(change.price, currency)!);
    case "promoted":
      return (change.promoted ? told.promoted : told.unpromoted)(change.item.title);
    case "budget":
      return told.budget(money(change.budget, currency)!);
    case "attribute":
      return told.attribute(change.name, change.value);
  }
}

/** What a later change of the same thing replaces. */
export const subject = (change: Change): string => {
  if (change.what === "happened") return `${change.what} ${change.type} ${change.item.id}`;
  if (change.what === "attribute") return `${change.what} ${change.name}`;
  return "item" in change ? `${change.what} ${change.item.id}` : change.what;
};

function set(to: readonly Change[]): void {
  changes.value = to;
  if (view.peek() === "what-if") writeAddress();
}

export function add(change: Change): void {
  set([...changes.peek().filter((one) => subject(one) !== subject(change)), change]);
}

export function remove(change: Change): void {
  set(changes.peek().filter((one) => one !== change));
}

export const removeAll = (): void => set([]);

/** Takes a reason's item away and shows what becomes of the list. */
export function without(item: Named): void {
  add({ what: "without", item });
  location.hash = address({ view: "what-if" });
}

function input(): WhatIfInput {
  const made: WhatIfInput = {};
  const items = new Map<string, { item: string; price?: number; promoted?: boolean }>();
  const of = (item: string) => {
    if (!items.has(item)) items.set(item, { item });
    return items.get(item)!;
  };
  for (const change of changes.peek()) {
    if (change.what === "without") made.withoutItems = [...(made.withoutItems ?? []), change.item.id];
    else if (change.what === "happened") made.events = [...(made.events ?? []), { item: change.item.id, type: change.type }];
    else if (change.what === "price") of(change.item.id).price = change.price;
    else if (change.what === "promoted") of(change.item.id).promoted = change.promoted;
    else if (change.what === "budget") made.budget = change.budget;
    else made.attributes = [...(made.attributes ?? []), { name: change.name, value: change.value }];
  }
  return { ...made, items: [...items.values()] };
}

const SHOWN = 12;
let asked = 0;

export async function compare(): Promise<void> {
  const { user, ...rest } = wish.peek();
  if (user === null) return;
  const turn = ++asked;
  thinking.value = true;
  const chosen = changes.peek();
  try {
    const found = await ask(WhatIfDocument, { user, ...rest, first: SHOWN, change: input() });
    if (turn !== asked) return;
    const lists = found.user?.whatIf ?? null;
    const listed = [...(lists?.before ?? []), ...(lists?.after ?? [])];
    batch(() => {
      compared.value = lists;
      comparedFor.value = chosen;
      if (!listed.some(({ item }) => item.id === told.peek())) told.value = null;
    });
    if (found.user) tell(null);
  } catch (error) {
    if (turn === asked) tell(error);
  }
  if (turn === asked) thinking.value = false;
}

/** Items that the shopper's list rests on, most often named first. */
export const leaned = computed<Named[]>(() => {
  const found = new Map<string, { item: Named; weight: number }>();
  for (const { item, explanation } of cards.value) {
    for (const part of explanation.contributions) {
      const node = part.kind === "OWN_HISTORY" ? { id: item.externalId, title: item.title } : throughItem(part.path);
      if (!node) continue;
      const weight = (found.get(node.id)?.weight ?? 0) + Math.abs(part.value);
      found.set(node.id, { item: node, weight });
    }
  }
  return [...found.values()].sort((a, b) => b.weight - a.weight).slice(0, 6).map(({ item }) => item);
});

type Path = (typeof cards.value)[number]["explanation"]["contributions"][number]["path"];

/** The item in the middle of a path. */
export function throughItem(path: Path): Named | null {
  const node = path.slice(1, -1).find((one) => one.__typename === "Item");
  return node?.__typename === "Item" ? { id: node.externalId, title: nodeName(node) } : null;
}
