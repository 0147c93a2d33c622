// What if: the list as it is beside the list as it would be, and what made the difference.
import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Changes } from "../parts/changes";
import { MoveTold } from "../parts/move";
import { Legend, Slopes } from "../parts/slopes";
import { changes, shopper, wish } from "../state";
import { words } from "../words";
import { type Compared, compare, compared, settled, thinking, told } from "../whatif";

export function WhatIfView() {
  useSignalEffect(() => {
    // Asked again whenever one of these changes: the shopper's events change `shopper`.
    void [changes.value, wish.value, shopper.value];
    void compare();
  });
  useEffect(
    () => () => {
      compared.value = null;
    },
    [],
  );
  const found = compared.value;
  const say = words.value.whatIf;
  const asked = told.value;
  const moves = found?.moved.find((one) => one.rankBefore !== one.rankAfter) ?? found?.moved[0];
  const move = asked === null ? moves : found?.moved.find((one) => one.item.id === asked);
  return (
    <>
      <Changes />
      <section class="list what-if" aria-labelledby="if-title" aria-busy={thinking.value || undefined}>
        <h1 id="if-title">{say.title(wish.value.user ?? "")}</h1>
        <p class="note" role="status" id="if-note">
          {changes.value.length ? found && settled.value && summary(found) : say.choose}
        </p>
        {!found && thinking.value && <div class="skeleton" aria-hidden="true" />}
        {found && <Slopes compared={found} shown={asked ?? move?.item.id ?? null} />}
        {found && <Legend compared={found} />}
      </section>
      <section class="why panel" id="why" aria-labelledby="why-title" tabIndex={-1}>
        {move ? (
          <MoveTold move={move} />
        ) : (
          <>
            <h2 id="why-title">{say.made}</h2>
            <p class="empty">
              {asked !== null && changes.value.length && settled.value ? say.stays : say.waits}
            </p>
          </>
        )}
      </section>
    </>
  );
}

function summary({ before, after, moved }: Compared): string {
  const was = new Map(before.map(({ item, rank }) => [item.id, rank]));
  const is = new Set(after.map(({ item }) => item.id));
  const came = after.filter(({ item }) => !was.has(item.id)).length;
  const left = before.filter(({ item }) => !is.has(item.id)).length;
  const steps = after.filter(({ item, rank }) => was.has(item.id) && was.get(item.id) !== rank).length;
  const say = words.value.whatIf;
  if (!moved.length) return say.nothing;
  if (!came && !left && !steps) return say.orderStays(moved.length);
  return say.moves(came, left, steps);
}
