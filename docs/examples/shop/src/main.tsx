// A shop of two pages: what Attune recommends, and a basket that it completes.
import { StrictMode, useEffect, useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { Client, Provider, cacheExchange, fetchExchange, useMutation } from "urql";
import { Basket } from "./basket";
import { PutIntoBasketDocument } from "./generated";
import { Home } from "./home";
import "./shop.css";

const key: string | undefined = import.meta.env.VITE_ATTUNE_KEY;
const client = new Client({
  url: `${import.meta.env.VITE_ATTUNE ?? "http://127.0.0.1:8000"}/graphql`,
  exchanges: [cacheExchange, fetchExchange],
  // A customer's own token; without one where the API serves this machine alone.
  fetchOptions: key ? { headers: { authorization: `Bearer ${key}` } } : {},
  preferGetMethod: false, // answers about somebody are nobody else's: no shared cache needs to see them
});

// A real shop knows who is logged in.
const user = new URLSearchParams(location.search).get("user") ?? "u0";

export type Put = (item: string, title: string) => Promise<void>;

function Shop() {
  const [page, setPage] = useState(location.hash);
  const [basket, setBasket] = useState<string[]>([]);
  const [said, setSaid] = useState("");
  const [, record] = useMutation(PutIntoBasketDocument);
  const main = useRef<HTMLElement>(null);

  useEffect(() => {
    const turn = () => {
      setPage(location.hash);
      main.current?.focus(); // who reads by ear hears the new page
    };
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);

  const put: Put = async (item, title) => {
    setBasket((before) => [...before, item]);
    // The same id when it is sent again: an event is recorded once.
    const { data, error } = await record({ user, item, eventId: crypto.randomUUID() });
    const wrong = error?.message ?? data?.recordEvents.userErrors[0]?.message;
    setSaid(wrong ? `${title} is in your basket, but was not recorded: ${wrong}` : `${title} is in your basket.`);
  };

  return (
    <>
      <header>
        <p className="name">Corner shop</p>
        <nav aria-label="Pages">
          <a href="#home" aria-current={page !== "#basket" ? "page" : undefined}>Home</a>
          <a href="#basket" aria-current={page === "#basket" ? "page" : undefined}>Basket ({basket.length})</a>
        </nav>
      </header>
      <main ref={main} tabIndex={-1}>
        {page === "#basket" ? <Basket user={user} items={basket} put={put} /> : <Home user={user} put={put} />}
      </main>
      <p role="status">{said}</p>
    </>
  );
}

createRoot(document.getElementById("shop")!).render(
  <StrictMode>
    <Provider value={client}>
      <Shop />
    </Provider>
  </StrictMode>,
);
