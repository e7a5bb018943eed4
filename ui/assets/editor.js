// Changing an answer given before: the question once more, small, with the present answer marked.

import {answerable, answerText, hasPictures, nameOf, textOf} from "./cards.js";
import {dialog, entryId, h, picture, SMALL} from "./kit.js";

/** Opens the editor of one answered question; `send(path, body)` records what is chosen. */
export function edit(entry, send) {
  const act = (path, body) => { box.close(); send(path, {entry_id: entryId(), token: entry.question.token, ...body}); };
  const pictures = hasPictures(entry.question);
  const choice = (answer, label, item) => h("button", {
    type: "button", class: item ? "k-hung k-small" : "k-label", "aria-pressed": String(entry.answer === answer),
    onclick: () => act("edit", {answer}),
  }, item ? picture(item.item, item.alt || label, SMALL) : label);
  const options = entry.question.options.map((option, index) =>
    choice(index, nameOf(option, index), pictures && index < answerable(entry.question).length ? option.parts[0] : null));
  const shown = entry.question.prompt.filter((part) => part.item).map((part) => picture(part.item, part.alt, SMALL));
  const box = dialog(`Question ${entry.number}`,
    h("p", {}, textOf(entry.question.prompt)), shown.length ? h("div", {class: "k-choices"}, shown) : null,
    h("p", {class: "k-note"}, `You answered: ${answerText(entry)}. Choose again:`),
    h("div", {class: "k-choices"}, options.filter((button) => button.classList.contains("k-hung"))),
    h("div", {class: "k-choices"}, options.filter((button) => !button.classList.contains("k-hung")), choice(null, "Can’t say")),
    h("footer", {class: "k-foot"}, h("button", {type: "button", class: "k-quiet", onclick: () => act("undo", {})}, "Take this answer back")));
}
