/* Scans that were not taken in yet outlive a reload and a power cut: this browser keeps their numbers, nothing else.

   ul[data-keeps] is the list whose numbers are kept; [data-kept] says so where there are some from before;
   [data-forgets] stands on the page that says they were taken in. */

const KEY = "phoneshop.scans";
const $ = (selector) => document.querySelector(selector);

/** Write down the numbers of the list as it stands, the first scan first. */
export function keep() {
  const list = $("ul[data-keeps]");
  if (!list) return;
  const here = [...list.querySelectorAll('input[name^="number."]')].map(({ value }) => value).reverse();
  const waits = $("[data-kept]")?.hidden === false; // those from before are neither brought back nor let go
  const numbers = [...new Set([...(waits ? kept() : []), ...here])];
  if (numbers.length) localStorage.setItem(KEY, JSON.stringify(numbers));
  else localStorage.removeItem(KEY);
}

/** The numbers that were kept. */
export function kept() {
  try {
    const numbers = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(numbers) ? numbers.filter((number) => typeof number === "string") : [];
  } catch {
    return [];
  }
}

function offer() {
  const words = $("[data-kept]");
  const many = kept().length;
  if (!words || !many || $("ul[data-keeps]").children.length) return;
  $("[data-kept-count]").textContent = many === 1 ? "1 phone" : `${many} phones`;
  words.hidden = false;
}

export function forget() {
  localStorage.removeItem(KEY);
  $("[data-kept]")?.setAttribute("hidden", "");
}

if ($("[data-forgets]")) forget();
offer();
