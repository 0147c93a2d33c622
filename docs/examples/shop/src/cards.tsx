// Items side by side, with the sentence that says why.
import type { CardFragment } from "./generated";
import type { Put } from "./main";

interface Entry {
  item: CardFragment;
  explanation: { sentence: string };
}

export function money(price: number | null | undefined, currency: string | null | undefined): string {
  if (price == null) return "";
  // A shop that names no currency has prices without one: none is made up.
  const style = currency ? ({ style: "currency", currency } as const) : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return new Intl.NumberFormat("en", style).format(price);
}

export function Cards({ entries, put }: { entries: readonly Entry[]; put: Put }) {
  return (
    <ul className="cards">
      {entries.map(({ item: { externalId, title, price, currency }, explanation }) => (
        <li key={externalId}>
          <h3>{title}</h3>
          <p className="price">{money(price, currency)}</p>
          <p className="why">{explanation.sentence}</p>
          <button type="button" aria-label={`Into the basket: ${title}`} onClick={() => void put(externalId, title)}>
            Into the basket
          </button>
        </li>
      ))}
    </ul>
  );
}
