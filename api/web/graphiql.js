// GraphiQL over this service; its files come from this machine.

const QUERY = `# A user's recommendations with their true reasons.
{
  users(first: 1) {
    edges {
      node {
        externalId
        purchasePower { income spendPerWeek priceLevel known }
        recommendations(first: 5, mode: DISCOVER) {
          modelVersion
          edges {
            node {
              rank
              score
              item { title price category { name } }
              explanation { sentence contributions { kind value sentence } }
            }
          }
        }
      }
    }
  }
}
`;

const subscriptions = new URL("/graphql", location.href);
subscriptions.protocol = subscriptions.protocol === "https:" ? "wss:" : "ws:";
const fetcher = GraphiQL.createFetcher({ url: "/graphql", subscriptionUrl: subscriptions.href });
ReactDOM.createRoot(document.getElementById("graphiql")).render(
  React.createElement(GraphiQL, { fetcher, defaultQuery: QUERY, defaultEditorToolsVisibility: true }),
);
