// A client of GraphQL over server-sent events (distinct connections) follows a list and sees it change.
// usage: node events.mjs URL USER ITEM
import { createClient } from "graphql-sse";

const [url, user, item] = process.argv.slice(2);
const client = createClient({ url, retryAttempts: 0 });
const follow = `subscription ($user: String!) { recommendations(user: $user, first: 20) {
  modelVersion nodes { rank item { externalId } } } }`;
const record = `mutation ($event: EventInput!) { recordEvents(input: {events: [$event]}) { recorded } }`;

const lists = [];
for await (const { data, errors } of client.iterate({ query: follow, variables: { user } })) {
  if (errors) throw new Error(JSON.stringify(errors));
  lists.push(data.recommendations.nodes.map((node) => node.item.externalId));
  if (lists.length === 2) break;
  const event = { user, item, type: "purchase", eventId: `sse-${Date.now()}` };
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: record, variables: { event } }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}
let refused;
try {
  for await (const result of client.iterate({ query: "subscription { nothing }" })) refused = result.errors?.[0].extensions.code;
} catch (errors) {
  refused = errors[0]?.extensions?.code ?? String(errors);
}
client.dispose();
console.log(JSON.stringify({ lists, refused }));
