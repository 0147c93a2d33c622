// How narrow the list is: beside the list of a month before, what was bought, and everything there is.
import { useEffect, useState } from "preact/hooks";
import { SIZE, tell } from "../actions";
import { ask } from "../ask";
import { BubbleDocument, type BubbleQuery } from "../generated";
import { cards, lang, shopper, wish } from "../state";
import { percent } from "../told";
import { words } from "../words";
import { Tile } from "./tile";

type Found = NonNullable<BubbleQuery["user"]>["bubble"];
type Breadth = Found["list"];

// Open where it stands beside the list, closed where it would push the list down.
const wide = matchMedia("(min-width: 1100px)").matches;

export function BubblePanel() {
  const { user, mode, budget, diversity, locale } = wish.value;
  const [found, setFound] = useState<Found | null>(null);
  const [open, setOpen] = useState(wide);
  // Another shopper's figures must not stand under this one's name.
  const known = shopper.value?.externalId === user;
  const listed = cards.value;
  useEffect(() => {
    let current = true;
    if (!known || !open) return;
    ask(BubbleDocument, { user: user!, first: SIZE, filter: { mode, budget, diversity }, locale })
      .then((answer) => current && setFound(answer.user?.bubble ?? null))
      .catch(tell);
    return () => {
      current = false;
    };
    // The list itself: what is recorded changes it.
  }, [user, known, open, mode, budget, diversity, locale, listed]);
  useEffect(() => setFound(null), [user]);
  const told = words.value.bubble;
  return (
    <details class="bubble panel" id="bubble" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary id="bubble-title">
        <h2>{told.title}</h2>
      </summary>
      {found && known && <Told found={found} />}
    </details>
  );
}

function Told({ found }: { found: Found }) {
  const told = words.value.bubble;
  const sides: [string, Breadth | null][] = [
    [told.list, found.list],
    [told.month, found.lastMonth],
    [told.history, found.history],
    [told.catalogue, found.catalogue],
  ];
  const known = sides.filter((side): side is [string, Breadth] => side[1] !== null);
  const most = Math.max(...known.map(([, side]) => side.effectiveCategories), 1e-9);
  const tiered = known.filter(([, side]) => side.priceTiers.length > 0);
  return (
    <>
      <h3>{told.breadth}</h3>
      <dl class="breadths">
        {known.map(([name, side]) => (
          <Tile key={name} name={name}>
            <span class="track" aria-hidden="true">
              <i style={{ width: `${((side.effectiveCategories / most) * 100).toFixed(2)}%` }} />
            </span>
            {side.effectiveCategories.toFixed(1)}
          </Tile>
        ))}
      </dl>
      <p class="hint">{told.breadthHint}</p>
      {tiered.length > 0 && (
        <>
          <h3>{told.tiers}</h3>
          <dl class="tiers">
            {tiered.map(([name, side]) => (
              <Tile key={name} name={name}>
                <span class="tier-strip" role="img" aria-label={`${told.tiers}: ${side.priceTiers.map(percent).join(", ")}`}>
                  {side.priceTiers.map((share, tier) => (
                    <i key={tier} class={`tier-${tier}`} style={{ flexGrow: share }} title={percent(share)} />
                  ))}
                </span>
              </Tile>
            ))}
          </dl>
          <p class="hint">{told.tiersHint}</p>
        </>
      )}
      <dl class="shares">
        {found.neverBought !== null && found.history && <Tile name={told.newShelves}>{percent(found.neverBought)}</Tile>}
        {found.kept !== null && <Tile name={told.kept}>{percent(found.kept)}</Tile>}
      </dl>
      {found.sentences.length > 0 && (
        <details class="in-words">
          <summary>{told.inWords}</summary>
          <ul lang={lang.value}>
            {found.sentences.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
