// Issues that were sent, made by the command line beside a running demo.

/** Schedules an issue for now, and waits until its sending has begun; gives its path on the web. */
export async function send(demo, id) {
  await demo.command("issue", "schedule", `${id}`, "--now", "--at-once");
  const [[uuid, newsletter]] = await demo.sql(
    "SELECT i.public_id, n.slug FROM issues i JOIN newsletters n ON n.id = i.newsletter_id WHERE i.id = ?",
    id,
  );
  const path = `/i/${uuid.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5")}`;
  await demo.until(`/n/${newsletter}/archive`, (html) => html.includes(path));
  return path;
}

/** Composes an issue of the demo's articles and sends it; gives its path on the web. */
export async function publish(demo, newsletter, subject, preheader, ...articles) {
  const chosen = articles.flatMap((article) => ["--article", article]);
  const words = ["--newsletter", newsletter, "--subject", subject, "--preheader", preheader];
  const made = JSON.parse(await demo.command("issue", "compose", ...words, ...chosen, "--json"));
  return send(demo, made.id);
}
