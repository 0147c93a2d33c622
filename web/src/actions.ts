// What can be done: choose a shopper, wish for another list, ask for more of it, record an event.
import { batch, effect } from "@preact/signals";
import { ApiError, ask, follow } from "./ask";
import { catchFocus } from "./focus";
import {
  type ContributionKind,
  DisputeDocument,
  ListDocument,
  RecordDocument,
  ServedDocument,
  StartDocument,
  type TypedDocumentString,
  WithdrawDocument,
} from "./generated";
import * as state from "./state";
import { type Recommended, type Shopper, type Wish, ranks, wish } from "./state";
import { words } from "./words";

/** Cards of one page of the list. */
export const SIZE = 12;
/** So far down the list a card is looked for that an address names. */
const REACH = 60;
const WAITED_FOR = new Set([
  "OFFLINE",
  "OVERLOADED",
  "REQUEST_TIMEOUT",
  "MODEL_UNAVAILABLE",
  "DATABASE_UNAVAILABLE",
  "DATABASE_TIMEOUT",
]);
/** What is missing may come: so long until it is asked for again. */
const AGAIN_MS = 3000;
let asked = 0;
let newest: Promise<void> = Promise.resolve();
let later = 0;
let end: string | null = null;
let unfollow = () => {};

/** As `ask`, and again where what is missing may come, for as long as the answer is wanted. */
export async function insist<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
  wanted: () => boolean,
): Promise<Data> {
  for (let failed = false; ; failed = true) {
    try {
      const answer = await ask(document, variables);
      if (failed && wanted()) tell(null);
      return answer;
    } catch (error) {
      if (!wanted() || !mayCome(error)) throw error;
      tell(error);
      await new Promise((again) => setTimeout(again, AGAIN_MS));
      if (!wanted()) throw error;
    }
  }
}

const mayCome = (error: unknown): boolean => error instanceof ApiError && WAITED_FOR.has(error.code);

export function tell(error: unknown): void {
  state.problem.value = error instanceof Error ? error.message : null;
}

/** Asks for the list again; done when the newest question is answered, even where that is not this one. */
export function refresh({ keep = true } = {}): Promise<void> {
  newest = answer(++asked, keep);
  return newest;
}

async function answer(turn: number, keep: boolean): Promise<void> {
  clearTimeout(later);
  state.busy.value = true;
  const { user, ...rest } = wish.peek();
  const list = { user: user!, ...rest };
  try {
    const first = keep ? Math.max(SIZE, Math.min(state.cards.peek().length, 100)) : SIZE;
    const { user: found } = await ask(ListDocument, { ...list, first });
    const named = state.sought.peek();
    const reached = found && named !== null ? await reach(named, found, list, () => turn === asked) : found;
    if (turn !== asked) return newest;
    state.problem.value = found ? null : words.peek().problems.noShopper(user!);
    if (typeof reached !== "number") take(reached, false);
    else {
      take(found, false);
      if (reached) state.note.value = ({ list }) => list.notAmong(named!, reached);
    }
  } catch (error) {
    if (turn !== asked) return newest;
    if (isStale(error)) return refresh({ keep });
    tell(error);
    if (mayCome(error)) later = setTimeout(() => refresh({ keep }), AGAIN_MS);
  }
  state.busy.value = false;
}

/** The list gone on with until it holds the item; where that is not within reach, how many cards were looked through. */
async function reach(
  item: string,
  found: Shopper,
  list: Wish & { user: string },
  wanted: () => boolean,
): Promise<Shopper | number> {
  let { edges, pageInfo } = found.recommendations;
  while (!edges.some(({ node }) => node.item.externalId === item)) {
    if (!pageInfo.hasNextPage || edges.length >= REACH || !wanted()) return edges.length;
    const { user: further } = await ask(ListDocument, { ...list, first: SIZE, after: pageInfo.endCursor });
    if (!further) return edges.length;
    edges = [...edges, ...further.recommendations.edges];
    pageInfo = further.recommendations.pageInfo;
  }
  return { ...found, recommendations: { edges, pageInfo } };
}

/** Whether another model is being served now than the one that the list was begun with. */
const isStale = (error: unknown): boolean => error instanceof ApiError && error.code === "INVALID_CURSOR";

function take(user: Shopper | null, append: boolean): void {
  const { edges = [], pageInfo } = user?.recommendations ?? {};
  const found: Recommended[] = edges.map((edge) => edge.node);
  const shown = ranks();
  const same = found.length === shown.size && found.every((card) => shown.get(card.item.id) === card.rank);
  batch(() => {
    // An event is told twice, by its answer and by the subscription: the second must not wipe the marks of the first.
    if (append || !user) state.before.value = new Map();
    else if (!same) state.before.value = shown;
    state.shopper.value = user;
    state.cards.value = append ? [...state.cards.peek(), ...found] : found;
    end = pageInfo?.endCursor ?? null;
    state.hasMore.value = pageInfo?.hasNextPage ?? false;
    // The chosen card may have gone, or have come to be the first.
    state.settle();
  });
}

let adding = false;

export async function more(): Promise<void> {
  // Pressed twice, it would add the same cards twice.
  if (adding) return;
  adding = true;
  await newest;
  const turn = asked;
  const { user, ...rest } = wish.peek();
  try {
    const found = await ask(ListDocument, { user: user!, ...rest, first: SIZE, after: end });
    // They go on from where the list ended that was shown then.
    if (found.user && turn === asked) take(found.user, true);
  } catch (error) {
    if (isStale(error)) await refresh();
    else if (turn === asked) tell(error);
  }
  adding = false;
}

export type Deed = "view" | "purchase" | "dismiss";

export async function record(type: Deed, { item }: Pick<Recommended, "item">): Promise<void> {
  const event = {
    user: wish.peek().user!,
    item: item.externalId,
    type,
    eventId: crypto.randomUUID?.() ?? null, // only where the page came safely
    ...(type === "purchase" ? { quantity: 1, amount: item.price } : {}),
  };
  const shown = ranks();
  state.before.value = shown;
  try {
    const { recordEvents } = await ask(RecordDocument, { input: { events: [event] } });
    const [refused] = recordEvents.userErrors;
    if (refused) throw new Error(refused.message);
    await refresh();
    const now = ranks();
    const left = [...shown.keys()].filter((id) => !now.has(id)).length;
    state.note.value = ({ list }) => list.recorded[type](item.title) + (left ? list.left(left) : "") + list.stop;
  } catch (error) {
    tell(error);
  }
}

interface Reason {
  kind: ContributionKind;
  path: readonly { id: string }[];
}

/** Leaves a reason out for the shopper, or uses it again. */
export async function dispute({ kind, path }: Reason, { withdrawn = false } = {}): Promise<void> {
  const input = { user: wish.peek().user!, kind, path: path.map((node) => node.id) };
  try {
    const { userErrors } = withdrawn
      ? (await ask(WithdrawDocument, { input })).withdrawDispute
      : (await ask(DisputeDocument, { input })).disputeReason;
    if (userErrors[0]) throw new Error(userErrors[0].message);
    await refresh();
    state.note.value = ({ why }) => (withdrawn ? why.isUsedAgain : why.isLeftOut);
  } catch (error) {
    tell(error);
  }
}

let wished = 0;

/** Another list for the same shopper, once the slider rests. */
export function want(change: Partial<Wish>): void {
  wish.value = { ...wish.peek(), ...change };
  state.note.value = null; // it told of the list before
  state.writeAddress();
  clearTimeout(wished);
  wished = setTimeout(() => refresh({ keep: false }), 120);
}

export async function setUser(user: string): Promise<void> {
  batch(() => {
    if (user !== wish.peek().user) state.chosen.value = null;
    wish.value = { ...wish.peek(), user };
    state.cards.value = [];
    state.before.value = new Map();
    state.note.value = null;
  });
  state.writeAddress();
  unfollow();
  unfollow = follow(
    user,
    () => {
      clearTimeout(later);
      later = setTimeout(refresh, 150);
    },
    (is) => (state.connected.value = is),
  );
  await refresh({ keep: false });
}

async function load(): Promise<void> {
  try {
    const { users, model, items } = await ask(StartDocument, {});
    const prices = items.edges.map((edge) => edge.node.price).filter((price) => price !== null).sort((a, b) => a - b);
    // A few dear items must not make the slider useless for all others.
    const high = prices[Math.floor((prices.length - 1) * 0.95)];
    state.dearest.value = high === undefined ? 100 : Math.max(Math.ceil(high), 1);
    state.model.value = model;
    const user = wish.peek().user ?? users.edges[0]?.node.externalId;
    if (user !== undefined) await setUser(user);
    else state.problem.value = words.peek().problems.noShoppers;
  } catch (error) {
    tell(error);
    setTimeout(load, AGAIN_MS);
  }
}

/** Another model may be promoted while the page is open: what is said of the model is that of the one that answers. */
effect(() => {
  const known = state.model.value;
  // The first may be trained while the page is open, too.
  if (known === undefined || state.served.value === (known?.version ?? null)) return;
  ask(ServedDocument, {})
    .then(({ model }) => (state.model.value = model))
    .catch(tell);
});

export async function start(): Promise<void> {
  state.readAddress();
  addEventListener("hashchange", () => {
    catchFocus("main");
    const was = wish.peek();
    state.readAddress();
    const now = wish.peek();
    if (now.user !== was.user && now.user !== null) void setUser(now.user);
    else if (JSON.stringify(now) !== JSON.stringify(was)) void refresh({ keep: false });
    else if (state.cards.peek().length) {
      // The way back may name a card that has gone.
      if (state.chosenCard.peek() || state.sought.peek() === null) state.settle();
      else void refresh();
    }
  });
  const loaded = load();
  const config = await fetch("/config.json");
  state.config.value = (await config.json()) as typeof state.config.value;
  await loaded;
}
