// What should be different: of an item, of the shopper, of the list.
import { useEffect, useState } from "preact/hooks";
import { tell } from "../actions";
import { ask } from "../ask";
import { IncomesDocument } from "../generated";
import { currency, dearest, shopper } from "../state";
import { calm, money } from "../told";
import { type Change, type Named, add, changes, inWords, leaned, remove } from "../whatif";
import { Combobox } from "./combobox";
import { findItems } from "./search";

export function Changes() {
  const [item, setItem] = useState<Named | null>(null);
  return (
    <section class="who panel changes" aria-labelledby="changes-title">
      <h2 id="changes-title">What should be different?</h2>
      <Chosen />
      <h3>About an item</h3>
      <Combobox
        id="other"
        label="Choose an item"
        placeholder="Choose an item"
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
            <p class="hint">The list leans on these:</p>
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

function Chosen() {
  if (!changes.value.length) return null;
  return (
    <>
      <ul class="chosen-changes" aria-label="What is different">
        {changes.value.map((change) => {
          const words = inWords(change, currency.value);
          return (
            <li key={words}>
              <span>{words}</span>
              <button type="button" aria-label={`Take back: ${words}`} onClick={() => remove(change)}>
                ×
              </button>
            </li>
          );
        })}
      </ul>
      <button class="act" type="button" onClick={() => (changes.value = [])}>
        As it is
      </button>
    </>
  );
}

function AboutItem({ item }: { item: Named }) {
  const deeds: [string, Change][] = [
    ["Never had it", { what: "without", item }],
    ["Viewed it now", { what: "happened", item, type: "view" }],
    ["Bought it now", { what: "happened", item, type: "purchase" }],
    ["Dismissed it now", { what: "happened", item, type: "dismiss" }],
    ["It is on promotion", { what: "promoted", item, promoted: true }],
    ["No promotion lately", { what: "promoted", item, promoted: false }],
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
        <label for="price">At a price of</label>
        <input id="price" name="price" type="number" min="0" step="0.01" required />
        <button class="act" type="submit">
          Set
        </button>
      </form>
    </>
  );
}

function AboutShopper() {
  const [bands, setBands] = useState<string[]>([]);
  useEffect(() => {
    ask(IncomesDocument, {})
      .then(({ users }) => {
        const found = users.nodes.map((user) => user.purchasePower.income).filter((band) => band !== null);
        setBands([...new Set(found)].sort((a, b) => a.localeCompare(b, undefined, { numeric: true })));
      })
      .catch(tell);
  }, []);
  const budget = changes.value.find((change) => change.what === "budget")?.budget ?? null;
  const income = changes.value.find((change) => change.what === "income");
  const said = budget === null ? "as it is" : `up to ${money(budget, currency.value)}`;
  const spend = (share: number) => {
    const before = changes.peek().find((change) => change.what === "budget");
    if (share < 100) add({ what: "budget", budget: Math.round(share * dearest.value) / 100 });
    else if (before) remove(before);
  };
  const earn = (value: string) => {
    if (value) add({ what: "income", value });
    else if (income) remove(income);
  };
  return (
    <>
      <h3>About the shopper</h3>
      <div class="controls">
        {bands.length > 0 && (
          <p class="select">
            <label for="income">Income</label>
            <select id="income" value={income?.value ?? ""} onChange={(event) => earn(event.currentTarget.value)}>
              <option value="">as it is{now()}</option>
              {bands.map((band) => (
                <option key={band}>{band}</option>
              ))}
            </select>
          </p>
        )}
        <p class="slider">
          <label for="if-budget">Budget per item</label>
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

function now(): string {
  const income = shopper.value?.purchasePower.income;
  return income ? `: ${income}` : "";
}
