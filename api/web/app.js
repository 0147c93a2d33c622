// The page: choose a shopper, see purchase power, the list with its reasons, and how the list changes with events.

import { ask, follow, NEIGHBORS, PAGE, RECORD, START, USERS } from "./api.js";
import { cardOf, certainties, money, percent, powerTiles } from "./cards.js";
import { combobox } from "./combobox.js";
import { bars, el, paths } from "./draw.js";

const SIZE = 12;
const WAITED_FOR = new Set(["OFFLINE", "MODEL_UNAVAILABLE", "DATABASE_UNAVAILABLE", "DATABASE_TIMEOUT"]);
const $ = (id) => document.getElementById(id);
const state = {
  user: null, mode: "ALL", budget: null, diversity: 0, cards: [], chosen: null, end: null,
  before: new Map(), // rank by item of the list that the marks of movement compare with
};
let dearest = 100, unfollow = () => {}, asked = 0, newest, later;

function alertUser(error) {
  $("alert").hidden = !error;
  $("alert").textContent = error ? error.message : "";
}

// --- what is asked for lives in the address, so that it can be sent to someone

function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  state.user = given.get("user") ?? state.user;
  state.mode = ["ALL", "DISCOVER", "REBUY"].includes(given.get("mode")) ? given.get("mode") : "ALL";
  state.budget = given.has("budget") && Number(given.get("budget")) >= 0 ? Number(given.get("budget")) : null;
  state.diversity = Math.min(Math.max(Number(given.get("diversity")) || 0, 0), 1);
}

function writeAddress() {
  const said = new URLSearchParams({ user: state.user });
  if (state.mode !== "ALL") said.set("mode", state.mode);
  if (state.budget !== null) said.set("budget", state.budget);
  if (state.diversity) said.set("diversity", state.diversity);
  history.replaceState(null, "", `#${said}`);
}

function showControls() {
  for (const radio of document.getElementsByName("mode")) radio.checked = radio.value === state.mode;
  $("budget").value = state.budget === null ? 100 : Math.round((state.budget / dearest) * 100);
  $("diversity").value = state.diversity * 100;
  tellControls();
}

function tellControls() {
  const currency = state.cards[0]?.item.currency;
  $("budget-told").textContent = state.budget === null ? "no limit" : `up to ${money(state.budget, currency)}`;
  $("diversity-told").textContent = percent(state.diversity);
}

// --- the list

// Done when the newest question is answered, even where that is not this one.
function refresh({ keep = true } = {}) {
  newest = answer(++asked, keep);
  return newest;
}

async function answer(turn, keep) {
  clearTimeout(later);
  $("list").setAttribute("aria-busy", "true");
  try {
    const first = keep ? Math.max(SIZE, Math.min(state.cards.length, 100)) : SIZE;
    const { user } = await ask(PAGE, { ...wish(), first });
    if (turn !== asked) return newest;
    alertUser(user ? null : new Error(`There is no shopper ${state.user}.`));
    if (user) take(user, false);
    else clear();
  } catch (error) {
    if (turn !== asked) return newest;
    alertUser(error);
    // What is missing may come: the next try is the cure.
    if (WAITED_FOR.has(error.code)) later = setTimeout(() => refresh({ keep }), 3000);
  }
  $("list").removeAttribute("aria-busy");
}

const wish = () => ({ user: state.user, mode: state.mode, budget: state.budget, diversity: state.diversity });

function clear() {
  Object.assign(state, { cards: [], before: new Map() });
  $("cards").replaceChildren();
  $("power").replaceChildren();
  $("known").textContent = "";
  $("more").hidden = true;
  choose(null);
}

function take(user, append) {
  const { edges, pageInfo } = user.recommendations;
  const found = edges.map((edge) => edge.node);
  const shown = ranks(), same = found.length === shown.size && found.every((card) => shown.get(card.item.id) === card.rank);
  // An event is told twice, by its answer and by the subscription: the second must not wipe the marks of the first.
  if (append) state.before = new Map();
  else if (!same) state.before = shown;
  state.cards = append ? [...state.cards, ...found] : found;
  state.end = pageInfo.endCursor;
  $("more").hidden = !pageInfo.hasNextPage;
  $("list-title").textContent = `Recommended for ${user.externalId}`;
  const { known } = user.purchasePower;
  $("known").textContent = certainties[known];
  $("known").dataset.known = known;
  $("power").replaceChildren(...powerTiles(user.purchasePower, state.cards[0]?.item.currency));
  showCards();
  const still = state.cards.find((card) => card.item.id === state.chosen) ?? state.cards[0];
  choose(still?.item.id ?? null);
  tellControls();
}

const ranks = () => new Map(state.cards.map((card) => [card.item.id, card.rank]));

function showCards() {
  const list = $("cards");
  const places = new Map([...list.children].map((card) => [card.dataset.id, card.getBoundingClientRect().top]));
  const around = { user: state.user, before: state.before, choose, record: recordEvent };
  list.replaceChildren(...state.cards.map((card) => cardOf(card, around)));
  if (!state.cards.length) list.append(el("li.empty", {}, "Nothing fits. Raise the budget or choose other items."));
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const card of list.children) {
    const from = places.get(card.dataset.id), to = card.getBoundingClientRect().top;
    const appear = [{ opacity: 0 }, { opacity: 1 }], slide = [{ transform: `translateY(${from - to}px)` }, {}];
    const frames = from === undefined ? appear : slide;
    if (from !== to) card.animate(frames, { duration: 350, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

// --- reasons

function choose(id, byHand = false) {
  state.chosen = id;
  for (const card of $("cards").children) {
    const here = card.dataset.id === id;
    card.classList.toggle("chosen", here);
    card.querySelector(".title")?.setAttribute("aria-pressed", here);
  }
  const card = state.cards.find((one) => one.item.id === id);
  if (!card) {
    $("why-title").textContent = "Why";
    $("reasons").replaceChildren(el("p.empty", {}, "Choose a recommendation to see its reasons."));
    return;
  }
  const { item, explanation } = card;
  $("why-title").textContent = `Why ${item.title}`;
  const neighbors = el("p.neighbors");
  const copied = el("span.copied", { role: "status" });
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(explanation.cypher);
      copied.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(cypher.querySelector("pre"));
      copied.textContent = "selected: copy it with the keyboard";
    }
  };
  const cypher = el(
    "details.cypher",
    {},
    el("summary", {}, "The same paths in Neo4j Browser"),
    el("pre", { tabindex: 0, "aria-label": "Cypher" }, el("code", {}, explanation.cypher)),
    el("button", { type: "button", onclick: copy }, "Copy the Cypher"),
    copied,
  );
  $("reasons").replaceChildren(
    el("p.lead", {}, explanation.sentence),
    el("p.score", {}, "Score ", el("strong", {}, explanation.score.toFixed(3)), " is the sum of these contributions:"),
    bars(explanation.contributions),
    paths(state.user, item.title, explanation.contributions),
    neighbors,
    cypher,
  );
  highlight($("reasons"));
  tellNeighbors(neighbors, item.externalId);
  if (byHand && matchMedia("(max-width: 1099px)").matches) $("why").scrollIntoView({ block: "start" });
  if (byHand) $("why").focus({ preventScroll: true });
}

// Hovering a bar or a node shows its path.
function highlight(root) {
  const light = (place) => {
    root.classList.toggle("hovering", place !== undefined);
    for (const part of root.querySelectorAll("[data-place]")) part.classList.toggle("lit", part.dataset.place === place);
  };
  for (const part of root.querySelectorAll("[data-place]")) {
    part.addEventListener("pointerenter", () => light(part.dataset.place));
    part.addEventListener("pointerleave", () => light(undefined));
  }
}

async function tellNeighbors(place, item) {
  try {
    const { user } = await ask(NEIGHBORS, { user: state.user, item });
    place.textContent = user?.explain?.neighbors.sentence ?? "";
  } catch (error) {
    alertUser(error);
  }
}

// --- events

async function recordEvent(type, card) {
  const { item } = card;
  const event = { user: state.user, item: item.externalId, type, eventId: crypto.randomUUID?.() };
  if (type === "purchase") Object.assign(event, { quantity: 1, amount: item.price });
  const before = (state.before = ranks());
  try {
    const { recordEvents } = await ask(RECORD, { input: { events: [event] } });
    if (recordEvents.userErrors.length) throw new Error(recordEvents.userErrors[0].message);
    await refresh();
    const left = [...before.keys()].filter((id) => !ranks().has(id)).length;
    $("note").textContent = `Recorded a ${type} of ${item.title}${left ? `, ${left} left the list` : ""}.`;
  } catch (error) {
    alertUser(error);
  }
}

// --- wiring

function follower() {
  unfollow();
  unfollow = follow(
    state.user,
    () => { clearTimeout(later); later = setTimeout(refresh, 150); },
    (connected) => { $("live").hidden = !connected; },
  );
}

async function setUser(user) {
  Object.assign(state, { user, cards: [], before: new Map(), chosen: null });
  // What is being typed there stays.
  if (document.activeElement !== $("user")) $("user").value = user;
  $("note").textContent = "";
  writeAddress();
  follower();
  await refresh({ keep: false });
}

function wire() {
  combobox($("user"), $("users"), async (search) => {
    const { users } = await ask(USERS, { search });
    return users.edges.map((edge) => edge.node.externalId);
  }, setUser, alertUser);
  let timer;
  $("controls").addEventListener("input", () => {
    state.mode = document.querySelector("input[name=mode]:checked").value;
    const share = Number($("budget").value);
    state.budget = share === 100 ? null : Math.round(share * dearest) / 100;
    state.diversity = Number($("diversity").value) / 100;
    tellControls();
    writeAddress();
    clearTimeout(timer);
    timer = setTimeout(() => refresh({ keep: false }), 120);
  });
  $("controls").addEventListener("submit", (event) => event.preventDefault());
  $("more").addEventListener("click", async () => {
    try {
      const { user } = await ask(PAGE, { ...wish(), first: SIZE, after: state.end });
      if (user) take(user, true);
    } catch (error) {
      if (error.code === "INVALID_CURSOR") await refresh(); // another model is being served now
      else alertUser(error);
    }
  });
  addEventListener("hashchange", () => {
    const { user } = state;
    readAddress();
    showControls();
    if (state.user === user) refresh();
    else setUser(state.user);
  });
}

async function load() {
  try {
    const { users, model, items } = await ask(START);
    const prices = items.edges.map((edge) => edge.node.price).filter((price) => price !== null).sort((a, b) => a - b);
    // A few dear items must not make the slider useless for all others.
    dearest = prices.length ? Math.max(Math.ceil(prices[Math.floor((prices.length - 1) * 0.95)]), 1) : 100;
    if (model) {
      $("model").hidden = false;
      $("model").textContent = `${model.trained ? "model" : "first model"} ${model.version.split("-").pop()}`;
      $("model").title = `${model.version}, ${new Date(model.trainedAt).toLocaleString()}`;
    }
    readAddress();
    showControls();
    const user = state.user ?? users.edges[0]?.node.externalId;
    if (user) await setUser(user);
    else alertUser(new Error("The graph holds no shoppers yet. Load a shop with `attune load`."));
  } catch (error) {
    alertUser(error);
    setTimeout(load, 3000); // the database may come back
  }
}

async function start() {
  wire();
  const config = await (await fetch("/config.json")).json();
  $("graphiql").hidden = !config.graphiql;
  if (config.neo4jBrowser) Object.assign($("browser"), { href: config.neo4jBrowser, hidden: false });
  await load();
}

start();
