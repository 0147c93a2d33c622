// The attention graph of one recommendation. cytoscape.js, by far the largest part of the page, comes with the first one.
import { useEffect, useRef, useState } from "preact/hooks";
import type { ContributionPartsFragment } from "../generated";
import { words } from "../words";
import type { Drawing } from "./network";

interface Props {
  user: string;
  item: string;
  contributions: readonly ContributionPartsFragment[];
  lit: number | null;
  light: (place: number | null) => void;
}

const dark = matchMedia("(prefers-color-scheme: dark)");

export function AttentionGraph({ user, item, contributions, lit, light }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<Drawing | null>(null);
  const [edges, setEdges] = useState<number | null>(null);

  useEffect(() => {
    let current = true;
    const here = place.current!;
    const draw = async () => {
      const { draw: drawn } = await import("./network");
      // The view may be left while cytoscape is on its way.
      if (!current || !here.isConnected) return;
      drawing.current?.end();
      drawing.current = drawn(here, { user, item, contributions, light });
      setEdges(drawing.current.edges);
    };
    void draw();
    dark.addEventListener("change", draw);
    return () => {
      current = false;
      dark.removeEventListener("change", draw);
      drawing.current?.end();
      drawing.current = null;
    };
  }, [user, item, contributions, light]);
  useEffect(() => drawing.current?.highlight(lit), [lit, edges]);

  return (
    <figure class="attention">
      <div
        ref={place}
        class="graph"
        role="img"
        aria-label={words.value.why.graph(contributions.length, user, item)}
        data-edges={edges ?? undefined}
        data-lit={lit ?? undefined}
        style={{ height: `${Math.max(contributions.length * 48 + 24, 180)}px` }}
      />
      <figcaption>{words.value.why.graphHint}</figcaption>
    </figure>
  );
}
