// Two lists side by side, with a line from each item's place in the one to its place in the other.
import { calm, shelfOf } from "../told";
import { type Compared, told } from "../whatif";
import { words } from "../words";

const ROW = 52;

type Row = Compared["after"][number];

export function Slopes({ compared: { before, after }, shown }: { compared: Compared; shown: string | null }) {
  const was = new Map(before.map(({ item }, place) => [item.id, place]));
  const is = new Map(after.map(({ item }, place) => [item.id, place]));
  const say = words.value.whatIf;
  const rows = Math.max(before.length, after.length);
  const middle = (place: number) => (place + 0.5) * ROW;
  return (
    <div class="slopes">
      <h2>{say.now}</h2>
      <h2 class="then">{say.then}</h2>
      <ol class="places now" aria-label={say.listNow}>
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
      <ol class="places then" aria-label={say.listThen}>
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

/** What the sign at an item says that is newer than the model; nothing where there is none. */
export function Legend({ compared: { before, after } }: { compared: Compared }) {
  if (![...before, ...after].some((row) => row.estimated)) return null;
  return <p class="hint">≈ {words.value.list.estimatedHint}</p>;
}

function Estimated() {
  const told = words.value.list;
  return (
    <span class="estimated" title={told.estimatedHint}>
      <span aria-hidden="true">≈</span>
      <span class="aside">{told.estimated}</span>
    </span>
  );
}

interface PlaceProps {
  row: Row;
  mark: "" | "left" | "new" | "up" | "down";
  steps?: number;
  shown: boolean;
}

function Place({ row: { item, rank, estimated }, mark, steps = 0, shown }: PlaceProps) {
  const say = words.value.whatIf;
  const signs = { "": "", left: say.leaves, new: say.comes, up: `▲ ${steps}`, down: `▼ ${steps}` };
  const heard = { "": "", left: say.leaves, new: say.comes, up: say.up(steps), down: say.down(steps) };
  return (
    <li class={mark}>
      <button type="button" aria-pressed={shown} title={shelfOf(item)} onClick={() => (told.value = item.id)}>
        <span class="rank">{rank}</span>
        <bdi class="name">{calm(item.title)}</bdi>
        {estimated && <Estimated />}
        {mark && (
          <span class={`moved ${mark}`}>
            <span aria-hidden="true">{signs[mark]}</span>
            <span class="aside">{heard[mark]}</span>
          </span>
        )}
      </button>
    </li>
  );
}
