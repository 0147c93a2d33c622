// The home page: a row "For you", each with its reason.
import { useQuery } from "urql";
import { Cards } from "./cards";
import { HomeDocument } from "./generated";
import type { Put } from "./main";

export function Home({ user, put }: { user: string; put: Put }) {
  const [{ data, fetching, error }, again] = useQuery({
    query: HomeDocument,
    variables: { user },
    requestPolicy: "cache-and-network", // what was bought a moment ago has changed the list
  });
  const putHere: Put = async (item, title) => {
    await put(item, title);
    again({ requestPolicy: "network-only" });
  };
  return (
    <section aria-labelledby="for-you">
      <h1>Welcome back</h1>
      <h2 id="for-you">For you</h2>
      {fetching && !data && <p>Looking for what you may like …</p>}
      {error && <p role="alert">Nothing can be recommended right now: {error.message}</p>}
      {data && !data.user && <p>Buy something, and this page gets to know you.</p>}
      {data?.user && <Cards entries={data.user.recommendations.nodes} put={putHere} />}
    </section>
  );
}
