// History: every answer, each of which can be changed or taken back.

import {told} from "./cards.js";
import {edit} from "./editor.js";
import {api, h, page, plural, Refused} from "./kit.js";

/** Fills the page whenever it is opened, and after each change. */
export function start(root) {
  const send = async (path, body) => {
    try { await api(path, body); await open(); }
    catch (problem) { say.textContent = problem instanceof Refused ? problem.message : "Not saved: the server cannot be reached. Try again."; root.prepend(say); }
  };
  const say = h("p", {class: "k-alarm", role: "alert"});
  const row = (entry) => h("li", {}, h("span", {class: "k-number"}, entry.number), told(entry),
    h("button", {type: "button", class: "k-quiet", onclick: () => edit(entry, send), "aria-label": `Change the answer to question ${entry.number}`}, "Change"));
  const open = page(root, "history", async () => {
    const {answers, known, unread} = await api("history").catch((problem) => { if (problem instanceof TypeError) throw problem; return {answers: [], known: [], unread: 0}; });
    const count = answers.length ? `${plural(answers.length, "question")}, the latest first. A changed answer counts as if it had been given so at once.` : "Nothing is answered yet.";
    const closed = unread ? ` ${plural(unread, "answer")} about galleries or banks that are not open now: kept, and counted again when they are.` : "";
    return [h("h1", {}, "History"), h("p", {class: "k-note"}, count, closed),
      h("ul", {class: "k-rows"}, answers.map(row)),
      known.length ? h("section", {class: "k-section"}, h("h2", {}, "Known beforehand"),
        h("p", {class: "k-note"}, "Given up front: on ", h("a", {href: "#taste"}, "My taste"), ", or in the file that the app was started with. These count like answers, and are not asked; change them where you gave them."),
        h("ul", {class: "k-rows"}, known.map((entry) => h("li", {}, h("span", {class: "k-number"}, "·"), told(entry))))) : null].filter(Boolean);
  });
}
