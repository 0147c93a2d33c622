// The model beside the baselines, on the period that it was not trained on.
import { model } from "../state";
import { when } from "../told";
import { words } from "../words";

/** `ndcg20_all` is NDCG at 20 on everything bought. */
function titleOf(name: string): string {
  const found = /^([a-z]+?)(\d+)_(\w+)$/.exec(name);
  if (!found) return name.replaceAll("_", " ");
  const { measures, slices } = words.value.model;
  return `${measures[found[1]!] ?? found[1]!}@${found[2]} · ${slices[found[3]!] ?? found[3]!}`;
}

export function ModelView() {
  const served = model.value;
  const told = words.value.model;
  if (served === undefined) return <section class="measured skeleton" aria-busy="true" />;
  if (!served) {
    return (
      <section class="panel measured">
        <h1>{told.none}</h1>
        <p>{told.noneHint}</p>
      </section>
    );
  }
  const names = [...new Set(served.metrics.map((metric) => metric.name))];
  return (
    <section class="measured" aria-labelledby="model-title">
      <h1 id="model-title">{told.title}</h1>
      <p class="lead">{served.trained ? told.lead : told.leadFirst}</p>
      <dl class="facts">
        <div>
          <dt>{told.version}</dt>
          <dd class="mono">{served.version}</dd>
        </div>
        <div>
          <dt>{told.trained}</dt>
          <dd>{when(served.trainedAt)}</dd>
        </div>
      </dl>
      {names.length ? (
        <div class="charts">
          {names.map((name) => (
            <Chart key={name} title={titleOf(name)} rows={served.metrics.filter((metric) => metric.name === name)} />
          ))}
        </div>
      ) : (
        <p class="panel empty">{told.unmeasured}</p>
      )}
    </section>
  );
}

const nameOf = (model: string): string => words.value.model.models[model] ?? model;

const ROW = 34;
const NAME = 150;
const VALUE = 72;
const WIDTH = 460;

function Chart({ title, rows }: { title: string; rows: readonly { model: string; value: number }[] }) {
  const sorted = [...rows].sort((a, b) => b.value - a.value);
  const most = Math.max(...sorted.map((row) => row.value), 1e-9);
  return (
    <figure class="chart panel">
      <figcaption>
        {title} <Lift rows={sorted} />
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${sorted.length * ROW}`} role="img" aria-label={`${title}: ${inWords(sorted)}`}>
        {sorted.map((row, place) => (
          <g key={row.model} class={row.model === "attune" ? "ours" : ""} transform={`translate(0 ${place * ROW})`}>
            <text x="0" y={ROW / 2} class="name">
              {nameOf(row.model)}
            </text>
            <rect class="rail" x={NAME} y={ROW / 2 - 7} width={WIDTH - NAME - VALUE} height="14" rx="7" />
            <rect
              class="bar"
              x={NAME}
              y={ROW / 2 - 7}
              width={Math.max(((WIDTH - NAME - VALUE) * row.value) / most, 2)}
              height="14"
              rx="7"
            />
            <text x={WIDTH} y={ROW / 2} class="value">
              {row.value.toFixed(4)}
            </text>
          </g>
        ))}
      </svg>
    </figure>
  );
}

const inWords = (rows: readonly { model: string; value: number }[]): string =>
  rows.map((row) => `${nameOf(row.model)} ${row.value.toFixed(4)}`).join(", ");

/** By how much the model is ahead of the best of the others, or behind it. */
function Lift({ rows }: { rows: readonly { model: string; value: number }[] }) {
  const ours = rows.find((row) => row.model === "attune");
  const other = rows.find((row) => row.model !== "attune");
  if (!ours || !other?.value) return null;
  const share = (100 * (ours.value - other.value)) / other.value;
  const say = words.value.model[share < 0 ? "below" : "over"];
  return <span class="lift">{say(Math.abs(share).toFixed(1), nameOf(other.model))}</span>;
}
