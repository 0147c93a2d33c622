// A text field that offers what matches it: the combobox pattern of the ARIA practices, with a listbox of groups.
import { useEffect, useRef, useState } from "preact/hooks";
import { words } from "../words";

export interface Option {
  group: "shoppers" | "items";
  value: string;
  label: string;
  detail?: string | undefined;
}

interface Props {
  id: string;
  label: string;
  placeholder?: string;
  /** Shown while nobody types. */
  text?: string;
  find: (text: string) => Promise<Option[]>;
  choose: (option: Option) => void;
  /** Enter without a choice; gets what matches the text, which is not nothing. */
  enter: (text: string, options: Option[]) => void;
  failed: (error: unknown) => void;
}

export function Combobox({ id, label, placeholder, text = "", find, choose, enter, failed }: Props) {
  const [options, setOptions] = useState<Option[]>([]);
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  /** What was looked for, where nothing was found. */
  const [missed, setMissed] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const turn = useRef(0);
  const timer = useRef(0);

  // What is being typed there stays.
  useEffect(() => {
    if (field.current && document.activeElement !== field.current) field.current.value = text;
  }, [text]);
  useEffect(() => {
    if (open && active >= 0) document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: "nearest" });
  }, [active, open, id]);

  const close = () => {
    clearTimeout(timer.current);
    turn.current++;
    setOpen(false);
    setActive(-1);
    setMissed("");
  };
  const search = async (): Promise<Option[] | null> => {
    clearTimeout(timer.current);
    const mine = ++turn.current;
    try {
      const said = field.current!.value.trim();
      const found = await find(said);
      if (mine !== turn.current) return null;
      setMissed(found.length ? "" : said);
      setOptions(found);
      setOpen(found.length > 0);
      setActive(-1);
      return found;
    } catch (error) {
      failed(error);
      return null;
    }
  };
  const pick = (option: Option) => {
    close();
    field.current!.value = option.label;
    choose(option);
  };
  const typed = async () => {
    const said = field.current!.value.trim();
    if (!said) return;
    const found = await search();
    if (!found?.length) return;
    close();
    enter(said, found);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
    else if (event.key === "Enter") {
      event.preventDefault();
      const option = open ? options[active] : undefined;
      if (option) pick(option);
      else void typed();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) void search();
      else setActive((active + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length);
    }
  };

  const groups = [...new Set(options.map((option) => option.group))];
  return (
    <div class="combo">
      <label for={id}>{label}</label>
      <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
        <path d="M7 12.5a5.5 5.5 0 1 1 0-11 5.5 5.5 0 0 1 0 11ZM11 11l4 4" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" />
      </svg>
      <input
        ref={field}
        id={id}
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        maxLength={200}
        placeholder={placeholder}
        aria-expanded={open}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={open && active >= 0 ? `${id}-${active}` : undefined}
        onInput={() => {
          clearTimeout(timer.current);
          timer.current = setTimeout(search, 120);
        }}
        onFocus={() => {
          field.current!.select();
          void search();
        }}
        onBlur={() => {
          close();
          field.current!.value = text;
        }}
        onKeyDown={press}
      />
      <div id={`${id}-list`} class="options" role="listbox" aria-label={label} hidden={!open}>
        {groups.map((group) => (
          <div key={group} role="group" aria-label={words.value.search[group]}>
            <p class="group" aria-hidden="true">
              {words.value.search[group]}
            </p>
            {options.map((option, place) =>
              option.group !== group ? null : (
                <div
                  key={option.value}
                  id={`${id}-${place}`}
                  class="option"
                  role="option"
                  aria-selected={place === active}
                  onPointerDown={(event) => {
                    event.preventDefault(); // keeps the focus in the field
                    pick(option);
                  }}
                >
                  <span class="name">{option.label}</span>
                  {option.detail && <span class="detail">{option.detail}</span>}
                </div>
              ),
            )}
          </div>
        ))}
      </div>
      <p class={missed ? "options missed" : "aside"} role="status">
        {missed && words.value.search.nothing(missed)}
      </p>
    </div>
  );
}
