// What every page needs: elements built as text (never as markup), calls to our own routes,
// pictures that are decoded before they are shown, and one dialog.

/** Makes an element. Attributes are set, children are appended as text or nodes: nothing is parsed. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The server refused, and says why in one line that can be shown. */
export class Refused extends Error {}

/** Calls one of our routes: its JSON, Refused where it says no, TypeError where it cannot be reached. */
export async function api(path, body) {
  const options = body === undefined ? {} : {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body),
  };
  const reply = await fetch(`/api/${path}`, {credentials: "same-origin", ...options});
  if (reply.status >= 500) throw new TypeError(`the server failed (${reply.status})`);
  const data = await reply.json();
  if (!reply.ok) throw new Refused(typeof data.detail === "string" ? data.detail : "that cannot be done");
  return data;
}

/** An id that only this answer has, so that sending it twice records it once. */
export const entryId = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");

/** Where the server keeps a picture, at one of its sizes. */
export const pictureUrl = (item, size) => `/image/${encodeURIComponent(item)}/${size}`;
export const LARGE = 1024;
export const SMALL = 256;

const decoded = new Map();

/** A promise of a decoded picture; asked for early, it is there when it is needed. */
export function preload(url) {
  if (!decoded.has(url)) {
    if (decoded.size > 200) decoded.delete(decoded.keys().next().value);
    const image = new Image();
    image.decoding = "sync";
    image.src = url;
    decoded.set(url, image.decode().then(() => image).catch(() => { decoded.delete(url); return image; }));
  }
  return decoded.get(url);
}

/** A picture element that is shown where it stands, small and late ones included. */
export const picture = (item, alt, size) => h("img", {
  src: pictureUrl(item, size), alt, draggable: "false", loading: "lazy",
  onerror: ({target}) => target.replaceWith(h("span", {class: "k-gone", role: "img", "aria-label": alt})), // its gallery is not open now
});

/** Text and pictures of a question or an option, in order. */
export const prose = (parts, size = SMALL) => parts.map((part) => (part.item ? picture(part.item, part.alt, size) : part.text));

export const percent = (share) => `${Math.round(100 * share)}%`;
export const plural = (count, noun) => `${count.toLocaleString()} ${noun}${count === 1 ? "" : "s"}`;

/** Opens a dialog that closes by Escape, by its button and by a click beside it. */
export function dialog(title, ...children) {
  const close = h("button", {class: "k-close", "aria-label": "Close", onclick: () => box.close()}, "×");
  const box = h("dialog", {class: "k-dialog", "aria-label": title}, h("header", {}, h("h2", {}, title), close), ...children);
  box.addEventListener("click", (event) => { if (event.target === box) box.close(); });
  box.addEventListener("close", () => box.remove());
  document.querySelector("main.k-app").append(box);
  box.showModal();
  return box;
}

/** A page: renders when it is opened, and says what went wrong where it stands. */
export function page(root, name, render) {
  const open = async () => {
    try {
      root.replaceChildren(...(await render()));
    } catch (problem) {
      const line = problem instanceof Refused ? problem.message : "The server cannot be reached just now.";
      root.replaceChildren(h("p", {class: "k-alarm", role: "alert"}, line, " ", h("button", {class: "k-quiet", onclick: open}, "Try again")));
    }
  };
  window.addEventListener("kallisti:page", (event) => { if (event.detail === name) open(); });
  if (document.documentElement.dataset.page === name) open();
  return open;
}
