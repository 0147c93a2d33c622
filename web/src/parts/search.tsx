// The one field that finds shoppers and items.
import { setUser, tell } from "../actions";
import { ask } from "../ask";
import { FindItemsDocument, FindUsersDocument } from "../generated";
import { address } from "../state";
import { calm, money } from "../told";
import { words } from "../words";
import { Combobox, type Option } from "./combobox";

export async function findItems(search: string): Promise<Option[]> {
  if (!search) return [];
  const { item: named, items } = await ask(FindItemsDocument, { search });
  const others = items.nodes.filter((item) => item.externalId !== named?.externalId);
  return (named ? [named, ...others] : others).map((item) => ({
    group: "items",
    value: item.externalId,
    label: item.title,
    detail: [item.category && calm(item.category.name), money(item.price, item.currency)].filter(Boolean).join(" · "),
  }));
}

async function findShoppers(search: string): Promise<Option[]> {
  const { users } = await ask(FindUsersDocument, { search: search || null });
  return users.edges.map(({ node }) => ({ group: "shoppers", value: node.externalId, label: node.externalId }));
}

// A slow search for items must not hide the shoppers.
async function find(search: string): Promise<Option[]> {
  const found = await Promise.allSettled([findShoppers(search), findItems(search)]);
  const options = found.flatMap((part) => (part.status === "fulfilled" ? part.value : []));
  const failed = found.find((part) => part.status === "rejected");
  if (failed && !options.length) throw failed.reason;
  return options;
}

export function openItem(item: string): void {
  location.hash = address({ view: "item", item });
}

function openShopper(user: string): void {
  const to = address({ view: "list", user });
  // By the address, so that the way back leads to the shopper before.
  if (to !== location.hash) location.hash = to;
  else void setUser(user);
}

function choose(option: Option): void {
  if (option.group === "shoppers") openShopper(option.value);
  else openItem(option.value);
}

function enter(text: string, options: Option[]): void {
  const exact = options.find((option) => option.value === text);
  const item = options.find((option) => option.group === "items");
  if (exact) choose(exact);
  else choose(item ?? options[0]!);
}

export function Search() {
  return (
    <Combobox
      id="find"
      label={words.value.search.find}
      placeholder={words.value.search.find}
      find={find}
      choose={choose}
      enter={enter}
      failed={tell}
    />
  );
}
