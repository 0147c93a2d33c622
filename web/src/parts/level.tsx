import { kindName } from "../told";
import { words } from "../words";
import type { ContributionPartsFragment } from "../generated";

/** A meter in five steps. */
export function Level({ value, label }: { value: number; label: string }) {
  const filled = Math.round(value * 5);
  return (
    <span class="level" role="img" aria-label={words.value.list.level(label, Math.round(value * 100))}>
      {[1, 2, 3, 4, 5].map((step) => (
        <i key={step} class={step <= filled ? "on" : ""} />
      ))}
    </span>
  );
}

/** One strip with a part per contribution; those that speak against the item are hatched. */
export function Strip({ contributions }: { contributions: readonly ContributionPartsFragment[] }) {
  const total = contributions.reduce((sum, part) => sum + Math.abs(part.value), 0) || 1;
  return (
    <span class="strip" aria-hidden="true">
      {contributions.map((part, place) => (
        <i
          key={place}
          class={kindClass(part)}
          title={kindName(part.kind)}
          style={{ flexGrow: Math.max(Math.abs(part.value) / total, 0.01) }}
        />
      ))}
    </span>
  );
}

export function kindClass(part: Pick<ContributionPartsFragment, "kind" | "value">): string {
  return `k-${part.kind in words.value.kinds ? part.kind : "OTHER"}${part.value < 0 ? " against" : ""}`;
}
