// The exact Cypher of the paths: to copy, and where Neo4j Browser is known, to open there.
import { useRef, useState } from "preact/hooks";
import { config } from "../state";

export function Cypher({ text }: { text: string }) {
  const [told, setTold] = useState("");
  const code = useRef<HTMLPreElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold("copied");
    } catch {
      getSelection()?.selectAllChildren(code.current!);
      setTold("selected: copy it with the keyboard");
    }
  };
  const browser = config.value.neo4jBrowser;
  return (
    <details class="cypher">
      <summary>The same paths in Neo4j Browser</summary>
      <pre ref={code} tabIndex={0} role="region" aria-label="Cypher">
        <code>{text}</code>
      </pre>
      <p class="cypher-acts">
        <button type="button" onClick={copy}>
          Copy the Cypher
        </button>
        {browser && (
          <a class="button" href={browser} target="_blank" rel="noopener" onClick={copy}>
            Copy and open Neo4j Browser
          </a>
        )}
        <span class="copied" role="status">
          {told}
        </span>
      </p>
    </details>
  );
}
