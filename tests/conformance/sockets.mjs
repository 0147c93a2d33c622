// A client of graphql-transport-ws follows a list, sees it change, and runs a query over the same socket.
// usage: node sockets.mjs WS_URL USER ITEM
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, user, item] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, lazyCloseTimeout: 0 });
const follow = `subscription ($user: String!) { recommendations(user: $user, first: 20) {
  modelVersion nodes { rank item { externalId } } } }`;
const record = `mutation ($event: EventInput!) { recordEvents(input: {events: [$event]}) { recorded } }`;

async function once(payload) {
  for await (const result of client.iterate(payload)) return result;
}

const lists = [];
for await (const { data, errors } of client.iterate({ query: follow, variables: { user } })) {
  if (errors) throw new Error(JSON.stringify(errors));
  lists.push(data.recommendations.nodes.map((node) => node.item.externalId));
  if (lists.length === 2) break;
  const event = { user, item, type: "purchase", eventId: `ws-${Date.now()}` };
  await once({ query: record, variables: { event } });
}
const queried = await once({ query: "{ __typename }" });
let refused;
try {
  await once({ query: "{ nothing }" });
} catch (errors) {
  refused = errors[0].extensions.code;
}
await client.dispose();
console.log(JSON.stringify({ lists, queried: queried.data, refused }));
