// What if: the list as it is beside the list as it would be, and what made the difference.
import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Changes } from "../parts/changes";
import { MoveTold } from "../parts/move";
import { Slopes } from "../parts/slopes";
import { shopper, wish } from "../state";
import { type Compared, changes, compare, compared, thinking, told } from "../whatif";

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
  const asked = told.value;
  const move = asked === null ? found?.moved[0] : found?.moved.find((one) => one.item.id === asked);
  return (
    <>
      <Changes />
      <section class="list what-if" aria-labelledby="if-title" aria-busy={thinking.value || undefined}>
        <h1 id="if-title">What if, for {wish.value.user}</h1>
        <p class="note" role="status" id="if-note">
          {found && changes.value.length ? summary(found) : "Choose what should be different. Nothing is written."}
        </p>
        {found && <Slopes compared={found} shown={asked ?? move?.item.id ?? null} />}
      </section>
      <section class="why panel" id="why" aria-labelledby="why-title" tabIndex={-1}>
        {move ? (
          <MoveTold move={move} />
        ) : (
          <>
            <h2 id="why-title">What made the difference</h2>
            <p class="empty">
              {asked !== null && changes.value.length
                ? "Nothing of this item's score would be different, and its place stays."
                : "Once something is different, the reasons that moved an item stand here."}
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
  if (!moved.length) return "Nothing changes: none of this bears on the list.";
  if (!came && !left && !steps) return `The order stays; ${count(moved.length, "score changes", "scores change")}.`;
  return `${count(came, "item comes", "items come")}, ${count(left, "leaves", "leave")}, ${count(steps, "moves", "move")}.`;
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;
