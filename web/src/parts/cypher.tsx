// The exact Cypher of the paths: to copy, and where Neo4j Browser is known, to open there with the query in its editor.
import { useRef, useState } from "preact/hooks";
import { config } from "../state";
import { words } from "../words";

// Neo4j's server takes 8 kB for a request's line and headers together: a longer query goes by the clipboard.
const LONGEST = 6000;

/** Where Neo4j Browser opens with this text in its editor; nothing runs until the reader runs it. */
function prefilled(browser: string, text: string): string | null {
  // Browser decodes its address before it takes it apart. In the text these signs stand in strings alone (graph/show.py).
  const plain = text.replace(/[&#%+]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
  const address = `${browser}?cmd=edit&arg=${encodeURIComponent(plain)}`;
  return address.length > LONGEST ? null : address;
}

export function Cypher({ text }: { text: string }) {
  const [said, setSaid] = useState("");
  const code = useRef<HTMLPreElement>(null);
  const told = words.value.cypher;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setSaid(told.copied);
    } catch {
      getSelection()?.selectAllChildren(code.current!);
      setSaid(told.selected);
    }
  };
  const browser = config.value.neo4jBrowser;
  const address = browser && prefilled(browser, text);
  return (
    <details class="cypher">
      <summary>{told.summary}</summary>
      <pre ref={code} tabIndex={0} role="region" aria-label="Cypher">
        <code>{text}</code>
      </pre>
      <p class="cypher-acts">
        <button type="button" onClick={copy}>
          {told.copy}
        </button>
        {address && (
          <a class="button" href={address} title={told.openHint} target="_blank" rel="noopener">
            {told.open}
          </a>
        )}
        {browser && !address && (
          <a class="button" href={browser} target="_blank" rel="noopener" onClick={copy}>
            {told.copyAndOpen}
          </a>
        )}
        <span class="copied" role="status">
          {said}
        </span>
      </p>
    </details>
  );
}
