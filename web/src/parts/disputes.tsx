// The reasons that are left out for the shopper, and the way back.
import { useEffect, useState } from "preact/hooks";
import { dispute, tell } from "../actions";
import { ask } from "../ask";
import { DisputesDocument, type DisputesQuery } from "../generated";
import { shopper } from "../state";
import { kindName, nodeName } from "../told";
import { words } from "../words";

type Dispute = NonNullable<DisputesQuery["user"]>["disputes"][number];

export function Disputes({ user }: { user: string }) {
  const [found, setFound] = useState<Dispute[]>([]);
  // Another one with each list: what is disputed in another window is left out of this one's as well.
  const known = shopper.value?.externalId === user ? shopper.value : null;
  useEffect(() => {
    let current = true;
    if (!known) return;
    ask(DisputesDocument, { user })
      .then((answer) => current && setFound(answer.user?.disputes ?? []))
      .catch(tell);
    return () => {
      current = false;
    };
  }, [user, known]);
  if (!found.length) return null;
  const told = words.value.why;
  return (
    <div class="disputes">
      <h3>{told.leftOut}</h3>
      <ul>
        {found.map((one) => {
          const name = `${kindName(one.kind)}: ${one.path.map(nodeName).join(" · ")}`;
          return (
            <li key={name}>
              {name}{" "}
              <button class="without" type="button" aria-label={told.useAgainReason(name)} onClick={() => dispute(one, { withdrawn: true })}>
                {told.useAgain}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
