// The frame: what every view has, and which view is shown.
import { signal, useSignalEffect } from "@preact/signals";
import type { Locale } from "./generated";
import { BubblePanel } from "./parts/bubble";
import { CardList } from "./parts/cards";
import { Search } from "./parts/search";
import { ShopperPanel } from "./parts/shopper";
import { Why } from "./parts/why";
import { type View, address, config, lang, model, problem, view, wish } from "./state";
import { when } from "./told";
import { ItemView } from "./views/item";
import { ModelView } from "./views/model";
import { WhatIfView } from "./views/what-if";
import { words } from "./words";

const VIEWS: readonly [View, "list" | "whatIf" | "model"][] = [
  ["list", "list"],
  ["what-if", "whatIf"],
  ["model", "model"],
];

/** Each language by its own name. */
const LOCALES: readonly [Locale, string, string][] = [
  ["EN", "en", "English"],
  ["ZH", "zh", "中文"],
];

/** Whether there is room for the shopper beside the rest, as base.css has it. */
const roomy = matchMedia("(min-width: 760px)");
const beside = signal(roomy.matches);
roomy.addEventListener("change", () => (beside.value = roomy.matches));

export function App() {
  useSignalEffect(() => {
    document.title = words.value.frame.titles[view.value];
    document.documentElement.lang = lang.value;
  });
  const told = words.value.frame;
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>
        {told.skip}
      </a>
      <header class="top">
        <a class="brand" href={address({ view: "list" })}>
          <img src="/web/mark.svg" width="32" height="32" alt="" />
          <span>Attune</span>
        </a>
        <Search />
        <nav class="views" aria-label={told.views}>
          {VIEWS.map(([name, title]) => (
            <a key={name} href={address({ view: name })} aria-current={view.value === name ? "page" : undefined}>
              {told[title]}
            </a>
          ))}
        </nav>
        <nav class="tools" aria-label={told.tools}>
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
          {LOCALES.filter(([locale]) => locale !== wish.value.locale).map(([locale, code, name]) => (
            <a key={locale} id={`in-${code}`} class="locale" href={address({ locale })} lang={code} hreflang={code}>
              {name}
            </a>
          ))}
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
  if (view.value === "item") {
    const item = <ItemView key="item" />;
    const side = (
      <div class="side" key="side">
        <ShopperPanel />
      </div>
    );
    // Who asks for an item is shown it first where there is no room beside it; the keyboard goes the way of the eye.
    return <>{beside.value ? [side, item] : [item, side]}</>;
  }
  return (
    <>
      <div class="side">
        <ShopperPanel />
        <BubblePanel />
      </div>
      <CardList />
      <Why />
    </>
  );
}

function Served() {
  const served = model.value;
  if (!served) return <p>{words.value.frame.motto}</p>;
  return (
    <p title={`${served.version}, ${when(served.trainedAt)}`}>
      {served.trained ? words.value.frame.by : words.value.frame.byFirst}{" "}
      <span class="mono">{served.version.split("-").pop()}</span>
    </p>
  );
}

// The address says which list is shown: a link to a place in the page must leave it alone.
function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
