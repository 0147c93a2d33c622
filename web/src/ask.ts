// Talks to the GraphQL API: documents of `operations.graphql` over HTTP, changes over graphql-transport-ws.
import { ChangesDocument, type TypedDocumentString } from "./generated";
import { served } from "./state";
import { words } from "./words";

/** An answer with errors, or none at all; `code` is the API's. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code = "",
  ) {
    super(message);
  }
}

interface Answer<Data> {
  data: Data;
  errors?: { message: string; extensions?: { code?: string } }[];
  extensions?: { model?: { version: string } };
}

export async function ask<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  let response: Response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query: document, variables }),
    });
  } catch {
    throw new ApiError(words.peek().problems.silent, "OFFLINE");
  }
  const answer = (await response.json()) as Answer<Data>;
  const version = answer.extensions?.model?.version;
  if (version) served.value = version;
  const failed = answer.errors?.[0];
  if (failed) throw new ApiError(failed.message, failed.extensions?.code);
  return answer.data;
}

/**
 * Calls `changed` after each change of the user's events, wherever it was recorded, and when the service is back after it
 * was gone: what happened meanwhile has not been told. Returns what ends it.
 */
export function follow(user: string, changed: () => void, connected: (is: boolean) => void): () => void {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  let socket: WebSocket;
  let timer = 0;
  let ended = false;
  let pause = 500;
  let first = true;

  const open = () => {
    socket = new WebSocket(address, "graphql-transport-ws");
    // Browsers complain of a socket that is closed before it has opened, so a page left that early closes it here.
    socket.onopen = () => (ended ? socket.close() : socket.send('{"type":"connection_init"}'));
    socket.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as { type: string; payload?: { errors?: unknown } };
      if (message.type === "connection_ack") {
        pause = 500;
        const payload = { query: ChangesDocument, variables: { user } };
        socket.send(JSON.stringify({ id: "1", type: "subscribe", payload }));
      } else if (message.type === "ping") {
        socket.send('{"type":"pong"}');
      } else if (message.type === "next") {
        connected(!message.payload?.errors);
        if (!first) changed();
        first = false;
      }
    };
    socket.onclose = () => {
      if (ended) return;
      connected(false);
      timer = setTimeout(open, pause);
      pause = Math.min(pause * 2, 10_000);
    };
  };
  open();
  return () => {
    ended = true;
    clearTimeout(timer);
    if (socket.readyState !== WebSocket.CONNECTING) socket.close();
  };
}
