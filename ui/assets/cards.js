// How a question is drawn. One layout serves every kind: the text above, pictures that belong to
// it, then the options, which are pictures to press (pair, grid) or labels (thumbs, ratings, choices).

import {h, LARGE, picture, pictureUrl, preload, prose, SMALL} from "./kit.js";

const LETTERS = "ABCDEFGHIJKLMNOP";

export const isPicture = (option) => option.parts.length === 1 && Boolean(option.parts[0].item);
export const answerable = (question) => question.options.filter((option) => option.role !== "tie");
export const hasPictures = (question) => answerable(question).every(isPicture);
export const textOf = (parts) => parts.filter((part) => part.text).map((part) => part.text).join("").trim();
const picturesOf = (parts) => parts.filter((part) => part.item);

/** What an option is called where there is no room for its picture. */
export const nameOf = (option, index) => (option.role === "tie" || !isPicture(option) ? textOf(option.parts) : `Picture ${LETTERS[index]}`);

async function large(part, fallback) {
  const image = await preload(pictureUrl(part.item, LARGE));
  image.alt = part.alt || fallback;
  image.draggable = false;
  image.style.setProperty("--ratio", image.naturalHeight ? image.naturalWidth / image.naturalHeight : 1);
  return image;
}

/** Columns and rows of a wall of pictures; a phone held upright has fewer columns. */
function shape(count, upright) {
  const columns = count === 2 ? (upright ? 1 : 2) : count <= 4 ? (upright || count === 4 ? 2 : count) : upright && count < 9 ? 2 : count <= 9 ? 3 : 4;
  return {"--columns": columns, "--rows": Math.ceil(count / columns)};
}

/** The options of a question as buttons, once its pictures are decoded; `choose` gets an index. */
export async function stage(question, choose) {
  const options = answerable(question);
  const button = (attributes, index, ...children) =>
    h("button", {type: "button", "data-answer": index, onclick: () => choose(index), ...attributes}, ...children);
  const figures = await Promise.all(picturesOf(question.prompt).map((part) => large(part, "The picture in question")));
  const shown = figures.length ? h("div", {class: "k-figure"}, figures.map((image) => h("span", {class: "k-hung"}, image))) : null;
  if (hasPictures(question)) {
    const images = await Promise.all(options.map((option, index) => large(option.parts[0], nameOf(option, index))));
    const wall = h("div", {class: `k-wall k-${question.kind}`, role: "group", "aria-label": "Options"}, images.map((image, index) =>
      button({class: "k-hung", "aria-keyshortcuts": index + 1}, index, image, h("kbd", {"aria-hidden": "true"}, index + 1))));
    for (const [turned, prefix] of [[false, ""], [true, "up-"]]) {
      for (const [name, value] of Object.entries(shape(options.length, turned))) wall.style.setProperty(name.replace("--", `--${prefix}`), value);
    }
    return [shown, wall];
  }
  const ordered = question.kind === "rating" || question.kind === "thumbs";
  const labels = h("div", {class: `k-labels ${ordered ? "k-ordered" : ""} k-${question.kind}`, role: "group", "aria-label": "Options"},
    options.map((option, index) => button({class: "k-label", "aria-keyshortcuts": index + 1}, index,
      h("span", {}, prose(option.parts)), h("kbd", {"aria-hidden": "true"}, index + 1))));
  labels.style.setProperty("--count", options.length);
  return [shown, labels];
}

/** A small sketch of an answered question: its pictures with the chosen one marked, or its words. */
export function sketch(entry) {
  const options = answerable(entry.question);
  if (hasPictures(entry.question)) {
    return h("span", {class: "k-sketch"}, options.slice(0, 4).map((option, index) => {
      const image = picture(option.parts[0].item, option.parts[0].alt, SMALL);
      image.classList.toggle("k-chosen", entry.answer === index);
      return image;
    }));
  }
  const pictures = picturesOf(entry.question.prompt).map((part) => picture(part.item, part.alt, SMALL));
  return h("span", {class: "k-sketch"}, pictures.length ? pictures : h("span", {}, textOf(entry.question.prompt)));
}

/** An answered question in a row: its pictures and what was chosen, or its words and the answer. */
export const told = (entry) => (picturesOf([entry.question.prompt, ...entry.question.options.map((option) => option.parts)].flat()).length
  ? [sketch(entry), h("span", {}, answerText(entry))]
  : [h("span", {}, textOf(entry.question.prompt)), h("strong", {}, answerText(entry))]);

/** What was answered, in words: of a picture, what it shows. */
export function answerText({question, answer}) {
  if (answer === null) return "Skipped";
  const option = question.options[answer];
  return (isPicture(option) && option.parts[0].alt) || nameOf(option, answer);
}
