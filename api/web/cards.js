// How a recommendation and a purchase power look; what a click does is given by the page.

import { el, level, strip } from "./draw.js";

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const cents = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function money(value, currency) {
  if (value === null || value === undefined) return null;
  if (!currency) return cents.format(value);
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(value);
  } catch {
    return `${number.format(value)} ${currency}`; // not an ISO 4217 code
  }
}

export const percent = (value) => `${Math.round(value * 100)} %`;

export const certainties = {
  KNOWN: "income known",
  INFERRED: "inferred from purchases",
  UNKNOWN: "nothing known yet",
};

export function powerTiles(power, currency) {
  const tile = (name, ...values) => el("div", {}, el("dt", {}, name), el("dd", {}, ...values));
  const share = (value, name) => (value === null ? ["—"] : [percent(value), level(value, name)]);
  return [
    tile("Income", power.income ?? "—"),
    tile("A week", money(power.spendPerWeek, currency) ?? "—"),
    tile("A basket", money(power.basketValue, currency) ?? "—"),
    tile("Purchases", number.format(power.purchases)),
    tile("Price level", ...share(power.priceLevel, "Price level")),
    tile("Discounts", ...share(power.discountShare, "Discounts")),
  ];
}

// How a card moved since the list before: `before` is its rank there by item.
function moved(card, before) {
  if (!before.size) return null;
  const was = before.get(card.item.id);
  if (was === undefined) return el("span.moved.new", {}, "new");
  if (was === card.rank) return null;
  const up = was > card.rank, steps = Math.abs(was - card.rank);
  const label = `${up ? "up" : "down"} ${steps} from rank ${was}`;
  return el(`span.moved.${up ? "up" : "down"}`, { role: "img", "aria-label": label }, `${up ? "▲" : "▼"} ${steps}`);
}

function hue(text) {
  return [...text].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)) % 8, 7);
}

function picture(item) {
  if (item.image) {
    const size = { width: 52, height: 52, loading: "lazy", referrerpolicy: "no-referrer" };
    return el("img.picture", { src: item.image, alt: "", ...size });
  }
  const shelf = item.category?.name ?? item.title;
  return el(`span.picture.hue-${hue(shelf)}`, { "aria-hidden": "true" }, shelf.slice(0, 2));
}

export function cardOf(card, { user, before, choose, record }) {
  const { item, explanation } = card;
  const shelf = [item.category?.parent?.name, item.category?.name].filter(Boolean).join(" › ");
  const act = (type, deed) => {
    const label = `Record that ${user} ${deed.toLowerCase()} ${item.title}`;
    return el(
      "button.record",
      { type: "button", "aria-label": label, title: "Record this event", onclick: () => record(type, card) },
      deed,
    );
  };
  return el(
    "li.card",
    { "data-id": item.id },
    el("span.rank", { "aria-label": `Rank ${card.rank}` }, String(card.rank)),
    picture(item),
    el(
      "div.about",
      {},
      el(
        "h3",
        {},
        el("button.title", { type: "button", onclick: () => choose(item.id, true) }, item.title),
        moved(card, before),
      ),
      el("p.shelf", {}, [shelf, item.brand?.name].filter(Boolean).join(" · ")),
      el("p.because", {}, explanation.sentence),
      strip(explanation.contributions),
    ),
    el(
      "div.price",
      {},
      el("strong", {}, money(item.price, item.currency) ?? "no price"),
      item.priceLevel === null ? null : level(item.priceLevel, "Price level in its category"),
    ),
    el(
      "div.acts",
      { role: "group", "aria-label": "Record an event" },
      act("view", "Viewed"),
      act("purchase", "Bought"),
    ),
  );
}
