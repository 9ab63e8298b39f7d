// What mail programs cannot do of the HTML of each mail, by the data of caniemail.
//
//   node clients.mjs FOLDER    reads FOLDER/html/*.html, writes FOLDER/results/clients.json: name to problems
//
// What a program may lack without a loss is in clients.json, with the reason. An entry that nothing needs any more is a
// problem of its own.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";

import { caniemail, rawData } from "caniemail";

const CLIENTS = "gmail.android gmail.desktop-webmail gmail.ios gmail.mobile-webmail outlook.android outlook.ios outlook.macos outlook.outlook-com outlook.windows outlook.windows-mail apple-mail.ios apple-mail.macos yahoo.android yahoo.desktop-webmail yahoo.ios gmx.android gmx.desktop-webmail gmx.ios".split(" ");
// The package fails on a feature that nobody has tried in a client: of those nothing is known.
for (const { stats } of rawData.data) {
  for (const [family, platform] of CLIENTS.map((client) => client.split("."))) {
    stats[family] ??= {};
    stats[family][platform] ??= { 0: "u" };
  }
}

const folder = process.argv[2];
const allowed = JSON.parse(readFileSync(new URL("clients.json", import.meta.url), "utf8"));
const used = new Set();
const results = {};
for (const file of readdirSync(join(folder, "html")).sort()) {
  const name = basename(file, ".html");
  const html = readFileSync(join(folder, "html", file), "utf8");
  const lacking = new Map();
  for (const [client, issues] of caniemail({ clients: CLIENTS, html }).issues.errors) {
    for (const feature of new Set(issues.map((issue) => issue.title))) {
      lacking.set(feature, [...(lacking.get(feature) ?? []), client]);
    }
  }
  results[name] = [];
  for (const [feature, clients] of lacking) {
    if (feature in allowed) used.add(feature);
    else results[name].push(`${feature}: not in ${clients.sort().join(", ")}`);
  }
}
const stale = Object.keys(allowed).filter((feature) => !used.has(feature));
if (stale.length > 0) results["clients.json"] = stale.map((feature) => `nothing needs “${feature}” any more`);
writeFileSync(join(folder, "results", "clients.json"), JSON.stringify(results));
