// Issues that were sent, made by the command line beside a running demo.

/** Schedules issues for now, and waits until the sending of each has begun; gives their paths on the web. */
export async function send(demo, ...ids) {
  for (const id of ids) await demo.command("issue", "schedule", `${id}`, "--now", "--at-once");
  const paths = [];
  for (const id of ids) {
    const [[uuid]] = await demo.sql("SELECT public_id FROM issues WHERE id = ?", id);
    const path = `/i/${uuid.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5")}`;
    await demo.until(path, (html) => html.includes("og:title"));
    paths.push(path);
  }
  return paths;
}

/** Composes an issue of the demo's articles and sends it; gives its path on the web. */
export async function publish(demo, newsletter, subject, preheader, ...articles) {
  const chosen = articles.flatMap((article) => ["--article", article]);
  const words = ["--newsletter", newsletter, "--subject", subject, "--preheader", preheader];
  const made = JSON.parse(await demo.command("issue", "compose", ...words, ...chosen, "--json"));
  const [path] = await send(demo, made.id);
  return path;
}
