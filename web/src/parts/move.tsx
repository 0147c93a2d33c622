// Why an item would stand elsewhere: each reason before and after.
import { lang } from "../state";
import { kindName, scored, signed } from "../told";
import type { Move } from "../whatif";
import { words } from "../words";
import { kindClass } from "./level";

export function MoveTold({ move }: { move: Move }) {
  const { item, contributions } = move;
  const told = words.value.whatIf;
  const most = Math.max(...contributions.flatMap((part) => [Math.abs(part.before), Math.abs(part.after)]), 1e-9);
  const width = (value: number) => `${((Math.abs(value) / most) * 100).toFixed(2)}%`;
  return (
    <>
      <h2 id="why-title">{told.movedItem[0]}<bdi>{item.title}</bdi>{told.movedItem[1]}</h2>
      <dl class="turn">
        <div>
          <dt>{told.rank}</dt>
          <dd>
            {move.rankBefore ?? "—"} <span aria-hidden="true">→</span>
            <span class="aside">{told.becomes}</span> {move.rankAfter ?? told.offList}
          </dd>
        </div>
        <div>
          <dt>{told.score}</dt>
          <dd>
            {move.scoreBefore === null ? "—" : scored(move.scoreBefore)} <span aria-hidden="true">→</span>
            <span class="aside">{told.becomes}</span> {move.scoreAfter === null ? "—" : scored(move.scoreAfter)}
          </dd>
        </div>
      </dl>
      {move.estimated && <p class="hint">{words.value.list.estimatedHint}</p>}
      <ol class="turns" aria-label={told.beforeAfter}>
        {contributions.map((part, place) => (
          <li key={place} data-before={part.before} data-after={part.after}>
            <p class="said">
              <span class="kind">{kindName(part.kind)}</span> <span lang={lang.value}>{part.sentence}</span>
            </p>
            {(["before", "after"] as const).map((when) => (
              <p key={when} class={`when ${when}`}>
                <span class="label">{when === "before" ? told.barNow : told.barThen}</span>
                <span class="track" aria-hidden="true">
                  <i class={kindClass({ kind: part.kind, value: part[when] })} style={{ width: width(part[when]) }} />
                </span>
                <span class="amount">{signed(part[when])}</span>
              </p>
            ))}
          </li>
        ))}
      </ol>
    </>
  );
}
