// The frame of the app: which page is open (kept in the address, so that the back button works),
// and light or dark.

import {h} from "./kit.js";

const PAGES = {ask: "Ask", taste: "My taste", predictions: "Predictions", history: "History", data: "Data"};
const SUN = "☀", MOON = "☾";

const current = () => (location.hash.slice(1) in PAGES ? location.hash.slice(1) : "ask");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.body.classList.toggle("dark", theme === "dark");
  localStorage.setItem("kallisti:theme", theme);
}

/** Fills the header and follows the address. */
export function start(root) {
  const links = Object.entries(PAGES).map(([name, label]) => h("a", {href: `#${name}`, "data-page": name}, label));
  const toggle = h("button", {class: "k-theme", type: "button", onclick: () => { setTheme(isDark() ? "light" : "dark"); label(); }});
  const label = () => {
    toggle.textContent = isDark() ? SUN : MOON;
    toggle.setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme");
  };
  const open = () => {
    const name = current();
    document.documentElement.dataset.page = name;
    document.title = name === "ask" ? "Kallisti" : `${PAGES[name]} · Kallisti`;
    for (const link of links) {
      if (link.dataset.page === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    window.scrollTo(0, 0);
    window.dispatchEvent(new CustomEvent("kallisti:page", {detail: name}));
  };
  root.replaceChildren(
    h("a", {class: "k-mark", href: "#ask", "aria-label": "Kallisti"}, h("img", {src: "/ui/apple.svg", alt: ""}), h("span", {}, "Kallisti")),
    h("nav", {"aria-label": "Pages"}, links),
    toggle,
  );
  document.body.classList.toggle("dark", isDark());
  label();
  open();
  window.addEventListener("hashchange", open);
}
