// The list: cards with price level, reasons and buttons that record what the shopper does.
import { useLayoutEffect, useRef } from "preact/hooks";
import { type Deed, more, record } from "../actions";
import type { ItemPartsFragment } from "../generated";
import {
  type Recommended,
  before,
  busy,
  cards,
  chosen,
  connected,
  currency,
  hasMore,
  lang,
  note,
  shopper,
  wish,
  writeAddress,
} from "../state";
import { calm, money, shelfOf } from "../told";
import { words } from "../words";
import { Level, Strip } from "./level";
import { openItem } from "./search";

export function CardList() {
  const list = useSlide();
  const told = words.value.list;
  const { mode, budget } = wish.value;
  return (
    <section class="list" id="list" aria-labelledby="list-title" aria-busy={busy.value || undefined}>
      <div class="list-head">
        <h1 id="list-title">{shopper.value ? told.titleFor(shopper.value.externalId) : told.title}</h1>
        {connected.value && (
          <p class="live" id="live" title={told.liveHint}>
            <span aria-hidden="true" />
            {told.live}
          </p>
        )}
      </div>
      <p class="note" id="note" role="status">
        {note.value?.(words.value)}
      </p>
      <ol class="cards" id="cards" ref={list}>
        {cards.value.map((card) => (
          <Card key={card.item.id} card={card} />
        ))}
        {shopper.value && !cards.value.length && (
          <li class="empty">{told.nothing[mode] + (budget === null ? "" : told.nothingFor(money(budget, currency.value)!))}</li>
        )}
        {!shopper.value && busy.value && SKELETONS}
      </ol>
      {hasMore.value && (
        <button class="more" id="more" type="button" onClick={more}>
          {told.more}
        </button>
      )}
    </section>
  );
}

const SKELETONS = [1, 2, 3, 4].map((place) => <li key={place} class="skeleton" aria-hidden="true" />);

/** Cards glide to their new places; a new one fades in. */
function useSlide() {
  const list = useRef<HTMLOListElement>(null);
  const places = useRef(new Map<string, number>());
  useLayoutEffect(() => {
    const now = new Map<string, number>();
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const card of list.current!.querySelectorAll<HTMLElement>(".card")) {
      const id = card.dataset.id!;
      const to = card.offsetTop;
      const from = places.current.get(id);
      now.set(id, to);
      if (still || from === to) continue;
      const frames =
        from === undefined ? [{ opacity: 0 }, { opacity: 1 }] : [{ transform: `translateY(${from - to}px)` }, {}];
      card.animate(frames, { duration: 350, easing: "cubic-bezier(.2,.8,.2,1)" });
    }
    places.current = now;
  }, [cards.value]);
  return list;
}

/** Shows the reasons of a card; where they stand below the list, goes there. */
function choose(item: string): void {
  chosen.value = item;
  writeAddress();
  const why = document.getElementById("why");
  if (matchMedia("(max-width: 1099px)").matches) why?.scrollIntoView({ block: "start" });
  why?.focus({ preventScroll: true });
}

function Card({ card }: { card: Recommended }) {
  const { item, explanation } = card;
  const here = chosen.value === item.externalId;
  const told = words.value.list;
  return (
    <li class={`card${here ? " chosen" : ""}`} data-id={item.id}>
      <span class="rank">
        <span class="aside">{told.rank} </span>
        {card.rank}
      </span>
      <Picture item={item} />
      <div class="about">
        <h2>
          <button class="title" type="button" aria-pressed={here} onClick={() => choose(item.externalId)}>
            <bdi>{item.title}</bdi>
          </button>
          <Moved card={card} />
        </h2>
        <p class="shelf">
          {[shelfOf(item), item.brand?.name].filter(Boolean).join(" · ")}
          {card.estimated && <span class="estimated"> {told.estimated}</span>}
        </p>
        <p class="because" lang={lang.value}>{explanation.sentence}</p>
        <Strip contributions={explanation.contributions} />
      </div>
      <Price item={item} />
      <div class="acts" role="group" aria-label={told.record}>
        {DEEDS.map((deed) => (
          <Act key={deed} deed={deed} card={card} />
        ))}
        <button class="record quiet" type="button" aria-label={told.aboutItem(item.title)} onClick={() => openItem(item.externalId)}>
          {told.about}
        </button>
      </div>
    </li>
  );
}

const DEEDS: readonly Deed[] = ["view", "purchase", "dismiss"];

function Act({ deed, card }: { deed: Deed; card: Recommended }) {
  const told = words.value.list;
  const label = told.recordThat[deed](wish.value.user!, card.item.title);
  return (
    <button class="record" type="button" aria-label={label} title={told.recordHint} onClick={() => record(deed, card)}>
      {told.deeds[deed]}
    </button>
  );
}

export function Price({ item }: { item: ItemPartsFragment }) {
  return (
    <div class="price">
      <strong>{money(item.price, item.currency) ?? words.value.list.noPrice}</strong>
      {item.priceLevel !== null && <Level value={item.priceLevel} label={words.value.list.priceLevel} />}
    </div>
  );
}

/** How a card moved since the list before. */
function Moved({ card }: { card: Recommended }) {
  if (!before.value.size) return null;
  const was = before.value.get(card.item.id);
  if (was === undefined) return <span class="moved new">{words.value.list.fresh}</span>;
  if (was === card.rank) return null;
  const up = was > card.rank;
  const steps = Math.abs(was - card.rank);
  return (
    <span class={`moved ${up ? "up" : "down"}`} role="img" aria-label={words.value.list.moved(up, steps, was)}>
      {up ? "▲" : "▼"} {steps}
    </span>
  );
}

function hue(text: string): number {
  return [...text].reduce((sum, sign) => (sum * 31 + sign.codePointAt(0)!) % 8, 7);
}

export function Picture({ item }: { item: ItemPartsFragment }) {
  if (item.image) {
    return <img class="picture" src={item.image} alt="" width="52" height="52" loading="lazy" referrerpolicy="no-referrer" />;
  }
  const shelf = calm(item.category?.name ?? item.title);
  return (
    <span class={`picture hue-${hue(shelf)}`} aria-hidden="true">
      {shelf.slice(0, 2)}
    </span>
  );
}
