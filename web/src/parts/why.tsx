// The reasons of one score: a sentence, the sum as a waterfall, the paths as a graph, and the same paths in Cypher.
import { useEffect, useState } from "preact/hooks";
import { tell } from "../actions";
import { ask } from "../ask";
import { type ExplanationPartsFragment, type ItemPartsFragment, NeighborsDocument } from "../generated";
import { chosenCard, lang, wish } from "../state";
import { words } from "../words";
import { Cypher } from "./cypher";
import { Disputes } from "./disputes";
import { AttentionGraph } from "./graph";
import { Waterfall } from "./waterfall";

export function Why() {
  const card = chosenCard.value;
  const told = words.value.why;
  return (
    <section class="why panel" id="why" aria-labelledby="why-title" tabIndex={-1}>
      <h2 id="why-title">
        {card ? (
          <>
            {told.title[0]}
            <bdi>{card.item.title}</bdi>
            {told.title[1]}
          </>
        ) : (
          told.untitled
        )}
      </h2>
      {card ? (
        <Reasons item={card.item} explanation={card.explanation} />
      ) : (
        <p class="empty">{told.choose}</p>
      )}
    </section>
  );
}

interface Props {
  item: ItemPartsFragment;
  explanation: ExplanationPartsFragment;
}

export function Reasons({ item, explanation }: Props) {
  const [lit, setLit] = useState<number | null>(null);
  const { contributions } = explanation;
  const user = wish.value.user ?? "";
  return (
    <div id="reasons" class={lit === null ? "" : "hovering"}>
      <p class="lead" lang={lang.value}>{explanation.sentence}</p>
      {explanation.estimated && <p class="hint">{words.value.list.estimatedHint}</p>}
      <Waterfall item={{ id: item.externalId, title: item.title }} explanation={explanation} lit={lit} light={setLit} />
      <AttentionGraph user={user} item={item.title} contributions={contributions} lit={lit} light={setLit} />
      <Disputes user={user} />
      <Neighbors user={user} item={item.externalId} />
      <Cypher text={explanation.cypher} />
    </div>
  );
}

function Neighbors({ user, item }: { user: string; item: string }) {
  const { locale } = wish.value;
  const [sentence, setSentence] = useState("");
  useEffect(() => {
    let current = true;
    setSentence("");
    ask(NeighborsDocument, { user, item, locale })
      .then((found) => current && setSentence(found.user?.explain?.neighbors.sentence ?? ""))
      .catch(tell);
    return () => {
      current = false;
    };
  }, [user, item, locale]);
  return (
    <p class="neighbors" lang={lang.value}>
      {sentence}
    </p>
  );
}
