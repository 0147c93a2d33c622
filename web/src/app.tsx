// The frame: what every view has, and which view is shown.
import { useSignalEffect } from "@preact/signals";
import { CardList } from "./parts/cards";
import { Search } from "./parts/search";
import { ShopperPanel } from "./parts/shopper";
import { Why } from "./parts/why";
import { type View, address, config, model, problem, view } from "./state";
import { ItemView } from "./views/item";
import { ModelView } from "./views/model";
import { WhatIfView } from "./views/what-if";

const VIEWS: readonly [View, string][] = [
  ["list", "Recommendations"],
  ["what-if", "What if"],
  ["model", "Model"],
];

export function App() {
  useSignalEffect(() => {
    document.title = { list: "Attune", item: "Attune: item", "what-if": "Attune: what if", model: "Attune: model" }[view.value];
  });
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href={address({ view: "list" })}>
          <img src="/web/mark.svg" width="32" height="32" alt="" />
          <span>Attune</span>
        </a>
        <Search />
        <nav class="views" aria-label="Views">
          {VIEWS.map(([name, title]) => (
            <a key={name} href={address({ view: name })} aria-current={view.value === name ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <nav class="tools" aria-label="Explore the graph">
          {config.value.graphiql && (
            <a id="graphiql" href="/graphql">
              GraphiQL
            </a>
          )}
          {config.value.neo4jBrowser && (
            <a id="browser" href={config.value.neo4jBrowser}>
              Neo4j Browser
            </a>
          )}
        </nav>
      </header>
      {problem.value !== null && (
        <p class="alert" role="alert">
          {problem.value}
        </p>
      )}
      <main id="main" class={`view-${view.value}`} tabIndex={-1}>
        <Shown />
      </main>
      <footer class="foot">
        <Served />
      </footer>
    </>
  );
}

function Shown() {
  if (view.value === "model") return <ModelView />;
  if (view.value === "what-if") return <WhatIfView />;
  return (
    <>
      <ShopperPanel />
      {view.value === "item" ? (
        <ItemView />
      ) : (
        <>
          <CardList />
          <Why />
        </>
      )}
    </>
  );
}

function Served() {
  const served = model.value;
  if (!served) return <p>Recommendations with their true reasons.</p>;
  return (
    <p title={`${served.version}, ${new Date(served.trainedAt).toLocaleString()}`}>
      Recommendations with their true reasons, by {served.trained ? "model" : "the first model"}{" "}
      <span class="mono">{served.version.split("-").pop()}</span>.
    </p>
  );
}

// The address says which list is shown: a link to a place in the page must leave it alone.
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
