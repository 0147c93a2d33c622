// Contributions as steps from zero to the score: each bar begins where the one before it ended.
import { dispute } from "../actions";
import type { ExplanationPartsFragment } from "../generated";
import { lang } from "../state";
import { scored, signed } from "../told";
import { type Named, throughItem, without } from "../whatif";
import { words } from "../words";
import { kindClass } from "./level";

interface Props {
  item: Named;
  explanation: ExplanationPartsFragment;
  lit: number | null;
  light: (place: number | null) => void;
}

export function Waterfall({ item, explanation, lit, light }: Props) {
  const { contributions, score } = explanation;
  const told = words.value.why;
  const itemOf = (part: (typeof contributions)[number]) =>
    part.kind === "OWN_HISTORY" ? item : part.kind === "ITEM" ? throughItem(part.path) : null;
  let sum = 0;
  const steps = contributions.map((part) => {
    const from = sum;
    sum += part.value;
    return { part, low: Math.min(from, sum), high: Math.max(from, sum) };
  });
  const least = Math.min(0, score, ...steps.map((step) => step.low));
  const most = Math.max(0, score, ...steps.map((step) => step.high));
  const share = (value: number) => `${((value / (most - least || 1)) * 100).toFixed(2)}%`;
  const span = (low: number, high: number) => ({ left: share(low - least), width: share(high - low) });
  return (
    <div class="waterfall">
      <p class="score">
        {told.sum[0]}
        <strong>{scored(score)}</strong>
        {told.sum[1]}
      </p>
      <ol class="bars" aria-label={told.contributions}>
        {steps.map(({ part, low, high }, place) => (
          <li
            key={place}
            class={`${part.path.length === 1 ? "alone " : ""}${lit === place ? "lit" : ""}`}
            data-place={place}
            tabIndex={0}
            onPointerEnter={() => light(place)}
            onPointerLeave={() => light(null)}
            onFocusIn={() => light(place)}
            onFocusOut={() => light(null)}
          >
            <span class="said">
              <span lang={lang.value}>{part.sentence}</span>{" "}
              <span class="doubts">
                <Without item={itemOf(part)} />
                <Wrong part={part} />
              </span>
            </span>
            <span class="amount">{signed(part.value)}</span>
            <span class="track" aria-hidden="true">
              <i class={kindClass(part)} style={span(low, high)} />
            </span>
          </li>
        ))}
      </ol>
      <p class="total" aria-hidden="true">
        <span class="said">{told.score}</span>
        <span class="amount">{scored(score)}</span>
        <span class="track">
          <i style={span(Math.min(0, score), Math.max(0, score))} />
        </span>
      </p>
    </div>
  );
}

function Without({ item }: { item: Named | null }) {
  if (!item) return null;
  return (
    <button class="without" type="button" aria-label={words.value.why.whatIfNotItem(item.title)} onClick={() => without(item)}>
      {words.value.why.whatIfNot}
    </button>
  );
}

const REQUESTED: ReadonlySet<string> = new Set(["OTHER", "BOOST", "FEEDBACK", "PRICE_LEVEL"]);

function Wrong({ part }: { part: ExplanationPartsFragment["contributions"][number] }) {
  if (REQUESTED.has(part.kind) || part.path.length === 0) return null;
  return (
    <button class="without" type="button" aria-label={words.value.why.wrongReason(part.sentence)} onClick={() => dispute(part)}>
      {words.value.why.wrong}
    </button>
  );
}
