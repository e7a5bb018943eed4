// Data: where the answers are, and how to take them along, bring them back or erase them.

import {api, h, page, plural, Refused} from "./kit.js";

const section = (title, note, ...content) => h("section", {class: "k-section"}, h("h2", {}, title), h("p", {class: "k-note"}, note), ...content);
const counted = (counts) => Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(", ");

/** Fills the page whenever it is opened. */
export function start(root) {
  const say = h("p", {role: "status"});
  const attempt = (work) => async (event) => {
    event.preventDefault();
    try { say.textContent = await work(event.target) ?? ""; }
    catch (problem) { say.textContent = problem instanceof Refused ? problem.message : "The server cannot be reached just now. Nothing was changed."; }
  };
  const reload = () => { location.hash = "#ask"; location.reload(); };

  const bring = () => h("form", {class: "k-field", onsubmit: attempt(async (form) => {
    const [file] = form.elements.file.files;
    if (!file) throw new Refused("Choose a file first.");
    let content;
    try { content = JSON.parse(await file.text()); }
    catch { throw new Refused("This file is not an export of Kallisti: it is not JSON."); }
    return `Imported: ${counted((await api("import", content)).counts)}.`;
  })}, h("input", {type: "file", name: "file", accept: ".json,application/json", "aria-label": "Export to import"}), h("button", {class: "k-bordered"}, "Import"));

  const erase = () => h("form", {class: "k-field", onsubmit: attempt(async (form) => {
    await api("erase", {confirm: form.elements.word.value});
    localStorage.removeItem("kallisti:unsent");
    reload();
  })}, h("input", {name: "word", autocomplete: "off", placeholder: "type erase", "aria-label": "Type erase to confirm"}), h("button", {class: "k-bordered k-danger"}, "Erase everything"));

  const profiles = (found) => section("Profiles", `You are “${found.rater}”. Each profile has its own answers and taste.`,
    h("div", {class: "k-field"}, found.profiles.filter((name) => name !== found.rater).map((name) => h("button", {
      type: "button", class: "k-bordered", onclick: attempt(async () => { await api("profile", {name}); reload(); })}, name))),
    h("form", {class: "k-field", onsubmit: attempt(async (form) => { await api("profile", {name: form.elements.name.value}); reload(); })},
      h("input", {name: "name", maxlength: 64, placeholder: "a new name", "aria-label": "Name of a new profile"}), h("button", {class: "k-bordered"}, "Open")));

  const resume = () => section("Go on elsewhere", "A code opens your interview on another device. Whoever has it can answer as you: keep it to yourself.",
    h("form", {class: "k-field", onsubmit: attempt(async () => `Your code: ${(await api("code", {})).code}`)}, h("button", {class: "k-bordered"}, "Show a code")),
    h("form", {class: "k-field", onsubmit: attempt(async (form) => { await api("resume", {code: form.elements.code.value}); reload(); })},
      h("input", {name: "code", autocomplete: "off", placeholder: "a code from elsewhere", "aria-label": "Resume code"}), h("button", {class: "k-bordered"}, "Resume")));

  page(root, "data", async () => {
    const found = await api("data");
    say.textContent = "";
    return [h("h1", {}, "Data"), say, h("div", {class: "k-columns"},
      section("Take along", "Every answer with its question, time, undone and changed answers included; or the interviews as JSON Lines, one a line.",
        h("div", {class: "k-field"}, h("a", {class: "k-bordered", href: "/api/export", download: ""}, "Export answers"),
          h("a", {class: "k-bordered", href: "/api/export?form=jsonl", download: ""}, "Transcripts"))),
      section("Bring back", "An export, from here or another computer. Answers that are here already are not doubled.", bring()),
      found.hosted ? resume() : profiles(found),
      section("Erase", "All answers, interviews and the taste learned from them, for good. There is no copy.", erase())),
    section("Where it is", found.hosted ? "Your answers are kept on this server under a random number, without your name or address." : "Everything is on this computer, in this folder:",
      found.hosted ? null : h("code", {}, found.folder),
      h("p", {class: "k-note"}, found.encoder), found.notes.map((note) => h("p", {class: "k-note"}, note)))];
  });
}
