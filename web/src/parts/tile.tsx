// A name and what there is of it: one entry of a list of figures.
import type { ComponentChildren } from "preact";

export function Tile({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
