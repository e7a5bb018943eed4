// Beneath the pictures: how well the taste is known, whether the last answer is saved, and the
// last ten answers, each of which can be changed.

import {answerText, sketch} from "./cards.js";
import {edit} from "./editor.js";
import {dialog, h, percent, plural} from "./kit.js";

const STATUS = {
  none: "", sending: "Saving…", saved: "Saved ✓", unsaved: "Not saved yet, retrying…",
};

const MEANING = "How far I have come from knowing nothing of your taste to foretelling your answers as well as anybody could. Press for the figures.";

/** What the figures mean, in words, for whoever asks. */
function explain(progress) {
  const {prior, now, achievable} = progress;
  dialog("How well I know your taste",
    h("p", {}, `Of questions that I have not asked, I would now expect to foretell ${percent(now)} of your answers. Before your first answer it was ${percent(prior)}.`),
    h("p", {}, `Nobody is perfectly predictable: if I knew your taste exactly, I would expect ${percent(achievable)}. The bar shows how much of that way is behind us.`),
    progress.left === null ? null : h("p", {}, `About ${plural(progress.left, "more question")} would still tell something worth asking.`),
    progress.repeated ? h("p", {}, `Asked the same again, you answered the same ${progress.same} of ${plural(progress.repeated, "time")}.`) : null,
    progress.notes.length ? h("ul", {class: "k-note"}, progress.notes.map((note) => h("li", {}, note))) : null);
}

/** Makes the rail; `send(path, body)` records an edit, `topics()` opens the choice of topics. */
export function rail(send, topics) {
  const fill = h("i");
  const bar = h("span", {class: "k-bar", role: "progressbar", "aria-label": "How well I know your taste", "aria-valuemin": 0, "aria-valuemax": 100}, fill);
  const line = h("span", {}, "How well I know your taste");
  const known = h("span", {class: "k-known"}, line, h("small", {"aria-hidden": "true"}, "?"));
  const count = h("span", {class: "k-note"});
  const status = h("span", {class: "k-status", role: "status"});
  const strip = h("ol", {class: "k-strip", "aria-label": "Your last answers"});
  let latest = null;
  const about = h("button", {type: "button", class: "k-about", title: MEANING, onclick: () => latest && explain(latest)}, known, bar);
  const element = h("footer", {class: "k-rail"}, h("div", {class: "k-state"}, about,
    h("div", {class: "k-below"}, count, status, h("button", {type: "button", class: "k-quiet", onclick: topics}, "Topics"))), strip);
  return {
    element,
    status(name) { status.textContent = STATUS[name]; status.dataset.state = name; },
    /** The latest answer in sight, once the rail is on the page. */
    settle() { strip.scrollLeft = strip.scrollWidth; },
    progress(progress) {
      latest = progress;
      line.textContent = `I know ${percent(progress.known)} of your taste`;
      fill.style.width = `${100 * progress.known}%`;
      bar.setAttribute("aria-valuenow", Math.round(100 * progress.known));
    },
    history(entries, total, known) {
      count.textContent = known ? `${plural(total, "answer")}, ${known} known before` : plural(total, "answer");
      strip.replaceChildren(...entries.map((entry) => h("li", {}, h("button", {
        type: "button", onclick: () => edit(entry, send), "aria-label": `Question ${entry.number}: ${answerText(entry)}. Change`,
      }, sketch(entry), entry.answer === null || entry.question.options[entry.answer].role === "tie" ? h("em", {}, entry.answer === null ? "skip" : "tie") : null))));
    },
  };
}
