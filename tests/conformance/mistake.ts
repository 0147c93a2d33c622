// Asks for a field that was not queried: this must not compile.
import type { ForYouQuery } from "./operations.js";

export const image = (answer: ForYouQuery) => answer.user?.recommendations.edges[0]?.node.item.image;
