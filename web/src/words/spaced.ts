/** A name as shops give it to columns, for people to read: `household_size` becomes "Household size". */
export const spaced = (name: string): string => {
  const words = name.replaceAll(/[_\s]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
};
