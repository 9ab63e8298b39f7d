// What mail programs cannot do of the HTML of each mail, by the data of caniemail.
//
//   node clients.mjs FOLDER    reads FOLDER/html/*.html, writes FOLDER/results/clients.json: name to problems
//
// What a program may lack without a loss is in clients.json, with the reason. An entry that nothing needs any more is a
// problem of its own.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { caniemail } from "caniemail";

const CLIENTS = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "gmx.*"];

const folder = process.argv[2];
const allowed = JSON.parse(readFileSync(new URL("clients.json", import.meta.url), "utf8"));
const used = new Set();
const results = {};
for (const file of readdirSync(join(folder, "html")).sort()) {
  const name = basename(file, ".html");
  const html = readFileSync(join(folder, "html", file), "utf8");
  const lacking = new Map();
  for (const [client, issues] of caniemail({ clients: CLIENTS, html }).issues.errors) {
    for (const issue of issues) {
      const clients = lacking.get(issue.title) ?? new Set();
      lacking.set(issue.title, clients.add(client));
    }
  }
  results[name] = [];
  for (const [feature, clients] of lacking) {
    if (feature in allowed) used.add(feature);
    else results[name].push(`${feature}: not in ${[...clients].sort().join(", ")}`);
  }
}
const stale = Object.keys(allowed).filter((feature) => !used.has(feature));
if (stale.length > 0) results["clients.json"] = stale.map((feature) => `nothing needs “${feature}” any more`);
writeFileSync(join(folder, "results", "clients.json"), JSON.stringify(results));
