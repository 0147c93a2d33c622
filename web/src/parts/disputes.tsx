// The reasons that are left out for the shopper, and the way back.
import { useEffect, useState } from "preact/hooks";
import { dispute, tell } from "../actions";
import { ask } from "../ask";
import { DisputesDocument, type DisputesQuery } from "../generated";
import { disputed } from "../state";
import { kindName, nodeName } from "../told";
import { words } from "../words";

type Dispute = NonNullable<DisputesQuery["user"]>["disputes"][number];

export function Disputes({ user }: { user: string }) {
  const [found, setFound] = useState<Dispute[]>([]);
  const version = disputed.value;
  useEffect(() => {
    let current = true;
    ask(DisputesDocument, { user })
      .then((answer) => current && setFound(answer.user?.disputes ?? []))
      .catch(tell);
    return () => {
      current = false;
    };
  }, [user, version]);
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
