// Two lists side by side, with a line from each item's place in the one to its place in the other.
import { calm, shelfOf } from "../told";
import { type Compared, told } from "../whatif";

const ROW = 52;

type Row = Compared["after"][number];

export function Slopes({ compared: { before, after }, shown }: { compared: Compared; shown: string | null }) {
  const was = new Map(before.map(({ item }, place) => [item.id, place]));
  const is = new Map(after.map(({ item }, place) => [item.id, place]));
  const rows = Math.max(before.length, after.length);
  const middle = (place: number) => (place + 0.5) * ROW;
  return (
    <div class="slopes">
      <h2>Now</h2>
      <h2 class="then">Then</h2>
      <ol class="places now" aria-label="The list now">
        {before.map((row) => (
          <Place key={row.item.id} row={row} mark={is.has(row.item.id) ? "" : "left"} shown={shown === row.item.id} />
        ))}
      </ol>
      <svg class="lines" viewBox={`0 0 100 ${rows * ROW}`} preserveAspectRatio="none" aria-hidden="true">
        {after.map(({ item }, place) => {
          const from = was.get(item.id);
          if (from === undefined) return null;
          const way = from === place ? "same" : from > place ? "up" : "down";
          const [y1, y2] = [middle(from), middle(place)];
          return (
            <path
              key={item.id}
              class={`${way}${shown === item.id ? " shown" : ""}`}
              d={`M0 ${y1}C50 ${y1} 50 ${y2} 100 ${y2}`}
              vector-effect="non-scaling-stroke"
            />
          );
        })}
      </svg>
      <ol class="places then" aria-label="The list as it would be">
        {after.map((row, place) => {
          const from = was.get(row.item.id);
          const mark = from === undefined ? "new" : from === place ? "" : from > place ? "up" : "down";
          const steps = from === undefined ? 0 : Math.abs(from - place);
          return <Place key={row.item.id} row={row} mark={mark} steps={steps} shown={shown === row.item.id} />;
        })}
      </ol>
    </div>
  );
}

interface PlaceProps {
  row: Row;
  mark: "" | "left" | "new" | "up" | "down";
  steps?: number;
  shown: boolean;
}

function Place({ row: { item, rank }, mark, steps = 0, shown }: PlaceProps) {
  const signs = { "": "", left: "leaves", new: "new", up: `▲ ${steps}`, down: `▼ ${steps}` };
  const words = { "": "", left: "leaves", new: "new", up: `up ${steps}`, down: `down ${steps}` };
  return (
    <li class={mark}>
      <button type="button" aria-pressed={shown} title={shelfOf(item)} onClick={() => (told.value = item.id)}>
        <span class="rank">{rank}</span>
        <bdi class="name">{calm(item.title)}</bdi>
        {mark && (
          <span class={`moved ${mark}`}>
            <span aria-hidden="true">{signs[mark]}</span>
            <span class="aside">{words[mark]}</span>
          </span>
        )}
      </button>
    </li>
  );
}
