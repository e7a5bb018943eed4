// The first thing that a stranger sees: what this is, what to be asked about, and what happens
// with the answers.

import {api, h, plural} from "./kit.js";

const FEW = 8; // topics that are listed at once; more are folded away while all are chosen

const PICTURES = ["Which is prettier?", "Choose between two, again and again. Each next question is the one that tells most about your taste; a few dozen are enough to begin to know it."];
const WORDS = ["What are you like?", "One question after another. Each next one is the one that tells most about you; a few dozen are enough to begin to know you."];

/** Elements of the start card; `begin(reply)` gets the first question. */
export async function startCard(begin, fail) {
  const {topics, hosted, consent, known} = await api("topics");
  const boxes = topics.map((topic) => h("label", {class: "k-chip"},
    h("input", {type: "checkbox", name: "topic", value: topic.id, checked: topic.chosen}),
    h("span", {}, topic.label)));
  const [title, lead] = topics.some((topic) => topic.id.startsWith("taste/")) ? PICTURES : WORDS;
  const chips = h("div", {class: "k-chips", role: "group", "aria-label": "Topics"}, boxes);
  const few = topics.length <= FEW || topics.some((topic) => !topic.chosen);
  const asked = topics.length === 1 ? chips : h("details", {class: "k-topics", open: few}, h("summary", {}, few ? "Ask me about" : `Ask me about all ${topics.length} topics, or choose`), chips);
  const agree = h("input", {type: "checkbox", name: "consent", checked: consent});
  const go = h("button", {class: "k-gold", type: "submit"}, "Begin");
  const form = h("form", {class: "k-card k-start", onsubmit: async (event) => {
    event.preventDefault();
    const chosen = [...form.querySelectorAll("[name=topic]:checked")].map((box) => box.value);
    if (!chosen.length) { fail("Choose at least one topic."); return; }
    go.disabled = true;
    try { begin(await api("start", {topics: chosen, consent: hosted ? agree.checked : null})); }
    catch (problem) { fail(problem.message); }
    go.disabled = false;
  }},
  h("img", {src: "/ui/apple.svg", alt: "", class: "k-apple"}),
  h("h1", {}, title),
  h("p", {class: "k-lead"}, lead),
  asked,
  known ? h("p", {class: "k-note"}, `Starts from ${plural(known, "answer")} that ${known === 1 ? "is" : "are"} known already.`) : null,
  go,
  hosted
    ? h("label", {class: "k-consent"}, agree, h("span", {}, "My answers may also train the shared model. Without this they serve only my own profile. I can export or erase them at any time."))
    : h("p", {class: "k-note"}, "Your answers stay on this computer. You can export or erase them at any time."));
  return [form];
}
