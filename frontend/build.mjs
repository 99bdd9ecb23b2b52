/* Builds the front end: shopnode/web/ui/assets → shopnode/web/ui/static/dist, or the folder named as the argument.
 *
 *   assets/js/*.js       entry points, bundled as modules with their shared parts split off
 *   assets/css/app.css   bundled with what it imports
 *   assets/icons.txt     names of bootstrap-icons, one a line → one sprite, `icons.svg#name`
 *   assets/img/*         copied
 *
 * Invariants:
 *   - A name carries the hash of its content, so answers may be cached for ever; manifest.json
 *     maps the plain name to the hashed one.
 *   - Each text file has a .gz twin, because the server does not compress.
 *   - The same sources give the same bytes.
 *   - The old build stays in place until the new one is complete.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import esbuild from "esbuild";

const HOME = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const ASSETS = path.join(HOME, "shopnode/web/ui/assets");
const DIST = path.resolve(process.argv[2] ?? path.join(HOME, "shopnode/web/ui/static/dist"));
const FRESH = `${DIST}.fresh`;
const ICONS = path.join(HOME, "node_modules/bootstrap-icons/icons");
const STYLE_SHEETS = ["css/app.css", "css/stock.css", "css/pictures.css"]; // the counter carries the first alone
const BROWSERS = ["es2020", "chrome90", "firefox90", "safari15"];
const WORTH_GZIPPING = /\.(js|css|svg|txt|json)$/;

/** @type {Record<string, string>} plain name → hashed name */
const manifest = {};

fs.rmSync(FRESH, { recursive: true, force: true });
fs.mkdirSync(FRESH, { recursive: true });
const packages = await bundle();
writeSprite();
copyImages();
writeLicences([...packages, "bootstrap-icons"]);
fs.writeFileSync(path.join(FRESH, "manifest.json"), JSON.stringify(sorted(manifest), null, 1) + "\n");
report(writeTwins());
fs.rmSync(DIST, { recursive: true, force: true });
fs.renameSync(FRESH, DIST);

/** Bundles scripts and style sheets; returns the names of the packages that went in. */
async function bundle() {
  const entryPoints = [
    ...filesIn("js").filter((name) => name.endsWith(".js")),
    ...STYLE_SHEETS.filter((name) => fs.existsSync(path.join(ASSETS, name))),
  ];
  if (entryPoints.length === 0) return [];
  const { metafile } = await esbuild.build({
    absWorkingDir: HOME,
    entryPoints: entryPoints.map((name) => path.join(ASSETS, name)),
    outdir: FRESH,
    entryNames: "[name]-[hash]",
    chunkNames: "part-[hash]",
    assetNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    legalComments: "none", // licences.txt carries them
    target: BROWSERS,
    loader: { ".svg": "file", ".png": "file", ".woff2": "file" },
    metafile: true,
    logLevel: "warning",
  });
  for (const [output, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint) manifest[path.basename(entryPoint)] = path.basename(output);
  }
  const fromPackages = Object.keys(metafile.inputs).map((input) => input.match(/node_modules\/((@[^/]+\/)?[^/]+)/)?.[1]);
  return [...new Set(fromPackages.filter(Boolean))].sort();
}

/** One file of <symbol>s, so that a page draws any icon by <use href="…/icons.svg#name">. */
function writeSprite() {
  const list = path.join(ASSETS, "icons.txt");
  if (!fs.existsSync(list)) return;
  const names = fs.readFileSync(list, "utf8").split("\n").map((line) => line.replace(/#.*/, "").trim()).filter(Boolean);
  const symbols = [...new Set(names)].sort().map(symbol);
  write("icons.svg", `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
}

function symbol(name) {
  const file = path.join(ICONS, `${name}.svg`);
  if (!fs.existsSync(file)) throw new Error(`icons.txt: bootstrap-icons has no icon "${name}"`);
  const [, attributes, drawing] = fs.readFileSync(file, "utf8").match(/<svg([^>]*)>(.*)<\/svg>/s);
  const viewBox = attributes.match(/viewBox="[^"]+"/)[0];
  return `<symbol id="${name}" ${viewBox} fill="currentColor">${drawing.replace(/\s*\n\s*/g, "")}</symbol>`;
}

function copyImages() {
  for (const name of filesIn("img")) write(path.basename(name), fs.readFileSync(path.join(ASSETS, name)));
}

/** The packages' licences ask to travel with their code. */
function writeLicences(packages) {
  const texts = packages.map((name) => {
    const folder = path.join(HOME, "node_modules", name);
    const { version, license } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
    const file = fs.readdirSync(folder).find((entry) => /^licen[sc]e/i.test(entry));
    const text = file ? fs.readFileSync(path.join(folder, file), "utf8").trim() : "";
    return `${name} ${version} (${license})\n\n${text}`.trim();
  });
  write("licences.txt", texts.join("\n\n----\n\n") + "\n");
}

/** Writes one file under a name that carries its hash. */
function write(name, content) {
  const { name: stem, ext } = path.parse(name);
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 8);
  manifest[name] = `${stem}-${hash}${ext}`;
  fs.writeFileSync(path.join(FRESH, manifest[name]), content);
}

/** Adds the .gz twins; returns the gzipped size of each file in bytes. */
function writeTwins() {
  const sizes = {};
  for (const name of fs.readdirSync(FRESH).filter((entry) => WORTH_GZIPPING.test(entry) && entry !== "manifest.json").sort()) {
    const zipped = gzipSync(fs.readFileSync(path.join(FRESH, name)), { level: 9 });
    fs.writeFileSync(path.join(FRESH, `${name}.gz`), zipped);
    sizes[name] = zipped.length;
  }
  return sizes;
}

function report(sizes) {
  for (const [name, bytes] of Object.entries(sizes)) console.log(`${(bytes / 1024).toFixed(1).padStart(8)} KB gz  ${name}`);
}

/** Names of the files directly in a folder of assets, sorted; none if the folder is missing. */
function filesIn(folder) {
  const full = path.join(ASSETS, folder);
  if (!fs.existsSync(full)) return [];
  const entries = fs.readdirSync(full, { withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => `${folder}/${entry.name}`).sort();
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort());
}
