/* Money as it is typed: grouped while you look at it, whole minor units when it is sent.

   An input says data-money="<exponent>". Nothing here multiplies or rounds: digits are text. */

const inputs = "input[data-money]";

/** "1500000" → "1,500,000"; with an exponent of 2, "1500.5" → "1,500.5" */
export function grouped(text, exponent) {
  const clean = text.replace(exponent ? /[^\d.]/g : /\D/g, "");
  const [whole, ...rest] = clean.split(".");
  const digits = whole.replace(/^0+(?=\d)/, "").replace(/\B(?=(\d{3})+$)/g, ",");
  return rest.length ? `${digits}.${rest.join("").slice(0, exponent)}` : digits;
}

/** "1,500.5" with an exponent of 2 → "150050"; "" stays "" */
export function minorUnits(text, exponent) {
  const [whole = "", fraction = ""] = text.replace(/[^\d.]/g, "").split(".");
  if (!whole && !fraction) return "";
  return (whole + fraction.slice(0, exponent).padEnd(exponent, "0")).replace(/^0+(?=\d)/, "");
}

document.addEventListener("input", ({ target }) => {
  if (!target.matches?.(inputs)) return;
  const fromEnd = target.value.length - (target.selectionEnd ?? target.value.length);
  target.value = grouped(target.value, Number(target.dataset.money));
  const caret = Math.max(0, target.value.length - fromEnd);
  if (target === document.activeElement) target.setSelectionRange(caret, caret);
});

document.addEventListener("focusin", ({ target }) => {
  if (target.matches?.(inputs)) target.select();
});

/* forms and htmx both read a form through this event */
document.addEventListener("formdata", ({ target, formData }) => {
  for (const input of target.querySelectorAll(inputs)) {
    if (input.name && formData.has(input.name)) formData.set(input.name, minorUnits(input.value, Number(input.dataset.money)));
  }
});

/* the keypad types into the input it names */
document.addEventListener("click", ({ target }) => {
  const key = target.closest("[data-key]")?.dataset.key;
  const input = key && document.getElementById(target.closest("[data-keypad]").dataset.keypad);
  if (!input) return;
  const isFresh = input.dataset.fresh !== undefined;
  delete input.dataset.fresh;
  const old = isFresh ? "" : input.value;
  input.value = key === "back" ? input.value.replace(/[^\d]/g, "").slice(0, -1) : old + key;
  input.dispatchEvent(new Event("input", { bubbles: true }));
});
