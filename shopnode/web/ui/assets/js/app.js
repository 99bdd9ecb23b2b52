/* What every screen does beyond htmx: sheets, toasts, confirmation, theme, money typed in groups,
   and an honest link mark when the shop's computer stops answering.

   Invariants: no inline handlers, no eval; behaviour hangs on data-attributes, and events are
   caught on the document, so swapped-in content works without being wired. */
import "htmx.org";
import "./lib/money.js";

const $ = (selector, within = document) => within.querySelector(selector);

/* ---- sheets: whatever lands in #sheet is shown; data-opens and data-closes do the rest ---- */

export function openSheet(sheet) {
  if (!sheet.open) sheet.showModal();
  ($("[autofocus]", sheet) ?? $("input:not([type=hidden]):not([readonly]), .btn-primary", sheet))?.focus();
}

export function closeSheets() {
  for (const sheet of document.querySelectorAll("dialog[open]")) sheet.close();
}

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (targetId(ctx) === "sheet") openSheet($("#sheet"));
  if (ctx?.response?.status >= 400) $(`#${targetId(ctx)} [aria-invalid="true"]`)?.focus();
  const told = $(`[id="${targetId(ctx)}"][data-comes-into-view]`);
  if (told?.childElementCount) {
    told.scrollIntoView({ block: "center" });
    $("[autofocus], input:not([type=hidden], [readonly])", told)?.focus();
  }
});

document.addEventListener("close", ({ target }) => {
  if (target.id === "sheet" && !target.open) target.replaceChildren();
}, true);

/** The id an answer went to; HX-Retarget leaves a selector in place of the element. */
export function targetId(ctx) {
  return typeof ctx?.target === "string" ? ctx.target.replace("#", "") : ctx?.target?.id;
}

/* a form marked so closes its sheet once the server has taken it */
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const asked = ctx.sourceElement.closest("[hx-get], [hx-post]"); // a field within may ask for itself
  if (asked?.matches("[data-closes-sheet]") && ctx.response?.status < 400 && !ctx.response.headers.get("HX-Retarget")) closeSheets();
});

document.addEventListener("click", (event) => {
  const { target } = event;
  const opener = target.closest("[data-opens]");
  if (opener) {
    opener.closest("details.menu")?.removeAttribute("open");
    openSheet(document.getElementById(opener.dataset.opens));
  }
  if (target.closest("[data-closes]") || target.matches("dialog.sheet")) target.closest("dialog")?.close();
  target.closest("[data-dismiss]")?.closest("[data-toast]")?.remove();
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(target)) menu.open = false;
  const row = target.closest("tr.is-link");
  if (row && !target.closest("a, button, input, label, select")) $("a", row)?.click();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = $("details.menu[open]");
  if (menu) {
    menu.open = false;
    $("summary", menu).focus();
  }
});

/* ---- toasts leave by themselves; refusals stay until read ---- */

export function say(words, tone = "") {
  const toast = document.createElement("div");
  toast.className = `toast is-${tone}`;
  toast.dataset.toast = "";
  toast.append(Object.assign(document.createElement("p"), { textContent: words }));
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  toast.append(close);
  $("#toasts").append(toast);
  return toast;
}

new MutationObserver(() => {
  for (const toast of document.querySelectorAll("[data-toast]:not([data-seen])")) {
    toast.dataset.seen = "";
    if (!toast.classList.contains("is-refused")) setTimeout(() => toast.remove(), 5000);
  }
}).observe(document.documentElement, { childList: true, subtree: true });

/* ---- hx-confirm asks in our words: "Question?|What it means|Yes, do it" ---- */

document.addEventListener("htmx:confirm", (event) => {
  const { ctx, issueRequest, dropRequest } = event.detail;
  const dialog = $("#confirm");
  if (!ctx.confirm || !dialog) return;
  event.preventDefault();
  const [question, more = "", yes = "Yes"] = ctx.confirm.split("|");
  $("#confirm-words").textContent = question;
  $("[data-confirm-more]", dialog).textContent = more;
  $("[data-confirm-yes]", dialog).textContent = yes;
  dialog.returnValue = "";
  dialog.addEventListener("close", () => (dialog.returnValue === "yes" ? issueRequest() : dropRequest()), { once: true });
  dialog.showModal();
});

/* ---- theme: a cookie, so that the server paints the first frame right ---- */

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-theme-choice]");
  if (!button) return;
  const choice = button.dataset.themeChoice;
  document.cookie = `theme=${choice}; path=/; max-age=${choice ? 31536000 : 0}; samesite=lax`;
  if (choice) document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  for (const other of document.querySelectorAll("[data-theme-choice]")) other.setAttribute("aria-pressed", other === button);
});

/* ---- no answer: say so, and say what is safe ---- */

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (!ctx) return;
  markSaved(false);
  if (ctx.request?.method === "GET" || $("[data-no-answer]")) return;
  const toast = say("No answer from the shop's computer. Nothing is lost: try again, it is never recorded twice.", "refused");
  toast.dataset.noAnswer = "";
});

document.addEventListener("htmx:after:request", () => {
  $("[data-no-answer]")?.remove();
  markSaved(true);
});

document.addEventListener("htmx:response:error", ({ detail: { ctx } }) => {
  if (ctx.response.status >= 500) say("The shop's computer could not do that. Nothing was changed. Try again.", "refused");
});

function markSaved(isSaved) {
  const mark = $("[data-mark=saved]");
  if (!mark || mark.closest(".link").classList.contains("is-stale") !== isSaved) return;
  mark.closest(".link").classList.toggle("is-stale", !isSaved);
  const picture = $("use", mark);
  picture.setAttribute("href", picture.getAttribute("href").replace(/#.*/, isSaved ? "#check-lg" : "#x-circle-fill"));
  mark.classList.toggle("is-refused", !isSaved);
  mark.classList.toggle("is-good", isSaved);
  for (const words of mark.querySelectorAll(".words, .short")) words.textContent = isSaved ? "Saved" : "No answer";
}

/* ---- keys that work everywhere ---- */

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("dialog[open]")) return;
  const isTyping = event.target.closest?.("input, textarea, select");
  if (event.key === "/" && !isTyping) {
    const search = $("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
  if (event.key === "?" && !isTyping && $("#keys")) openSheet($("#keys"));
});

/* ---- one of a few: the chosen one is marked, for browsers without :has() ---- */

document.addEventListener("change", ({ target }) => {
  const group = target.type === "radio" && target.closest("[data-choices]");
  if (!group) return;
  for (const choice of group.children) choice.classList.toggle("is-on", choice.contains(target));
  if (target.closest("[data-pin]")) $("#pin").focus();
});

/* ---- a chip that fills a field ---- */

document.addEventListener("click", ({ target }) => {
  const chip = target.closest("[data-fill]");
  if (!chip) return;
  const input = document.getElementById(chip.dataset.fill);
  input.value = chip.dataset.value;
  input.focus();
});

/* ---- Enter takes the first of the hits a field names ---- */

document.addEventListener("keydown", (event) => {
  const list = event.key === "Enter" && event.target.dataset?.takesFirst;
  if (!list) return;
  event.preventDefault();
  $(`#${list} .hit`)?.click();
});

/* ---- files dropped on a field of their own ---- */

for (const type of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(type, ({ target }) => target.closest?.(".drop")?.classList.toggle("is-over", type === "dragover"));
}

document.addEventListener("change", ({ target }) => {
  const name = target.closest?.(".drop")?.querySelector("[data-file-name]");
  if (name && target.files?.length) name.textContent = target.files[0].name;
});
