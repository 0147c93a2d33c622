// Why an item is not on the shopper's list, what it trails by, and the single changes that would put it there.
import { useEffect, useState } from "preact/hooks";
import { SIZE, tell } from "../actions";
import { ask } from "../ask";
import { WhyNotDocument, type WhyNotQuery } from "../generated";
import { lang, shopper, wish } from "../state";
import { signed } from "../told";
import { words } from "../words";

type Found = NonNullable<NonNullable<WhyNotQuery["user"]>["whyNot"]>;

export function WhyNot({ user, item }: { user: string; item: string }) {
  const { mode, budget, diversity, locale } = wish.value;
  const [found, setFound] = useState<Found | null>(null);
  const known = shopper.value?.externalId === user ? shopper.value : null;
  useEffect(() => setFound(null), [user, item]);
  useEffect(() => {
    let current = true;
    if (!known) return;
    ask(WhyNotDocument, { user, item, first: SIZE, mode, budget, diversity, locale })
      .then((answer) => current && setFound(answer.user?.whyNot ?? null))
      .catch(tell);
    return () => {
      current = false;
    };
    // The shopper is another one with each list that is answered, whatever was wished for or happened before.
  }, [user, item, known]);
  if (!found) return null;
  const told = words.value.whyNot;
  const trails = found.contributions.filter((part) => part.difference > 0);
  return (
    <div class="why-not">
      <p class="verdict" lang={lang.value}>{found.sentence}</p>
      {!found.listed && (
        <>
          {trails.length > 0 && (
            <details>
              <summary>{told.trails}</summary>
              <ul>
                {trails.map((part, place) => (
                  <li key={place}>
                    <span lang={lang.value}>{part.sentence}</span> <span class="amount">{signed(-part.difference)}</span>
                  </li>
                ))}
              </ul>
            </details>
          )}
          <h3>{told.changes}</h3>
          {found.changes ? (
            <ul>
              {found.changes.map(({ sentence }) => (
                <li key={sentence} lang={lang.value}>{sentence}</li>
              ))}
            </ul>
          ) : (
            <p class="empty">{told.none}</p>
          )}
        </>
      )}
    </div>
  );
}
