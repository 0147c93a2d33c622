// A text field that offers what matches it: the combobox pattern of the ARIA practices, with a listbox.

export function combobox(input, list, find, choose, failed) {
  let options = [], active = -1, turn = 0, timer;

  const close = () => {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const mark = (place) => {
    active = place;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", at === place));
    if (place < 0) return;
    input.setAttribute("aria-activedescendant", list.children[place].id);
    list.children[place].scrollIntoView({ block: "nearest" });
  };

  const pick = (value) => {
    clearTimeout(timer);
    turn++;
    close();
    input.value = value;
    choose(value);
  };

  const search = async () => {
    const mine = ++turn;
    try {
      const found = await find(input.value.trim() || null);
      if (mine !== turn) return;
      options = found;
    } catch (error) {
      failed(error);
      return;
    }
    list.replaceChildren(
      ...options.map((value, place) => {
        const option = document.createElement("li");
        Object.assign(option, { id: `${list.id}-${place}`, role: "option", textContent: value });
        option.setAttribute("role", "option");
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault(); // keeps the focus in the field
          pick(value);
        });
        return option;
      }),
    );
    list.hidden = !options.length;
    input.setAttribute("aria-expanded", String(options.length > 0));
    mark(-1);
  };

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 120);
  });
  input.addEventListener("focus", () => {
    input.select();
    search();
  });
  input.addEventListener("blur", () => {
    turn++;
    close();
  });
  input.addEventListener("keydown", (event) => {
    const { key } = event;
    if (key === "Escape") close();
    else if (key === "Enter") {
      event.preventDefault();
      if (active >= 0) pick(options[active]);
      else if (input.value.trim()) pick(input.value.trim());
    } else if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) search();
      else mark((active + (key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    }
  });
}
