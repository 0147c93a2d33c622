// Who the list is for: what the shopper can and does spend, and what is wished for.
import type { ComponentChildren } from "preact";
import { want } from "../actions";
import type { Locale, Mode } from "../generated";
import { currency, dearest, shopper, wish } from "../state";
import { CERTAINTIES, count, money, percent } from "../told";
import { Level } from "./level";

const MODES: readonly [Mode, string, string][] = [
  ["ALL", "All", "Every item"],
  ["DISCOVER", "Discover", "Only what the shopper never bought"],
  ["REBUY", "Buy again", "Only what the shopper bought before"],
];

const LOCALES: readonly [Locale, string][] = [
  ["EN", "English"],
  ["ZH", "中文"],
];

export function ShopperPanel() {
  const power = shopper.value?.purchasePower;
  return (
    <section class="who panel" aria-labelledby="who-title">
      <div class="who-head">
        <span class="avatar" aria-hidden="true">
          <svg viewBox="0 0 24 24" width="22" height="22">
            <path d="M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 9c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5Z" fill="currentColor" />
          </svg>
        </span>
        <div>
          <h2 id="who-title">Shopper {wish.value.user ?? ""}</h2>
          <p class="badge" id="known" data-known={power?.known}>
            {power ? CERTAINTIES[power.known] : ""}
          </p>
        </div>
      </div>
      <h3>Purchase power</h3>
      <dl class="power" id="power">
        {power && (
          <>
            <Tile name="Income">{power.income ?? "—"}</Tile>
            <Tile name="Purchases">{count(power.purchases)}</Tile>
            <Tile name="A week">{money(power.spendPerWeek, currency.value) ?? "—"}</Tile>
            <Tile name="A basket">{money(power.basketValue, currency.value) ?? "—"}</Tile>
            <Tile name="Price level">
              <Share value={power.priceLevel} name="Price level" />
            </Tile>
            <Tile name="Discounts">
              <Share value={power.discountShare} name="Discounts" />
            </Tile>
          </>
        )}
      </dl>
      <Controls />
    </section>
  );
}

function Tile({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Share({ value, name }: { value: number | null; name: string }) {
  if (value === null) return <>—</>;
  return (
    <>
      {percent(value)} <Level value={value} label={name} />
    </>
  );
}

function Controls() {
  const { mode, budget, diversity, locale } = wish.value;
  const share = budget === null ? 100 : Math.round((budget / dearest.value) * 100);
  const spend = (to: number) => want({ budget: to === 100 ? null : Math.round(to * dearest.value) / 100 });
  return (
    <form class="controls" id="controls" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="segments">
        <legend>Which items</legend>
        {MODES.map(([value, name, hint]) => (
          <label key={value} title={hint}>
            <input
              type="radio"
              name="mode"
              value={value}
              checked={mode === value}
              onChange={() => want({ mode: value })}
            />
            <span>{name}</span>
          </label>
        ))}
      </fieldset>
      <p class="slider">
        <label for="budget">Budget per item</label>
        <output id="budget-told" for="budget">
          {budget === null ? "no limit" : `up to ${money(budget, currency.value)}`}
        </output>
        <input
          id="budget"
          type="range"
          min="0"
          max="100"
          step="1"
          value={Math.min(share, 100)}
          aria-valuetext={budget === null ? "no limit" : `up to ${money(budget, currency.value)}`}
          onInput={(event) => spend(Number(event.currentTarget.value))}
        />
      </p>
      <p class="slider">
        <label for="diversity">Diversity</label>
        <output id="diversity-told" for="diversity">
          {percent(diversity)}
        </output>
        <input
          id="diversity"
          type="range"
          min="0"
          max="100"
          step="10"
          value={diversity * 100}
          aria-valuetext={percent(diversity)}
          onInput={(event) => want({ diversity: Number(event.currentTarget.value) / 100 })}
        />
      </p>
      <p class="choice">
        <label for="locale">Reasons in</label>
        <select id="locale" value={locale} onChange={(event) => want({ locale: event.currentTarget.value as Locale })}>
          {LOCALES.map(([value, name]) => (
            <option key={value} value={value} lang={value.toLowerCase()}>
              {name}
            </option>
          ))}
        </select>
      </p>
    </form>
  );
}
