// Where the keyboard is.

/** Takes the focus to an element where what had it is gone: else a reader by keyboard begins at the top of the page again. */
export function catchFocus(id: string): void {
  requestAnimationFrame(() => {
    if (document.activeElement === document.body) document.getElementById(id)?.focus({ preventScroll: true });
  });
}
