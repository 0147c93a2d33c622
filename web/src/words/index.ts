// The page's own words in the language that is chosen; a language that lacks one does not compile.
import { computed } from "@preact/signals";
import { wish } from "../state";
import { EN } from "./en";
import { ZH } from "./zh";

export type Words = typeof EN;

export const words = computed<Words>(() => (wish.value.locale === "ZH" ? ZH : EN));
