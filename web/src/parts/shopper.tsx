// Who the list is for: what the shopper can and does spend, and what is wished for.
import { want } from "../actions";
import type { Mode } from "../generated";
import { currency, dearest, shopper, wish } from "../state";
import { count, money, percent } from "../told";
import { words } from "../words";
import { Level } from "./level";
import { Tile } from "./tile";

const MODES: readonly Mode[] = ["ALL", "DISCOVER", "REBUY"];

export function ShopperPanel() {
  const power = shopper.value?.purchasePower;
  const told = words.value.shopper;
  return (
    <section class="who panel" aria-labelledby="who-title">
      <div class="who-head">
        <span class="avatar" aria-hidden="true">
          <svg viewBox="0 0 24 24" width="22" height="22">
            <path d="M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 9c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5Z" fill="currentColor" />
          </svg>
        </span>
        <div>
          <h2 id="who-title">{told.title(wish.value.user ?? "")}</h2>
          <p class="badge" id="known" data-known={power?.known}>
            {power ? words.value.certainties[power.known] : ""}
          </p>
        </div>
      </div>
      <h3>{told.power}</h3>
      <dl class="power" id="power">
        {power && (
          <>
            <Tile name={told.income}>{power.income ?? "—"}</Tile>
            <Tile name={told.purchases}>{count(power.purchases)}</Tile>
            <Tile name={told.week}>{money(power.spendPerWeek, currency.value) ?? "—"}</Tile>
            <Tile name={told.basket}>{money(power.basketValue, currency.value) ?? "—"}</Tile>
            <Tile name={told.priceLevel}>
              <Share value={power.priceLevel} name={told.priceLevel} />
            </Tile>
            <Tile name={told.discounts}>
              <Share value={power.discountShare} name={told.discounts} />
            </Tile>
          </>
        )}
      </dl>
      <Controls />
    </section>
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
  const { mode, budget, diversity } = wish.value;
  const told = words.value.shopper;
  const limit = budget === null ? told.noLimit : told.upTo(money(budget, currency.value)!);
  const share = budget === null ? 100 : Math.round((budget / dearest.value) * 100);
  const spend = (to: number) => want({ budget: to === 100 ? null : Math.round(to * dearest.value) / 100 });
  return (
    <form class="controls" id="controls" onSubmit={(event) => event.preventDefault()}>
      <fieldset class="segments">
        <legend>{told.which}</legend>
        {MODES.map((value) => (
          <label key={value} title={told.modes[value][1]}>
            <input
              type="radio"
              name="mode"
              value={value}
              checked={mode === value}
              onChange={() => want({ mode: value })}
            />
            <span>{told.modes[value][0]}</span>
          </label>
        ))}
      </fieldset>
      <p class="slider">
        <label for="budget">{told.budget}</label>
        <output id="budget-told" for="budget">
          {limit}
        </output>
        <input
          id="budget"
          type="range"
          min="0"
          max="100"
          step="1"
          value={Math.min(share, 100)}
          aria-valuetext={limit}
          onInput={(event) => spend(Number(event.currentTarget.value))}
        />
      </p>
      <p class="slider">
        <label for="diversity">{told.diversity}</label>
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
    </form>
  );
}
