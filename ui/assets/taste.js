// My taste: what the answers so far say, and how sure that is.

import {told} from "./cards.js";
import {api, h, page, percent, picture, plural, SMALL} from "./kit.js";
import {knownSection} from "./known.js";

const section = (title, note, ...content) => h("section", {class: "k-section"}, h("h2", {}, title), note ? h("p", {class: "k-note"}, note) : null, ...content);
const figure = (name, value, note) => h("div", {}, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));

const salon = (entries, word) => h("ul", {class: "k-salon"}, entries.map((entry) => h("li", {}, h("figure", {},
  picture(entry.item, entry.alt, 512), h("figcaption", {}, word(entry))))));

function map(places) {
  const pictures = places.map((place) => {
    const image = picture(place.item, place.alt, SMALL);
    image.style.left = `${7 + 86 * place.x}%`;
    image.style.top = `${7 + 82 * (1 - place.y)}%`;
    return image;
  });
  const left = h("span", {style: "left:12px"}, "← less to your taste"), right = h("span", {style: "right:12px"}, "more to your taste →");
  return h("div", {class: "k-map"}, pictures, left, right);
}

function scale(entry) {
  const band = h("b"), dot = h("u");
  band.style.left = `${entry.low}%`;
  band.style.width = `${entry.high - entry.low}%`;
  dot.style.left = `${entry.percentile}%`;
  return h("div", {class: "k-scale"}, h("span", {}, entry.name), h("i", {"aria-hidden": "true"}, band, dot),
    h("span", {class: "k-note"}, `${Math.round(entry.percentile)} (${Math.round(entry.low)} to ${Math.round(entry.high)})`));
}

function figures({progress, predicted, answers}) {
  return h("dl", {class: "k-figures"},
    figure("Known of your taste", percent(progress.known), `from ${plural(answers, "answer")}`),
    figure("Expected right next", percent(progress.now), `${percent(progress.prior)} before your first answer, ${percent(progress.achievable)} at best`),
    figure("Foretold so far", `${predicted.right} of ${predicted.count}`,
      `each from the answers before it; ${predicted.generic === null ? "" : `${predicted.generic} by what people like in general, `}${Math.round(predicted.by_chance)} by guessing`),
    progress.repeated ? figure("Same answer again", `${progress.same} of ${progress.repeated}`, "questions that were asked twice on purpose") : null);
}

async function render() {
  const found = await api("taste").catch((problem) => { if (problem instanceof TypeError) throw problem; return {enough: false, answers: 0}; });
  const title = h("h1", {}, "My taste");
  if (!found.enough) {
    return [title, h("p", {class: "k-lead"}, found.answers ? "A few answers more, and your taste begins to show here." : "Answer a few questions, and your taste begins to show here."),
      h("p", {}, h("a", {class: "k-gold", href: "#ask"}, "Go to the questions"))];
  }
  const {pictures} = found;
  return [title, figures(found),
    pictures && section("You would love", "Among pictures that you have not seen. How sure: the chance that you like it more than half of all pictures.",
      salon(pictures.favorites, (entry) => `${percent(entry.above)} sure`)),
    pictures && section("You would pass by", null, salon(pictures.least, (entry) => `${percent(1 - entry.above)} sure`)),
    pictures && section("The map", `${pictures.map.length} of ${plural(pictures.total, "picture")}, from less to more to your taste. Up and down is the greatest difference that remains between them.`, map(pictures.map)),
    found.scales.length ? section("Where you stand", "Percentile among the people whose answers the questions were fitted on, with the range that holds you with 95% certainty.", h("div", {}, found.scales.map(scale))) : null,
    found.expected.length ? section("You would say", "The surest predictions of questions that you have not been asked.",
      h("ul", {class: "k-rows"}, found.expected.map((entry) => h("li", {}, h("span", {class: "k-number"}, percent(entry.certainty)), h("span", {}, entry.text), h("strong", {}, entry.answer)))),
      h("p", {}, h("a", {class: "k-bordered", href: "#predictions"}, "Test me on more of them"))) : null,
    found.decisive.length ? section("What was decisive", "Without these answers your taste would look most different.",
      h("ul", {class: "k-rows"}, found.decisive.map((entry) => h("li", {}, h("span", {class: "k-number"}, entry.number), told(entry),
        h("span", {class: "k-note"}, `${entry.bits.toFixed(2)} bits`))))) : null,
  ].filter(Boolean);
}

/** Fills the page whenever it is opened, and after each change of what is known beforehand. */
export function start(root) {
  const known = knownSection(async () => {
    const top = known.element.getBoundingClientRect().top;
    await open();
    window.scrollBy({top: known.element.getBoundingClientRect().top - top, behavior: "instant"});
  });
  const open = page(root, "taste", async () => [...(await Promise.all([render(), known.load()]))[0], known.element]);
}
