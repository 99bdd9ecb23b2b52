/* The counter by keyboard, scanner and finger.

   Invariants:
     - The server decides. This file moves focus, chooses among hits and presses buttons that are in the page.
     - A scanner types fast and ends with Enter, often before the hits are here: then the text itself is
       posted and the server adds the exact match. Hits are taken by Enter only when they answer the text shown. */
import { closeSheets, targetId } from "./app.js";

const $ = (selector, within = document) => within.querySelector(selector);
const till = $(".till");
const search = $("[data-search]");
const hasKeyboard = matchMedia("(hover: hover)").matches;

let answered = ""; // the text that the hits on screen belong to

/* ---- the step decides what the tablet and the phone show ---- */

function readStep() {
  const step = $("#pay")?.dataset.step ?? "sell";
  till.dataset.step = step;
  till.toggleAttribute("data-empty", $("#cart")?.dataset.lines === "0");
}

function focusSearch() {
  if (hasKeyboard) search.focus();
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  readStep();
  const target = targetId(ctx);
  if (target === "results") answered = search.value.trim();
  if (target === "cart") lineAdded();
  if (target === "pay" && till.dataset.step === "sell") focusSearch();
});

function lineAdded() {
  if (search.value) {
    search.value = "";
    answered = "";
    // Also when no hits are here yet: those of a quick scan may be on their way, and this takes their place.
    search.dispatchEvent(new Event("input", { bubbles: true }));
  }
  till.removeAttribute("data-finding");
  $(".cart-line.is-new, .cart-line.has-problem")?.scrollIntoView({ block: "nearest" });
  if (!$("dialog[open]") && till.dataset.step === "sell") focusSearch();
}

/* ---- hits: arrows choose, Enter takes the chosen one or the first ---- */

function hits() {
  return [...document.querySelectorAll("#results .hit:not(:disabled)")];
}

function choose(step) {
  const all = hits();
  if (!all.length) return;
  const now = all.findIndex((hit) => hit.getAttribute("aria-selected") === "true");
  const next = now < 0 ? (step > 0 ? Math.min(1, all.length - 1) : all.length - 1) : (now + step + all.length) % all.length;
  all.forEach((hit, i) => hit.setAttribute("aria-selected", i === next));
  all[next].closest(".hits").dataset.moved = "";
  all[next].scrollIntoView({ block: "nearest" });
  search.setAttribute("aria-activedescendant", all[next].id);
}

search.addEventListener("keydown", (event) => {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(event.key === "ArrowDown" ? 1 : -1);
  }
  if (event.key === "Enter") {
    const text = search.value.trim();
    const all = hits();
    const chosen = all.find((hit) => hit.getAttribute("aria-selected") === "true") ?? all[0];
    if (!text) event.preventDefault();
    if (text && text === answered && chosen) {
      event.preventDefault();
      chosen.click();
    }
  }
  if (event.key === "Escape") {
    search.value = "";
    search.dispatchEvent(new Event("input", { bubbles: true }));
    till.removeAttribute("data-finding");
  }
});

search.addEventListener("focus", () => till.setAttribute("data-finding", ""));
$(".cart")?.addEventListener("click", () => till.removeAttribute("data-finding"));
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-stop-finding]")) till.removeAttribute("data-finding");
});

/* ---- function keys press what is on screen; F9 takes payment, then completes ---- */

const keys = { F2: "[data-key-f2]", F4: "[data-key-f4]", F8: "[data-key-f8]", F9: "[data-key-f9]" };

document.addEventListener("keydown", (event) => {
  const selector = keys[event.key];
  if (selector) {
    event.preventDefault();
    if (!$("dialog[open]")) $(`${selector}:not(:disabled)`)?.click();
    return;
  }
  if (event.key === "Escape" && !$("dialog[open]") && event.target !== search) $("[data-back]")?.click();
});

/* a scanner fires at whatever has focus: what is typed into nothing, or onto a button, belongs to the search */
document.addEventListener("keydown", (event) => {
  const isLetter = event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey;
  const isFree = !event.target.closest("input, textarea, select, summary") && !$("dialog[open]");
  const isSelling = ["sell", "done"].includes(till.dataset.step);
  if (isLetter && isFree && isSelling && !" /?".includes(event.key)) search.focus();
});

/* ---- taking payment ---- */

/* what belongs to one way of paying is seen with it; each way brings its own amount */
document.addEventListener("change", ({ target }) => {
  const form = target.name === "method" && target.closest(".tender-form");
  if (!form) return;
  const panel = form.closest(".pay");
  for (const part of panel.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(target.value);
  for (const part of panel.querySelectorAll("[data-not-for]")) part.hidden = part.dataset.notFor.split(" ").includes(target.value);
  const amount = $(target.value === "usd" ? "[name=dollars]" : "[name=amount_minor]", form);
  amount.value = target.dataset.amount;
  amount.dataset.fresh = "";
  const reference = $("[name=reference]", form);
  (reference.checkVisibility?.() ? reference : amount).focus();
});

document.addEventListener("click", ({ target }) => {
  const note = target.closest("[data-note]");
  if (!note) return;
  const form = note.closest("form");
  const amount = $("[name=amount_minor]", form);
  amount.value = note.dataset.note;
  amount.dispatchEvent(new Event("input", { bubbles: true }));
  form.requestSubmit();
});

document.addEventListener("htmx:after:swap", () => {
  if (till.dataset.step === "done") closeSheets();
});

readStep();
if (till.dataset.step === "sell") focusSearch();
till.removeAttribute("data-finding");
