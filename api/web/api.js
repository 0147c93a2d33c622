// Talks to the GraphQL API: queries over HTTP, changes over graphql-transport-ws.

export class ApiError extends Error {
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

export async function ask(query, variables = {}) {
  let response;
  try {
    response = await fetch("/graphql", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ query, variables }),
    });
  } catch {
    throw new ApiError("The service does not answer.", "OFFLINE");
  }
  const answer = await response.json();
  if (answer.errors) {
    throw new ApiError(answer.errors[0].message, answer.errors[0].extensions?.code);
  }
  return answer.data;
}

// Calls `changed` after each change of the user's events, wherever it was recorded; returns a function that ends it.
export function follow(user, changed, connected) {
  const address = new URL("/graphql", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  let socket, timer, ended = false, pause = 500;
  const open = () => {
    let first = true;
    socket = new WebSocket(address, "graphql-transport-ws");
    socket.onopen = () => socket.send('{"type":"connection_init"}');
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.type === "connection_ack") {
        pause = 500;
        const query = "subscription ($user: String!) { recommendations(user: $user, first: 0) { modelVersion } }";
        socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables: { user } } }));
      } else if (message.type === "ping") {
        socket.send('{"type":"pong"}');
      } else if (message.type === "next") {
        connected(!message.payload.errors);
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
    socket.close();
  };
}

const ITEM = `
  id externalId title price currency priceLevel image
  category { name parent { name } } brand { name }`;

export const PAGE = `query Page(
    $user: String!, $first: Int!, $after: String, $mode: Mode, $budget: Float, $diversity: Float
  ) {
  user(id: $user) {
    externalId
    purchasePower { income spendPerWeek basketValue priceLevel discountShare purchases known }
    recommendations(first: $first, after: $after, mode: $mode, budget: $budget, diversity: $diversity) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        rank score
        item { ${ITEM} }
        explanation {
          sentence score cypher
          contributions { kind value sentence path {
            __typename id
            ... on Item { title } ... on Category { name } ... on Brand { name } ... on User { externalId }
          } }
        }
      } }
    }
  }
}`;

export const NEIGHBORS = `query Neighbors($user: String!, $item: String!) {
  user(id: $user) { explain(item: $item) { neighbors { shoppers sentence } } }
}`;

export const USERS = `query Users($search: String) {
  users(first: 8, search: $search) { edges { node { externalId } } }
}`;

export const START = `query Start {
  users(first: 1) { edges { node { externalId } } }
  model { version trainedAt trained metrics { model name value } }
  items(first: 100) { edges { node { price } } }
}`;

export const RECORD = `mutation Record($input: RecordEventsInput!) {
  recordEvents(input: $input) { recorded existing rejected userErrors { message } }
}`;
