// The interview: shows a question, takes the answer by picture, key or swipe, sends it until it is
// saved, and shows the next one. While the person looks, pictures of every possible next question
// are fetched and decoded.

import {answerable, hasPictures, nameOf, stage, textOf} from "./cards.js";
import {api, dialog, entryId, h, LARGE, picture, pictureUrl, preload, Refused, SMALL} from "./kit.js";
import {rail} from "./rail.js";
import {startCard} from "./startcard.js";

const UNSENT = "kallisti:unsent";
const SWIPE = 56;
const KEYS = {
  ArrowLeft: "first", a: "first", ArrowRight: "second", b: "second", ArrowDown: "tie", " ": "tie",
  s: "skip", u: "undo", Backspace: "undo", f: "flag", z: "zoom", "?": "help",
};
const HELP = [
  ["← or A, or 1", "the left (upper) one"], ["→ or B, or 2", "the right (lower) one"], ["1 to 9", "an option by its number"],
  ["↓ or space", "both the same"], ["S", "skip: can’t say"], ["U or ⌫", "take the last answer back"],
  ["F", "flag: never show this again"], ["Z", "zoom in and out"], ["?", "this help"], ["swipe", "towards the one that you prefer"],
];

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const online = () => new Promise((resolve) => { window.addEventListener("online", resolve, {once: true}); });
const painted = () => new Promise((resolve) => { requestAnimationFrame(() => { const {port1, port2} = new MessageChannel(); port1.onmessage = resolve; port2.postMessage(0); }); });

class Chooser {
  constructor(root) {
    this.root = root;
    this.question = null;
    this.busy = true;
    this.heading = h("h1", {class: "k-question", tabindex: "-1"});
    this.stage = h("div", {class: "k-stage"});
    this.message = h("p", {class: "k-alarm", role: "alert"});
    this.live = h("p", {class: "k-unseen", "aria-live": "polite"});
    this.rail = rail((path, body) => this.send(path, body), () => this.welcome());
    this.tie = this.action("tie", "", "↓", "");
    this.zoom = this.action("zoom", "Zoom", "Z", "⤢");
    this.actions = h("div", {class: "k-actions", role: "toolbar", "aria-label": "Other answers"}, this.tie,
      this.action("skip", "Can’t say", "S", ""), this.action("undo", "Undo", "U", "↶"), this.action("flag", "Flag", "F", "⚑"),
      this.zoom, this.action("help", "Help", "?", "?"));
    this.listen();
  }

  action(name, label, key, icon) {
    return h("button", {type: "button", "data-action": name, "aria-keyshortcuts": key, onclick: () => this.act(name)},
      icon ? h("i", {"aria-hidden": "true"}, icon) : null, h("span", {}, label), h("kbd", {"aria-hidden": "true"}, key));
  }

  /** Sends what an earlier visit could not, then shows where the interview stands. */
  async load() {
    const unsent = localStorage.getItem(UNSENT);
    try {
      if (unsent) { const {path, body} = JSON.parse(unsent); await this.deliver(path, body); }
      this.say("");
    } catch (problem) { this.say(problem.message); }
    for (;;) {
      try { await this.take(await api("next")); return; }
      catch (problem) {
        this.say(problem instanceof Refused ? problem.message : "The server cannot be reached just now, trying again…");
        this.root.replaceChildren(this.message);
        await Promise.race([sleep(2000), online()]);
      }
    }
  }

  /** Shows a reply: a question, the end, or the start card. */
  async take(reply) {
    if (reply.start) { await this.welcome(); return; }
    this.rail.history(reply.last, reply.answers, reply.known);
    if (reply.question) await this.show(reply.question);
    else this.finish(reply.stopped);
  }

  async show(question) {
    const nodes = await stage(question, (index) => this.answer(index));
    this.question = question;
    this.root.classList.remove("k-zoomed");
    this.heading.textContent = textOf(question.prompt);
    this.stage.replaceChildren(...nodes.filter(Boolean));
    this.root.classList.toggle("k-texts", !hasPictures(question));
    const tie = question.options.find((option) => option.role === "tie");
    this.tie.hidden = !tie;
    this.zoom.hidden = !this.stage.querySelector("img");
    if (tie) this.tie.querySelector("span").textContent = textOf(tie.parts);
    if (!this.heading.isConnected) this.root.replaceChildren(this.live, this.heading, this.stage, this.message, this.actions, this.rail.element);
    else if (!this.root.contains(document.activeElement) || document.activeElement === document.body) this.heading.focus({preventScroll: true});
    this.rail.settle();
    await painted();
    this.shown = performance.now();
    this.busy = false;
    this.live.textContent = `Question ${question.number}. ${textOf(question.prompt)}`;
    this.root.dispatchEvent(new CustomEvent("kallisti:painted", {bubbles: true, detail: question.token}));
    this.prepare(question);
  }

  /** Fetches what may come next while the person looks. */
  async prepare(question) {
    try {
      const {items, progress} = await api(`ahead?token=${encodeURIComponent(question.token)}`);
      if (this.question !== question) return;
      this.rail.progress(progress);
      await Promise.all(items.map((item) => preload(pictureUrl(item, LARGE))));
      this.root.dispatchEvent(new CustomEvent("kallisti:ready", {bubbles: true, detail: question.token}));
    } catch { /* Only speed is lost: the answer itself plans and fetches. */ }
  }

  answer(index) {
    if (this.busy || !this.question) return;
    this.stage.querySelector(`[data-answer="${index}"]`)?.classList.add("k-pressed");
    this.send("answer", {entry_id: entryId(), token: this.question.token, answer: index, response_ms: Math.round(performance.now() - this.shown)});
  }

  /** Records something and shows what comes then. One at a time: a second press is not a second answer. */
  async send(path, body) {
    if (this.busy) return;
    this.busy = true;
    this.say("");
    const start = performance.now();
    try {
      await this.take(await this.deliver(path, body));
      performance.measure("kallisti:answer-to-painted", {start, end: performance.now()});
    } catch (problem) {
      this.busy = false;
      if (!(problem instanceof Refused)) throw problem;
      await this.load();
      this.say(problem.message);
    }
  }

  /** Sends until the server has it; kept in the browser, so that closing the page loses nothing. */
  async deliver(path, body) {
    localStorage.setItem(UNSENT, JSON.stringify({path, body}));
    const slow = setTimeout(() => this.rail.status("sending"), 150);
    for (let wait = 500; ; wait = Math.min(2 * wait, 8000)) {
      try {
        const reply = await api(path, body);
        localStorage.removeItem(UNSENT);
        clearTimeout(slow);
        this.rail.status("saved");
        return reply;
      } catch (problem) {
        clearTimeout(slow);
        if (problem instanceof Refused) { localStorage.removeItem(UNSENT); this.rail.status("none"); throw problem; }
        this.rail.status("unsaved");
        await Promise.race([sleep(wait), online()]);
      }
    }
  }

  act(name) {
    if (name === "help") { this.help(); return; }
    if (this.busy || !this.question) return;
    const options = answerable(this.question);
    const tie = this.question.options.findIndex((option) => option.role === "tie");
    if (name === "zoom") this.root.classList.toggle("k-zoomed");
    else if (name === "first" || name === "second") { if (options.length === 2) this.answer(name === "first" ? 0 : 1); }
    else if (name === "tie") { if (tie >= 0) this.answer(tie); }
    else if (name === "skip") this.answer(null);
    else if (name === "undo") this.send("undo", {entry_id: entryId()});
    else if (name === "flag") this.flag();
  }

  flag() {
    const {token} = this.question;
    const items = [this.question.prompt, ...this.question.options.map((option) => option.parts)].flat().filter((part) => part.item);
    const report = (item) => { box.close(); this.send("flag", {entry_id: entryId(), token, item}); };
    const box = dialog("Never show this again", h("p", {}, items.length ? "Which one should not be shown to you again?" : "This question will not be asked again."),
      h("div", {class: "k-choices"}, items.map((part, index) => h("button", {type: "button", class: "k-hung k-small", onclick: () => report(part.item)},
        picture(part.item, part.alt || nameOf({parts: [part]}, index), SMALL)))),
      items.length ? null : h("button", {type: "button", class: "k-gold", onclick: () => report(null)}, "Do not ask this again"));
  }

  help() {
    dialog("Keys", h("dl", {class: "k-keys"}, HELP.map(([key, meaning]) => [h("dt", {}, key), h("dd", {}, meaning)])));
  }

  async welcome() {
    this.question = null;
    this.busy = false;
    this.root.replaceChildren(...(await startCard((reply) => this.take(reply), (line) => this.say(line))), this.message);
  }

  finish(reason) {
    this.question = null;
    this.busy = false;
    this.root.replaceChildren(h("div", {class: "k-card k-start"},
      h("img", {src: "/ui/apple.svg", alt: "", class: "k-apple"}), h("h1", {}, "That is all"), h("p", {class: "k-lead"}, reason),
      h("a", {class: "k-gold", href: "#taste"}, "See my taste"), h("button", {type: "button", class: "k-quiet", onclick: () => this.welcome()}, "Other topics")),
    this.message, this.rail.element);
  }

  say(line) { this.message.textContent = line; }

  get listening() {
    return document.documentElement.dataset.page === "ask" && !document.querySelector("dialog[open]");
  }

  listen() {
    document.addEventListener("keydown", (event) => {
      const {key, target} = event;
      if (!this.listening || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      if (target.closest?.("input, textarea, select, [contenteditable]")) return;
      if ((key === " " || key === "Enter") && target.closest?.("button, a")) return;
      if (key === "Escape") { this.root.classList.remove("k-zoomed"); return; }
      const digit = "123456789".indexOf(key);
      const name = KEYS[key.length === 1 ? key.toLowerCase() : key];
      if (digit >= 0 && this.question && digit < answerable(this.question).length) this.answer(digit);
      else if (name) this.act(name);
      else return;
      event.preventDefault();
    });
    let from = null;
    this.stage.addEventListener("touchstart", (event) => { from = event.touches.length === 1 ? event.touches[0] : null; }, {passive: true});
    this.stage.addEventListener("touchend", (event) => {
      if (!from || !this.question || !this.listening) return;
      const {clientX, clientY} = event.changedTouches[0];
      const [dx, dy] = [clientX - from.clientX, clientY - from.clientY];
      from = null;
      const along = this.question.kind === "pair" && Math.abs(dy) > Math.abs(dx) ? dy : Math.abs(dx) > 2 * Math.abs(dy) ? dx : 0;
      if (Math.abs(along) < SWIPE || answerable(this.question).length !== 2) return;
      event.preventDefault();
      this.act(along < 0 ? "first" : "second");
    });
    window.addEventListener("kallisti:page", (event) => { if (event.detail === "ask" && !this.busy) this.load(); });
  }
}

/** Starts the interview in an element. */
export function start(root) { new Chooser(root).load(); }
