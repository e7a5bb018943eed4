// Known beforehand, on My taste: answers that the person gives up front, and a note in free words.

import {answerable, answerText, isPicture, nameOf, textOf} from "./cards.js";
import {api, entryId, h, plural, prose, Refused} from "./kit.js";

const COUNTS = "Answers that you give up front count like answers in the interview, at once, and are not asked again.";
const READS = "A profile, or whatever you would tell somebody who gets to know you. It is kept with your answers as context for an interviewer that reads (kallisti interview --interviewer); the estimates here rest on answers alone and do not change.";
const WAIT_MS = 200;

/** The section; `changed()` is called after each change that the taste rests on. */
export function knownSection(changed) {
  const say = h("p", {class: "k-note", role: "status"});
  const list = h("ul", {class: "k-rows k-known-rows"});
  const finder = h("div", {class: "k-finder"});
  const note = h("div", {class: "k-noted"});
  const element = h("section", {class: "k-section k-beforehand"}, h("h2", {}, "Known beforehand"), h("p", {class: "k-note"}, COUNTS), list, finder, say, note);
  let place = "";

  async function attempt(done, path, body) {
    try {
      const found = await api(path, {entry_id: entryId(), ...body});
      draw(found);
      say.textContent = done;
      return found;
    } catch (problem) {
      say.textContent = problem instanceof Refused ? problem.message : "Not saved: the server cannot be reached. Try again.";
      return null;
    }
  }

  async function answer(row, chosen) {
    if (await attempt(chosen === null ? "Taken away. It may be asked again." : "Saved. It counts from now on.", "known/answer", {source: row.source, question_id: row.id, answer: chosen})) {
      await Promise.all([find(), changed()]);
    }
  }

  const state = (row) => (row.file ? "from the file given at the start" : !row.counts ? "the file given at the start says otherwise, and counts" : row.open ? null : "its questions are not open now: it waits");
  const told = (row) => h("li", {}, h("span", {}, prose(row.question.prompt)), h("strong", {}, answerText(row)),
    row.file ? h("span", {class: "k-note"}, state(row)) : h("span", {}, state(row) ? h("span", {class: "k-note"}, state(row)) : null,
      h("button", {type: "button", class: "k-quiet", "aria-label": `Remove the answer to: ${textOf(row.question.prompt)}`, onclick: () => answer(row, null)}, "Remove")));

  const label = (option, index) => (isPicture(option) ? prose(option.parts) : nameOf(option, index));
  const offer = (row) => h("li", {}, h("details", {name: "k-offer"}, h("summary", {}, h("span", {}, prose(row.question.prompt))),
    h("div", {class: "k-choices", role: "group", "aria-label": "Your answer"}, answerable(row.question).map((option, index) =>
      h("button", {type: "button", class: "k-label", onclick: () => answer(row, index)}, label(option, index))))));

  const search = h("input", {type: "search", maxlength: 300, placeholder: "Find a question to answer", "aria-label": "Find a question to answer up front", autocomplete: "off"});
  const offers = h("ul", {class: "k-offers"}), more = h("p", {class: "k-note"});
  let waiting = null, latest = 0;
  async function find() {
    const turn = latest += 1, text = search.value.trim();
    if (!text) { offers.replaceChildren(); more.textContent = ""; return; }
    try {
      const found = await api(`known/questions?text=${encodeURIComponent(text)}`);
      if (turn !== latest) return;
      offers.replaceChildren(...found.questions.map(offer));
      const left = found.total - found.questions.length;
      more.textContent = !found.total ? "No open question holds these words, or it is answered already." : left ? `${plural(left, "more question")}: type more words.` : "";
    } catch { more.textContent = "The server cannot be reached just now."; }
  }
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(find, WAIT_MS); });
  search.addEventListener("keydown", (event) => { event.stopPropagation(); if (event.key === "Enter") { event.preventDefault(); find(); } });

  const text = h("textarea", {rows: 4, "aria-label": "Note about you", placeholder: "For example: I am a nurse of 34, I grew up by the sea, …"});
  const save = h("button", {class: "k-bordered", type: "submit"}, "Save the note");
  const left = h("span", {class: "k-note"}), noted = h("span", {class: "k-note", role: "status"});
  const edited = () => { save.disabled = text.value === place; left.textContent = `${text.value.length.toLocaleString()} of ${text.maxLength.toLocaleString()} characters`; noted.textContent = ""; };
  text.addEventListener("input", edited);
  text.addEventListener("keydown", (event) => event.stopPropagation());
  const form = h("form", {onsubmit: async (event) => {
    event.preventDefault();
    const found = await attempt("", "known/note", {text: text.value});
    noted.textContent = found ? (found.note ? "Saved." : "Taken away.") : say.textContent;
  }}, text, h("div", {class: "k-field"}, save, left, noted));

  function draw(found) {
    list.replaceChildren(...found.answers.map(told));
    list.hidden = !found.answers.length;
    finder.replaceChildren(...(found.banks ? [search, offers, more] : [h("p", {class: "k-note"}, "No bank of questions is open, so that there is none to answer here.")]));
    const writing = text.value !== place; // a note that is being written is kept
    place = found.note;
    text.maxLength = found.longest;
    if (!writing) text.value = place;
    edited();
    note.replaceChildren(h("h3", {}, "A note"), h("p", {class: "k-note"}, READS),
      ...(found.file_note ? [h("blockquote", {}, found.file_note), h("p", {class: "k-note"}, "From the file given at the start, read beside your note; change it there.")] : []), form);
  }

  return {
    element,
    /** Fetches what is known. */
    async load() { draw(await api("known")); },
  };
}
