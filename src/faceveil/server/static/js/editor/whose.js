// Whose the selected face is: that person alone visible, that person hidden everywhere, or somebody else.

import { button, el, opensByKeys } from "../dom.js";
import { icon } from "../icons.js";
import { newPerson, personsIn, withOnlyThis } from "./persons.js";

/** What the list of people has beside their numbers. */
const NOBODY = "";
const NEW = "new";

/**
 * Parts of the bar for the selected face. Without people told apart, a face is all that is known of
 * a person.
 * @param {import("./model.js").Model} model
 * @param {(change: (id: number) => void) => () => void} selected changes the face that is selected
 */
export function whose(model, selected) {
  const only = button("editor.only", icon("eye"), selected((id) => model.onlyThis(id)));
  const hide = button("editor.everywhere", icon("veil"), selected((id) => model.hideEverywhere(id)));
  const choice = el("select", { tLabel: "editor.whose", tTitle: "editor.whose" });
  opensByKeys(choice);
  choice.addEventListener("change", selected((id) => model.moveTo(id, chosen())));
  const chosen = () => (choice.value === NOBODY ? null : choice.value === NEW ? newPerson(model.tracks) : Number(choice.value));

  // Not face by face, or the picture would change its size.
  /** @param {Map<number, unknown>} people */
  const place = (people) => (hide.hidden = choice.hidden = !people.size);
  place(personsIn(model.tracks));

  /** @param {number} id */
  const render = (id) => {
    const person = model.personOf(id);
    const people = personsIn(model.tracks);
    place(people);
    only.setAttribute("aria-pressed", String(withOnlyThis(model.tracks, id).every((track, i) => track === model.tracks[i])));
    hide.setAttribute("aria-pressed", String(person !== null && (people.get(person) ?? []).every((track) => !track.keep)));
    choice.replaceChildren(
      el("option", { value: NOBODY, t: "editor.nobody" }),
      ...[...people.keys()].map((number) => el("option", { value: number, t: ["editor.person", { number }] })),
      el("option", { value: NEW, t: "editor.person.new" }),
    );
    choice.value = String(person ?? NOBODY);
  };
  return { nodes: [only, hide, choice], render };
}
