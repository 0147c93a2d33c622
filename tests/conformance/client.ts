// Uses the generated types as an app would.
import type { ForYouQuery } from "./operations.js";
import { BoughtDocument, ForYouDocument } from "./operations.js";
import type { Item, Query } from "./schema.js";

export function titles(answer: ForYouQuery): string[] {
  return answer.user?.recommendations.edges.map((edge) => edge.node.item.title) ?? [];
}

export function dear(item: Pick<Item, "price">, most: number): boolean {
  return (item.price ?? 0) > most;
}

export type Served = Query["model"];
export const documents = [ForYouDocument, BoughtDocument];
