// One item for one shopper: why it has its score, ranked or not, and what it is bought together with.
import { useEffect, useState } from "preact/hooks";
import { tell } from "../actions";
import { ask } from "../ask";
import { ExplainDocument, type ExplainQuery, ItemPageDocument, type ItemPageQuery } from "../generated";
import { address, disputed, seen, wish } from "../state";
import { count, shelfOf } from "../told";
import { Picture, Price } from "../parts/cards";
import { Reasons } from "../parts/why";
import { WhyNot } from "../parts/why-not";

type Shown = NonNullable<ItemPageQuery["item"]>;

export function ItemView() {
  const id = seen.value!;
  const [item, setItem] = useState<Shown | null | undefined>();
  useEffect(() => {
    let current = true;
    setItem(undefined);
    ask(ItemPageDocument, { item: id })
      .then((found) => current && setItem(found.item))
      .catch(tell);
    return () => {
      current = false;
    };
  }, [id]);
  return (
    <>
      <section class="list" aria-labelledby="item-title">
        <p>
          <a class="back" href={address({ view: "list" })}>
            ← Recommendations
          </a>
        </p>
        {item === null && (
          <p class="alert" role="alert">
            There is no item {id}.
          </p>
        )}
        {item && <About item={item} />}
      </section>
      {item && <WhyItem item={item} />}
    </>
  );
}

function About({ item }: { item: Shown }) {
  const together = item.boughtTogether.nodes;
  return (
    <>
      <header class="item-head panel">
        <Picture item={item} />
        <div class="about">
          <h1 id="item-title">{item.title}</h1>
          <p class="shelf">{[shelfOf(item), item.brand?.name].filter(Boolean).join(" · ")}</p>
          {item.description && <p class="because">{item.description}</p>}
          {!item.available && <p class="because">Not available now.</p>}
        </div>
        <Price item={item} />
      </header>
      <h2 class="sub">Bought together with</h2>
      {together.length ? (
        <ol class="mini">
          {together.map(({ item: other, support, lift }) => (
            <li key={other.id}>
              <Picture item={other} />
              <a href={address({ view: "item", item: other.externalId })}>{other.title}</a>
              <span class="detail">
                {count(support)} baskets, {lift.toFixed(1)} times as likely as by chance
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p class="empty">Fewer than five shoppers have bought anything together with it.</p>
      )}
    </>
  );
}

function WhyItem({ item }: { item: Shown }) {
  const user = wish.value.user;
  const [found, setFound] = useState<ExplainQuery["user"] | undefined>();
  useEffect(() => {
    let current = true;
    setFound(undefined);
    if (user === null) return;
    ask(ExplainDocument, { user, item: item.externalId })
      .then((answer) => current && setFound(answer.user))
      .catch(tell);
    return () => {
      current = false;
    };
  }, [user, item.externalId, disputed.value]);
  return (
    <section class="why panel" id="why" aria-labelledby="why-title" tabIndex={-1}>
      <h2 id="why-title">
        {item.title} for {user}
      </h2>
      {user !== null && <WhyNot user={user} item={item.externalId} />}
      {found?.explain && <Reasons item={item} explanation={found.explain} />}
      {found && !found.explain && <p class="empty">The model has not seen this item yet.</p>}
    </section>
  );
}
