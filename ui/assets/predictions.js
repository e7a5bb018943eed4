// Predictions: what I expect of questions that were not asked. The person says first; only then
// does the expected distribution unfold beside the answer, right or wrong, and the score goes on.

import {answerText, told as row} from "./cards.js";
import {api, entryId, h, page, percent, picture, plural, prose, Refused, SMALL} from "./kit.js";

const SHOWN = "kallisti:predictions-shown";
const FEW = 10; // cards that are laid out at once
const ORDERS = {
  gain: ["Most telling about you", (a, b) => b.gain - a.gain],
  sure: ["Surest first", (a, b) => b.sure - a.sure],
  unsure: ["Least sure first", (a, b) => a.sure - b.sure],
  bank: ["In their own order", () => 0],
};

const key = (offer) => `${offer.source}\n${offer.id}`; // banks may use the same ids
const isPicture = (option) => option.parts.length === 1 && Boolean(option.parts[0].item);
const SIDES = ["the left one", "the right one"];
const unreached = "Not saved: the server cannot be reached. Try again.";

/** One question: folded until it is answered (or all are shown), then with the answer beside it. */
class Card {
  constructor(offer, options, answered, takenBack) {
    Object.assign(this, {offer, options, answered, takenBack, busy: false, entry: entryId(), shown: performance.now()});
    const name = `k-guess-${Card.count = (Card.count ?? 0) + 1}`;
    this.buttons = options.map((option, index) => this.button(option, index));
    this.note = h("p", {class: "k-verdict", role: "status", tabindex: "-1"});
    this.skip = h("button", {type: "button", class: "k-quiet", onclick: () => this.say(null)}, "Can’t say");
    this.back = h("button", {type: "button", class: "k-quiet", hidden: true, onclick: () => this.undo()}, "Take back");
    const walls = this.buttons.filter((button) => button.classList.contains("k-bet"));
    this.element = h("div", {class: "k-guess", role: "group", "aria-labelledby": name, onkeydown: (event) => this.move(event)},
      h("h3", {id: name}, prose(offer.prompt)),
      walls.length ? h("div", {class: "k-bets"}, walls) : null,
      h("div", {class: "k-bars"}, this.buttons.filter((button) => !walls.includes(button))),
      h("div", {class: "k-under"}, this.note, this.skip, this.back));
    this.fold();
  }

  button(option, index) {
    const bar = h("span", {class: "k-share", "aria-hidden": "true"}, h("i"), h("u"));
    const figure = h("span", {class: "k-figure-of"});
    const words = isPicture(option) ? [picture(option.parts[0].item, option.parts[0].alt, 2 * SMALL), h("span", {class: "k-caption"}, bar, figure)]
      : [bar, h("span", {class: "k-words"}, prose(option.parts)), figure];
    return h("button", {type: "button", class: isPicture(option) ? "k-bet" : "k-option", "data-answer": index, "aria-pressed": "false", onclick: () => this.say(index)}, words);
  }

  get open() { return this.element.dataset.state === "open"; }

  /** Not answered: how sure I am, and the distribution only where all are shown. */
  fold() {
    this.element.dataset.state = "open";
    this.skip.hidden = false;
    this.back.hidden = true;
    for (const button of this.buttons) {
      button.setAttribute("aria-pressed", "false");
      button.classList.remove("k-expected");
      button.removeAttribute("aria-disabled");
    }
    this.update(this.offer);
  }

  /** Takes newer figures of the same question; nothing moves. */
  update(offer) {
    this.offer = offer;
    if (!this.open) return;
    const {chances, people} = offer;
    this.element.classList.toggle("k-unfolded", Boolean(chances));
    if (chances) this.draw(chances, people, chances.indexOf(Math.max(...chances)));
    else for (const button of this.buttons) button.querySelector(".k-figure-of").textContent = "";
    this.note.textContent = `I am ${percent(offer.sure)} sure what you will say.`;
  }

  draw(chances, people, expected) {
    this.buttons.forEach((button, index) => {
      button.querySelector(".k-share i").style.width = `${100 * chances[index]}%`;
      button.querySelector(".k-share u").style.left = `${100 * people[index]}%`;
      button.querySelector(".k-figure-of").textContent = percent(chances[index]);
      button.classList.toggle("k-expected", index === expected);
    });
  }

  /** Unfolds what was expected beside what was said. */
  reveal(told) {
    this.told = told;
    this.element.dataset.state = told.right === null ? "skipped" : told.right ? "right" : "wrong";
    this.element.classList.add("k-unfolded");
    this.draw(told.chances, told.people, told.expected);
    this.buttons.forEach((button, index) => {
      button.setAttribute("aria-pressed", String(index === told.answer));
      button.setAttribute("aria-disabled", "true");
    });
    this.skip.hidden = true;
    this.back.hidden = false;
    const sides = isPicture(told.question.options[told.expected]) && this.buttons.filter((button) => button.classList.contains("k-bet")).length === 2;
    const expected = sides ? SIDES[told.expected] : `“${answerText({question: told.question, answer: told.expected})}”`;
    const sure = `${percent(told.sure)} sure`;
    const verdict = told.right === null ? `I expected ${expected}, ${sure}.` : told.right ? `Right. I was ${sure}.` : `Wrong: I expected ${expected}, ${sure}.`;
    this.note.textContent = told.counts || told.right === null ? verdict : `${verdict} Not counted, as it was in sight.`;
    this.note.focus({preventScroll: true});
  }

  async say(answer) {
    if (this.busy || !this.open) return;
    const seen = this.element.classList.contains("k-unfolded");
    const body = {entry_id: this.entry, source: this.offer.source, question_id: this.offer.id, answer, seen, response_ms: Math.round(performance.now() - this.shown)};
    await this.attempt(async () => {
      const {told, score} = await api("tell", body);
      this.entry = entryId();
      this.reveal(told);
      await this.answered(score);
    });
  }

  async undo() {
    if (this.busy || this.open) return;
    await this.attempt(async () => {
      await api("undo", {entry_id: entryId(), token: this.told.question.token});
      delete this.offer.chances;
      this.fold();
      this.note.textContent = "Taken back. You have seen what I expect, so your next answer is not counted.";
      this.note.focus({preventScroll: true});
      await this.takenBack();
    });
  }

  /** One thing at a time; what failed is said here and can be tried again. */
  async attempt(work) {
    this.busy = true;
    try { await work(); }
    catch (problem) { this.note.textContent = problem instanceof Refused ? problem.message : unreached; }
    this.busy = false;
  }

  /** Arrow keys go from option to option. */
  move(event) {
    const step = {ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1}[event.key];
    const at = this.buttons.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    this.buttons[(at + step + this.buttons.length) % this.buttons.length].focus();
  }
}

const figure = (name) => {
  const value = h("span"), note = h("small");
  return {element: h("div", {}, h("dt", {}, name), h("dd", {}, value, note)), set: (text, line) => { value.textContent = text; note.textContent = line; }};
};

/** The running score; the same height with and without answers. crowd: whether people in general are known. */
function scoreboard(crowd) {
  const right = figure("Right so far"), others = figure(crowd ? "What people say" : "A blind guess"), surest = figure("When surest");
  const set = ({count, right: hits, by_population, by_chance, expected, bands}) => {
    const top = bands.at(-1), chance = by_chance.toFixed(1);
    right.set(count ? `${hits} of ${count}` : "–", count ? `I expected to get ${expected.toFixed(1)}` : "of the answers that you give before you see mine");
    if (crowd) others.set(count ? `${by_population} of ${count}` : "–", count ? `if I only knew people in general; ${chance} by guessing` : "what I would get if I only knew people in general");
    else others.set(count ? `${chance} of ${count}` : "–", "what I would get if I knew nothing");
    surest.set(top ? `${percent(top.right / top.count)} right` : "–", top ? `of ${plural(top.count, "answer")} that I was ${percent(top.expected)} sure about` : "whether I am right as often as I am sure");
  };
  const element = h("dl", {class: "k-figures k-score"}, right.element, others.element, surest.element);
  set({count: 0, right: 0, by_population: 0, by_chance: 0, expected: 0, bands: []});
  return {element, set};
}

const select = (label, entries, chosen, onchange) => h("label", {class: "k-select"}, h("span", {}, label),
  h("select", {"aria-label": label, onchange: (event) => onchange(event.target.value)}, entries.map(([value, text]) => h("option", {value, selected: value === chosen}, text))));

/** What the answered ones came to, the latest first. */
function earlier(told, again) {
  const back = async (entry) => { await api("undo", {entry_id: entryId(), token: entry.question.token}); again(); };
  const verdict = (entry) => (entry.right === null ? "–" : entry.right ? "✓" : "✗");
  const said = (entry) => `${entry.right === null ? "expected" : entry.right ? "as expected" : "I expected"}${entry.right ? "" : ` “${answerText({question: entry.question, answer: entry.expected})}”`}, ${percent(entry.sure)} sure${entry.counts || entry.right === null ? "" : "; not counted"}`;
  return h("ul", {class: "k-rows k-outcomes"}, told.map((entry) => h("li", {},
    h("span", {class: `k-number ${entry.right ? "k-yes" : ""}`, role: "img", "aria-label": entry.right ? "right" : "wrong"}, verdict(entry)),
    row(entry), h("span", {class: "k-note"}, said(entry), " ", h("button", {type: "button", class: "k-quiet", onclick: () => back(entry)}, "Take back")))));
}

class Page {
  constructor() {
    this.shown = localStorage.getItem(SHOWN) === "yes";
    this.topic = "";
    this.list = h("div", {class: "k-guesses"});
    this.before = h("section", {class: "k-section", hidden: true});
    this.more = h("button", {type: "button", class: "k-bordered", onclick: () => this.lay(FEW, true)}, "More");
  }

  fetch() { return api(`predictions?shown=${this.shown}`); }

  async render() {
    this.found = await this.fetch();
    const {answers, known, offers, people} = this.found;
    this.score = scoreboard(people);
    this.list.classList.toggle("k-nobody", !people);
    this.order = answers ? "gain" : "sure";
    const begun = known ? ` ${plural(known, "answer")} known beforehand ${known === 1 ? "is" : "are"} among them.` : "";
    const basis = answers ? `This rests on ${plural(answers, "answer")}.${begun}` : "Nothing is known of you yet: these are the shares of all people.";
    this.begin();
    this.settle();
    return [h("h1", {}, "Predictions"),
      h("p", {class: "k-lead"}, "What I expect you to say to questions that I have not asked. Say it first, then see what I expected. ", basis),
      this.score.element,
      offers.length ? h("section", {class: "k-section"}, h("h2", {class: "k-unseen"}, "Questions that were not asked"), this.controls(), this.list, this.more)
        : h("p", {class: "k-note"}, "Every question of your topics has been asked."),
      this.before];
  }

  /** The score, and below everything else what was foretold before. */
  async settle() {
    try {
      const {told, score} = await api("outcomes");
      this.score.set(score);
      if (told.length) this.before.replaceChildren(h("h2", {}, "Foretold before"), earlier(told, () => this.again()));
      this.before.hidden = !told.length;
    } catch { /* The questions can be answered without it; it comes with the next answer. */ }
  }

  controls() {
    const topics = [...new Set(this.found.offers.map((offer) => offer.topic))];
    const choose = topics.length > 1 ? select("About", [["", `all ${topics.length} topics`], ...topics.map((topic) => [topic, topic])], this.topic, (topic) => { this.topic = topic; this.begin(); }) : null;
    const order = select("Order", Object.entries(ORDERS).map(([name, [label]]) => [name, label]), this.order, (name) => { this.order = name; this.begin(); });
    const all = h("label", {class: "k-switch"}, h("input", {type: "checkbox", role: "switch", checked: this.shown, onchange: ({target}) => this.show(target.checked)}),
      h("span", {}, "Show what you expect before I answer"));
    return [h("div", {class: "k-controls"}, choose, order, all),
      h("p", {class: "k-note k-legend"}, h("span", {class: "k-share", "aria-hidden": "true"}, h("i"), this.found.people ? h("u") : null),
        this.found.people ? "Bar: what I expect of you. Mark: what people say in general." : "Bar: what I expect of you.")];
  }

  /** Lays out the first cards of the chosen topic in the chosen order. */
  begin() {
    if (!this.found.offers.some((offer) => offer.topic === this.topic)) this.topic = "";
    this.waiting = this.found.offers.filter((offer) => !this.topic || offer.topic === this.topic);
    this.waiting.sort(ORDERS[this.order][1]);
    this.cards = new Map();
    this.list.replaceChildren();
    this.lay(FEW, false);
  }

  lay(count, focus) {
    const cards = this.waiting.splice(0, count).map((offer) =>
      new Card(offer, this.found.scales[offer.scale], (score) => this.answered(score), () => this.tookBack()));
    for (const card of cards) this.cards.set(key(card.offer), card);
    this.list.append(...cards.map((card) => card.element));
    this.more.hidden = !this.waiting.length;
    this.more.textContent = `More: ${plural(this.waiting.length, "question")} left`;
    if (focus) cards[0]?.buttons[0].focus({preventScroll: true});
  }

  async answered(score) {
    this.score.set(score);
    await this.refresh();
  }

  async tookBack() {
    this.score.set((await api("outcomes")).score);
    await this.refresh();
  }

  /** Newer figures of what is not answered; every card stays where it is. */
  async refresh() {
    let newer;
    try { newer = await this.fetch(); } catch { return; /* The figures stay as they were until the next answer. */ }
    this.found = newer;
    const newest = new Map(newer.offers.map((offer) => [key(offer), offer]));
    this.waiting = this.waiting.map((offer) => newest.get(key(offer)) ?? offer);
    for (const [name, card] of this.cards) if (newest.has(name)) card.update(newest.get(name));
  }

  async show(all) {
    this.shown = all;
    localStorage.setItem(SHOWN, all ? "yes" : "no");
    await this.refresh();
  }
}

const stranger = () => [h("h1", {}, "Predictions"),
  h("p", {class: "k-lead"}, "Begin an interview, and what I expect you to say shows here."),
  h("p", {}, h("a", {class: "k-gold", href: "#ask"}, "Go to the questions"))];

/** Fills the page whenever it is opened. */
export function start(root) {
  const open = page(root, "predictions", async () => {
    const shown = new Page();
    shown.again = () => open();
    return shown.render().catch((problem) => { if (problem instanceof Refused) return stranger(); throw problem; });
  });
}
