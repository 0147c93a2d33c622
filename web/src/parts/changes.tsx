// What should be different: of an item, of the shopper, of the list.
import { useState } from "preact/hooks";
import { tell } from "../actions";
import { catchFocus } from "../focus";
import type { ModelPartsFragment } from "../generated";
import { changes, currency, dearest, model, shopper } from "../state";
import { calm, money } from "../told";
import { type Change, type Named, add, inWords, leaned, remove, removeAll, subject } from "../whatif";
import { words } from "../words";
import { Combobox } from "./combobox";
import { findItems } from "./search";

export function Changes() {
  const [item, setItem] = useState<Named | null>(null);
  const told = words.value.whatIf;
  return (
    <section class="who panel changes" aria-labelledby="changes-title">
      <h2 id="changes-title" tabIndex={-1}>{told.different}</h2>
      <Chosen />
      <h3>{told.aboutItem}</h3>
      <Combobox
        id="other"
        label={told.chooseItem}
        placeholder={told.chooseItem}
        text={item?.title ?? ""}
        find={findItems}
        choose={(option) => setItem({ id: option.value, title: option.label })}
        enter={(_, [first]) => first && setItem({ id: first.value, title: first.label })}
        failed={tell}
      />
      {item ? (
        <AboutItem key={item.id} item={item} />
      ) : (
        leaned.value.length > 0 && (
          <>
            <p class="hint">{told.leans}</p>
            <ul class="chips">
              {leaned.value.map((one) => (
                <li key={one.id}>
                  <button class="act" type="button" onClick={() => setItem(one)}>
                    <bdi>{calm(one.title)}</bdi>
                  </button>
                </li>
              ))}
            </ul>
          </>
        )
      )}
      <AboutShopper />
    </section>
  );
}

function takeBack(change: Change): void {
  remove(change);
  catchFocus("changes-title");
}

function takeAllBack(): void {
  removeAll();
  catchFocus("changes-title");
}

function Chosen() {
  if (!changes.value.length) return null;
  const told = words.value.whatIf;
  return (
    <>
      <ul class="chosen-changes" aria-label={told.isDifferent}>
        {changes.value.map((change) => {
          const said = inWords(change, currency.value);
          return (
            <li key={subject(change)}>
              <span>{said}</span>
              <button type="button" aria-label={told.takeBack(said)} onClick={() => takeBack(change)}>
                ×
              </button>
            </li>
          );
        })}
      </ul>
      <button class="act" type="button" onClick={takeAllBack}>
        {told.asItIs}
      </button>
    </>
  );
}

function AboutItem({ item }: { item: Named }) {
  const told = words.value.whatIf;
  const deeds: [string, Change][] = [
    [told.neverHad, { what: "without", item }],
    [told.viewedNow, { what: "happened", item, type: "view" }],
    [told.boughtNow, { what: "happened", item, type: "purchase" }],
    [told.dismissedNow, { what: "happened", item, type: "dismiss" }],
    [told.onPromotion, { what: "promoted", item, promoted: true }],
    [told.noPromotion, { what: "promoted", item, promoted: false }],
  ];
  const priced = (event: SubmitEvent) => {
    event.preventDefault();
    const price = new FormData(event.currentTarget as HTMLFormElement).get("price");
    if (price !== null && price !== "") add({ what: "price", item, price: Number(price) });
  };
  return (
    <>
      <ul class="chips">
        {deeds.map(([name, change]) => (
          <li key={name}>
            <button class="act" type="button" onClick={() => add(change)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
      <form class="priced" onSubmit={priced}>
        <label for="price">{told.atPrice}</label>
        <input id="price" name="price" type="number" min="0" step="0.01" required />
        <button class="act" type="submit">
          {told.set}
        </button>
      </form>
    </>
  );
}

function AboutShopper() {
  const budget = changes.value.find((change) => change.what === "budget")?.budget ?? null;
  const told = words.value.whatIf;
  const said = budget === null ? told.budgetNow : words.value.shopper.upTo(money(budget, currency.value)!);
  const spend = (share: number) => {
    const before = changes.peek().find((change) => change.what === "budget");
    if (share < 100) add({ what: "budget", budget: Math.round(share * dearest.value) / 100 });
    else if (before) remove(before);
  };
  return (
    <>
      <h3>{told.aboutShopper}</h3>
      <div class="controls">
        {model.value?.attributes
          .filter(({ values }) => values.length)
          .map((one) => (
            <AboutAttribute key={one.name} attribute={one} />
          ))}
        <p class="slider">
          <label for="if-budget">{told.budget}</label>
          <output for="if-budget">{said}</output>
          <input
            id="if-budget"
            type="range"
            min="0"
            max="100"
            value={budget === null ? 100 : Math.round((budget / dearest.value) * 100)}
            aria-valuetext={said}
            onInput={(event) => spend(Number(event.currentTarget.value))}
          />
        </p>
      </div>
    </>
  );
}

type Attribute = ModelPartsFragment["attributes"][number];

function AboutAttribute({ attribute: { name, values } }: { attribute: Attribute }) {
  const change = changes.value.find((one) => one.what === "attribute" && one.name === name);
  const told = words.value.whatIf;
  const now = name === "income" ? (shopper.value?.purchasePower.income ?? null) : null;
  const choose = (value: string) => {
    if (value) add({ what: "attribute", name, value });
    else if (change) remove(change);
  };
  const id = `attribute-${name}`;
  return (
    <p class="select">
      <label for={id}>{told.attributeName(name)}</label>
      <select
        id={id}
        value={change?.what === "attribute" ? change.value : ""}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">{told.attributeNow(now)}</option>
        {values.map((value) => (
          <option key={value}>{value}</option>
        ))}
      </select>
    </p>
  );
}
