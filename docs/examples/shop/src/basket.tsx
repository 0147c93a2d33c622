// The basket page: what it costs, what is left of the budget, and what would go with it for that money.
import { useMemo, useState } from "react";
import { useQuery } from "urql";
import { Cards, money } from "./cards";
import { BasketPageDocument } from "./generated";
import type { Put } from "./main";

export function Basket({ user, items, put }: { user: string; items: readonly string[]; put: Put }) {
  const [budget, setBudget] = useState("");
  const lines = useMemo(() => {
    const counts = new Map<string, number>();
    for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
    return [...counts].map(([item, quantity]) => ({ item, quantity }));
  }, [items]);
  const [{ data, error }] = useQuery({
    query: BasketPageDocument,
    variables: { user, items: lines, budget: budget === "" ? null : Number(budget) },
    pause: lines.length === 0,
  });
  if (lines.length === 0) return <><h1>Basket</h1><p>There is nothing in it yet.</p></>;
  const basket = data?.basket;
  const currency = basket?.lines[0]?.item.currency;
  return (
    <>
      <h1>Basket</h1>
      {error && <p role="alert">The basket cannot be shown right now: {error.message}</p>}
      <ul className="lines">
        {basket?.lines.map(({ item, quantity, price }) => (
          <li key={item.externalId}>
            <span>{quantity} × {item.title}</span>
            <span>{money(price == null ? null : price * quantity, item.currency)}</span>
          </li>
        ))}
      </ul>
      <p className="total">Together {money(basket?.total, currency)}</p>
      <p>
        <label>
          I want to spend at most{" "}
          <input type="number" min="0" step="1" value={budget} onChange={(event) => setBudget(event.target.value)} />
        </label>
        {basket?.moneyLeft != null && <span className="left"> {money(basket.moneyLeft, currency)} left</span>}
      </p>
      <section aria-labelledby="goes-with-it">
        <h2 id="goes-with-it">Goes with it</h2>
        {basket && <Cards entries={basket.completions.nodes} put={put} />}
      </section>
    </>
  );
}
