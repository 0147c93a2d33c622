// Values as people read them.
import type { ContributionKind, ContributionPartsFragment } from "./generated";
import { wish } from "./state";
import { words } from "./words";

const number = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const cents = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export const count = (value: number): string => number.format(value);

export function money(value: number | null | undefined, currency?: string | null): string | null {
  if (value === null || value === undefined) return null;
  if (!currency) return cents.format(value);
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency }).format(value);
  } catch {
    return `${number.format(value)} ${currency}`; // not an ISO 4217 code
  }
}

export const percent = (value: number): string => `${Math.round(value * 100)} %`;

/** A score, with the sign that `signed` writes. */
export const scored = (value: number): string => value.toFixed(3).replace("-", "−");

export const signed = (value: number): string => `${value < 0 ? "−" : value > 0 ? "+" : ""}${Math.abs(value).toFixed(3)}`;

/** A kind that this page does not know yet is told by its own name. */
export const kindName = (kind: ContributionKind): string => words.value.kinds[kind] ?? kind.toLowerCase().replaceAll("_", " ");

/** A moment, in the page's language; in English as the browser is set. */
export const when = (moment: string): string =>
  new Date(moment).toLocaleString(wish.value.locale === "ZH" ? "zh" : undefined, { dateStyle: "medium", timeStyle: "short" });

type PathNode = ContributionPartsFragment["path"][number];

export function nodeName(node: PathNode): string {
  switch (node.__typename) {
    case "Item":
      return node.title;
    case "User":
      return node.externalId;
    case "Category":
    case "Brand":
      return node.name;
  }
}

/** Shops write shelves in capitals; those are read as a shout. */
export function calm(name: string): string {
  return name.length > 3 && name === name.toUpperCase()
    ? name.toLowerCase().replace(/(^|[\s/&(-])(\p{L})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
    : name;
}

export function shelfOf(item: { category: { name: string; parent: { name: string } | null } | null }): string {
  return [item.category?.parent?.name, item.category?.name].filter(Boolean).map((name) => calm(name!)).join(" › ");
}
