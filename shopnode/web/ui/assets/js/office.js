/* Lists that grow at the office's screens: goods put on an order, phones scanned one after another, a count.

   Invariants:
     - The server decides what a number is. This file keeps the order of the scans and loses none: one that got no
       answer stands in its field again.
     - Behaviour hangs on data-attributes:
         button[data-sends="#list"]  posts its form without leaving the page; the answer's rows go on top of the list
         [data-scan]                 the field whose text is sent; [data-scan-first] has the focus between scans
         [data-line]                 a row; [data-removes] inside takes it out
         [data-once]                 a question in a list: it goes when it is answered
         [data-beep]                 a row that calls for eyes: scanned twice, or no number
         [data-counts="#list"]       says how many rows there are
         textarea[data-numbers]      numbers one a line; a repeat is taken out with a beep and a word */
import { say, targetId } from "./app.js";
import { forget, keep, kept } from "./lib/kept.js";

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/* ---- one beep for everything that is odd ---- */

let sound;

function beep() {
  try {
    sound ??= new AudioContext();
    const tone = sound.createOscillator();
    tone.frequency.value = 320;
    tone.connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + 0.18);
  } catch {
    /* no sound here: the row says it, too */
  }
}

/* ---- rows: counted, taken out ---- */

function count() {
  for (const words of $$("[data-counts]")) words.textContent = $$("[data-line]", $(words.dataset.counts)).length;
}

document.addEventListener("click", ({ target }) => {
  const row = target.closest("[data-removes]")?.closest("[data-line]");
  if (!row) return;
  row.remove();
  count();
  keep();
  ($("[data-scan-first]") ?? $("#goods-search"))?.focus();
});

/* ---- scans: one after the other, each with an answer ---- */

const waiting = [];
let isSending = false;

document.addEventListener("submit", (event) => {
  const by = event.submitter?.closest("[data-sends]");
  if (!by) return;
  event.preventDefault();
  const input = $("[data-scan]", by.form);
  const typed = input.value.trim();
  if (!typed) return;
  input.value = "";
  waiting.push({ by, input, typed });
  sendNext();
});

async function sendNext() {
  if (isSending || !waiting.length) return;
  isSending = true;
  const { by, input, typed } = waiting.shift();
  try {
    const body = new FormData(by.form);
    body.set(input.name, typed);
    const answer = await fetch(by.getAttribute("formaction") ?? by.form.action, { method: "POST", body, headers: { "HX-Request": "true" } });
    const onward = answer.headers.get("HX-Redirect");
    if (onward) location.assign(onward);
    else if (answer.ok) take(await answer.text(), $(by.dataset.sends), by.closest("[data-once]"));
    else refuse(await answer.text(), input, typed);
  } catch {
    giveBack(input, typed);
    beep();
    say(`${typed} was not taken: no answer from the shop's computer. Press Enter to send it again.`, "refused");
  }
  isSending = false;
  sendNext();
}

function take(html, list, question) {
  question?.remove();
  const holder = document.createElement("template");
  holder.innerHTML = html;
  let next = $("[data-scan-first]");
  for (const row of [...holder.content.children]) {
    if (row.id) document.getElementById(row.id)?.remove();
    list.prepend(row);
    window.htmx?.process(row);
    if (row.dataset.beep !== undefined) beep();
    next = $("[autofocus]", row) ?? next;
  }
  count();
  keep();
  next?.focus();
}

document.addEventListener("click", ({ target }) => {
  const by = $("[data-sends]");
  const input = $("[data-scan-first]");
  if (target.closest("[data-brings-back]")) for (const typed of kept()) waiting.push({ by, input, typed });
  else if (!target.closest("[data-lets-go]")) return;
  forget();
  sendNext();
  input.focus();
});

function refuse(html, input, typed) {
  giveBack(input, typed);
  beep();
  $("#toasts").insertAdjacentHTML("beforeend", html);
}

function giveBack(input, typed) {
  if (input.isConnected && !input.value) input.value = typed;
}

/* ---- goods: a product stands in a list once ---- */

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (targetId(ctx) === "found") askOnce();
  if (targetId(ctx) !== "goods-lines") return;
  const rows = $$("#goods-lines > [data-line]");
  const added = rows.at(-1);
  const twin = rows.find((row) => row !== added && row.dataset.line === added?.dataset.line);
  if (twin) {
    added.remove();
    beep();
  }
  count();
  const search = $("#goods-search");
  search.value = "";
  $("#goods-hits").replaceChildren();
  $("input:not([type=hidden]), textarea", twin ?? added)?.select();
});

document.addEventListener("keydown", (event) => {
  const presses = event.key === "Enter" && event.target.dataset?.presses;
  if (!presses) return;
  event.preventDefault();
  if (event.target.value.trim()) document.getElementById(presses).click();
});

/* a product that is asked for twice is one question */
function askOnce() {
  const [latest, ...older] = $$("#found > [data-once]");
  for (const row of older) if (row.id === latest.id) row.remove();
  $("input:not([type=hidden])", latest)?.focus();
}

/* ---- numbers typed or scanned into a text, one a line ---- */

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.("textarea[data-numbers]")) return;
  const said = document.getElementById(target.dataset.numbers);
  const others = $$("textarea[data-numbers]", target.form).filter((one) => one !== target);
  const before = new Set(others.flatMap((one) => numbersIn(one.value)));
  const kept = [];
  let twice = "";
  const lines = target.value.split("\n");
  const last = lines.pop(); // still being typed
  for (const line of lines) {
    const number = bare(line);
    if (number && before.has(number)) twice = line.trim();
    else kept.push(line);
    if (number) before.add(number);
  }
  if (twice) {
    target.value = [...kept, last].join("\n");
    beep();
  }
  const many = numbersIn(target.value).length;
  said.textContent = twice ? `${twice} was scanned before; it counts once. ${many} so far.` : `${many} so far.`;
  said.classList.toggle("attention", Boolean(twice));
});

function bare(line) {
  return line.replace(/[^0-9a-z]/gi, "").toUpperCase();
}

function numbersIn(text) {
  return text.split("\n").map(bare).filter(Boolean);
}

count();
