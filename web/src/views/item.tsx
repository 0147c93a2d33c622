// One item for one shopper: why it has its score, ranked or not, and what it is bought together with.
import { useEffect, useState } from "preact/hooks";
import { insist, tell } from "../actions";
import { ask } from "../ask";
import { ExplainDocument, type ExplainQuery, ItemPageDocument, type ItemPageQuery } from "../generated";
import { address, seen, shopper, wish } from "../state";
import { count, shelfOf } from "../told";
import { Picture, Price } from "../parts/cards";
import { Reasons } from "../parts/why";
import { WhyNot } from "../parts/why-not";
import { words } from "../words";

type Shown = NonNullable<ItemPageQuery["item"]>;

export function ItemView() {
  const id = seen.value!;
  const [item, setItem] = useState<Shown | null | undefined>();
  useEffect(() => {
    let current = true;
    setItem(undefined);
    insist(ItemPageDocument, { item: id }, () => current)
      .then((found) => current && setItem(found.item))
      .catch((error: unknown) => current && tell(error));
    return () => {
      current = false;
    };
  }, [id]);
  return (
    <>
      <section class="list" aria-labelledby="item-title" aria-busy={item === undefined || undefined}>
        <p>
          <a class="back" href={address({ view: "list" })}>
            ← {words.value.item.back}
          </a>
        </p>
        {item === undefined && <div class="skeleton" aria-hidden="true" />}
        {item === null && (
          <p class="alert" role="alert">
            {words.value.problems.noItem(id)}
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
  const told = words.value.item;
  return (
    <>
      <header class="item-head panel">
        <Picture item={item} />
        <div class="about">
          <h1 id="item-title"><bdi>{item.title}</bdi></h1>
          <p class="shelf">{[shelfOf(item), item.brand?.name].filter(Boolean).join(" · ")}</p>
          {item.description && <p class="because">{item.description}</p>}
          {!item.available && <p class="because">{told.unavailable}</p>}
        </div>
        <Price item={item} />
      </header>
      <h2 class="sub">{told.together}</h2>
      {together.length ? (
        <ol class="mini">
          {together.map(({ item: other, support, lift }) => (
            <li key={other.id}>
              <Picture item={other} />
              <a href={address({ view: "item", item: other.externalId })}><bdi>{other.title}</bdi></a>
              <span class="detail">
                {told.baskets(count(support), lift.toFixed(1))}
              </span>
            </li>
          ))}
        </ol>
      ) : (
        <p class="empty">{told.alone}</p>
      )}
    </>
  );
}

function WhyItem({ item }: { item: Shown }) {
  const { user, locale } = wish.value;
  const [found, setFound] = useState<ExplainQuery["user"] | undefined>();
  const known = shopper.value?.externalId === user ? shopper.value : null;
  useEffect(() => setFound(undefined), [user, item.externalId]);
  useEffect(() => {
    let current = true;
    if (user === null || !known) return;
    ask(ExplainDocument, { user, item: item.externalId, locale })
      .then((answer) => current && setFound(answer.user))
      .catch(tell);
    return () => {
      current = false;
    };
    // The shopper is another one with each list: after an event or a dispute, and when the service is back.
  }, [user, item.externalId, locale, known]);
  const told = words.value.item;
  const [before, after] = told.forUser(user ?? "");
  return (
    <section class="why panel" id="why" aria-labelledby="why-title" tabIndex={-1}>
      <h2 id="why-title">
        {before}
        <bdi>{item.title}</bdi>
        {after}
      </h2>
      {user !== null && <WhyNot user={user} item={item.externalId} />}
      {found?.explain && <Reasons item={item} explanation={found.explain} />}
      {found && !found.explain && <p class="empty">{told.unseen}</p>}
    </section>
  );
}
