// The first thing that a stranger sees: what this is, what to be asked about, and what happens
// with the answers.

import {api, h} from "./kit.js";

const FEW = 8; // topics that are listed at once; more are folded away while all are chosen

/** Elements of the start card; `begin(reply)` gets the first question. */
export async function startCard(begin, fail) {
  const {topics, hosted, consent} = await api("topics");
  const boxes = topics.map((topic) => h("label", {class: "k-chip"},
    h("input", {type: "checkbox", name: "topic", value: topic.id, checked: topic.chosen}),
    h("span", {}, topic.label)));
  const chips = h("div", {class: "k-chips", role: "group", "aria-label": "Topics"}, boxes);
  const few = topics.length <= FEW || topics.some((topic) => !topic.chosen);
  const asked = h("details", {class: "k-topics", open: few}, h("summary", {}, few ? "Ask me about" : `Ask me about all ${topics.length} topics, or choose`), chips);
  const agree = h("input", {type: "checkbox", name: "consent", checked: consent});
  const go = h("button", {class: "k-gold", type: "submit"}, "Begin");
  const form = h("form", {class: "k-card k-start", onsubmit: async (event) => {
    event.preventDefault();
    const chosen = [...form.querySelectorAll("[name=topic]:checked")].map((box) => box.value);
    if (!chosen.length) { fail("Choose at least one topic."); return; }
    go.disabled = true;
    try { begin(await api("start", {topics: chosen, consent: hosted && agree.checked})); }
    catch (problem) { fail(problem.message); }
    go.disabled = false;
  }},
  h("img", {src: "/ui/apple.svg", alt: "", class: "k-apple"}),
  h("h1", {}, "Which is prettier?"),
  h("p", {class: "k-lead"}, "Choose between two, again and again. Each next question is the one that tells most about your taste; a few dozen are enough to begin to know it."),
  asked,
  go,
  hosted
    ? h("label", {class: "k-consent"}, agree, h("span", {}, "My answers may also train the shared model. Without this they serve only my own profile. I can export or erase them at any time."))
    : h("p", {class: "k-note"}, "Your answers stay on this computer. You can export or erase them at any time."));
  return [form];
}
