/* Photos taken one after the other, and signatures drawn with a finger: both leave as files of their form.

   Invariants:
     - What is seen is what is sent: the input holds the files of the thumbnails, in their order.
     - A large photo is made small here, so that it is sent quickly; one that cannot be read is sent as it is, and the
       server says what is wrong with it.
     - Behaviour hangs on data-attributes:
         [data-photos="8"]   holds an input of files, and a list for the thumbnails; so many at most
         [data-signature]    holds a canvas, a button to begin anew, and the input that carries what was drawn */
const SIDE_MAX = 1600;
const BYTES_MAX = 600_000;
const QUALITY = 0.85;
const SENT_AS_IS = ["image/jpeg", "image/png", "image/webp"];

const $ = (selector, within) => within.querySelector(selector);
const kept = new WeakMap(); // input → its files

function hold(input, files) {
  const carrier = new DataTransfer();
  for (const file of files) carrier.items.add(file);
  input.files = carrier.files;
  kept.set(input, files);
}

/* ---- photos ---- */

document.addEventListener("change", async ({ target }) => {
  const box = target.type === "file" && target.closest("[data-photos]");
  if (!box) return;
  const most = Number(box.dataset.photos);
  const taken = [...target.files];
  hold(target, [...(kept.get(target) ?? []), ...taken].slice(0, most)); // at once: the form may be sent any moment
  await show(box, target);
  for (const file of taken) {
    const small = await shrink(file);
    if (small === file) continue;
    hold(target, kept.get(target).map((one) => (one === file ? small : one)));
  }
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-drops]");
  if (!button) return;
  const box = button.closest("[data-photos]");
  const input = $("input[type=file]", box);
  hold(input, kept.get(input).filter((_, place) => place !== Number(button.dataset.drops)));
  show(box, input);
  input.focus();
});

async function show(box, input) {
  const files = kept.get(input);
  const rows = await Promise.all(files.map(thumbnail));
  if (files.length !== kept.get(input).length) return; // another one came meanwhile
  $("ul", box).replaceChildren(...rows);
  box.toggleAttribute("data-full", files.length >= Number(box.dataset.photos));
}

async function thumbnail(file, place) {
  const row = document.createElement("li");
  const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 160 });
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `Photo ${place + 1}`);
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×" });
  button.dataset.drops = place;
  button.setAttribute("aria-label", `Take photo ${place + 1} away`);
  row.append(canvas, button);
  try {
    const picture = await createImageBitmap(file);
    const side = Math.min(picture.width, picture.height);
    const [left, top] = [(picture.width - side) / 2, (picture.height - side) / 2];
    canvas.getContext("2d").drawImage(picture, left, top, side, side, 0, 0, 160, 160);
    picture.close();
  } catch {
    row.append(Object.assign(document.createElement("small"), { textContent: file.name }));
  }
  return row;
}

async function shrink(file) {
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
    if (scale === 1 && file.size < BYTES_MAX && SENT_AS_IS.includes(file.type)) return file;
    const canvas = Object.assign(document.createElement("canvas"), {
      width: Math.round(picture.width * scale),
      height: Math.round(picture.height * scale),
    });
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    picture.close();
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
    return blob ? new File([blob], "photo.jpg", { type: "image/jpeg" }) : file;
  } catch {
    return file;
  }
}

/* ---- signatures ---- */

let pen = null;

function place(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * canvas.width) / box.width, ((event.clientY - box.top) * canvas.height) / box.height];
}

document.addEventListener("pointerdown", (event) => {
  const canvas = event.target.closest?.("[data-signature] canvas");
  if (!canvas || event.button) return;
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  pen = canvas.getContext("2d");
  Object.assign(pen, { lineWidth: 3.5, lineCap: "round", lineJoin: "round", strokeStyle: getComputedStyle(canvas).color });
  const at = place(canvas, event);
  pen.beginPath();
  pen.moveTo(...at);
  pen.lineTo(...at);
  pen.stroke();
});

document.addEventListener("pointermove", (event) => {
  if (!pen) return;
  pen.lineTo(...place(pen.canvas, event));
  pen.stroke();
});

for (const type of ["pointerup", "pointercancel"]) {
  document.addEventListener(type, () => {
    if (!pen) return;
    const { canvas } = pen;
    pen = null;
    const box = canvas.closest("[data-signature]");
    box.dataset.signed = "";
    inBlack(canvas).toBlob((blob) => blob && hold($("input", box), [new File([blob], "signature.png", { type: "image/png" })]));
  });
}

/** What was drawn, in the colour of ink on paper: by night the screen draws it in white. */
function inBlack(drawn) {
  const paper = Object.assign(document.createElement("canvas"), { width: drawn.width, height: drawn.height });
  const ink = paper.getContext("2d");
  ink.drawImage(drawn, 0, 0);
  ink.globalCompositeOperation = "source-in";
  ink.fillRect(0, 0, paper.width, paper.height);
  return paper;
}

document.addEventListener("click", ({ target }) => {
  const box = target.closest("[data-wipes]")?.closest("[data-signature]");
  if (!box) return;
  const canvas = $("canvas", box);
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  delete box.dataset.signed;
  hold($("input", box), []);
});
