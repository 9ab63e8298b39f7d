// A Postiljon of its own for a test file: pages, desk and mailbox on free ports of loopback, data in a temporary
// folder, gone afterwards.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PROGRAM = process.env.PROGRAM_UNDER_TEST ?? join(ROOT, "target/debug/postiljon");
const DATABASE_SCRIPT = fileURLToPath(new URL("database.py", import.meta.url));
/** Longest that it takes to start, on a machine that is busy with other things. */
const START_MAX_MS = 60_000;
/** Longest that it takes to end before it is ended. */
const STOP_MAX_MS = 15_000;
/** How often a service without words is asked whether it is there. */
const ASK_EVERY_MS = 50;
/** Longest until the service has noticed what a command wrote, and acted. */
const SOON_MS = 30_000;
/** Longest answer of the database script: the dump of one table's hashes is far below. */
const DATABASE_MAX_OCTETS = 16 * 1024 * 1024;

export class Demo {
  #process;
  #ended;
  #complaints = "";
  #visitors = 0;

  /** With the sample newsletters, articles, the desk's user and the mailbox. */
  static async start() {
    const demo = new Demo(await mkdtemp(join(tmpdir(), "postiljon-browser-")));
    await demo.#run();
    return demo;
  }

  /** Ends it and starts it again on its data, at another port and with an empty mailbox: what is looked for every now and then is looked for at once. */
  async restart() {
    await this.#end();
    await this.#run();
  }

  async #run() {
    const words = await this.#launch(["demo", "--listen", "127.0.0.1:0", "--data", this.folder], {}, (said) =>
      /\n {2}Data +\S/.test(said()),
    );
    this.url = /Sign-up page +(\S+?)\/n\//.exec(words)[1];
    this.login = /login (\S+)/.exec(words)[1];
    this.password = /password (\S+)/.exec(words)[1];
  }

  /** As on the first day: no newsletter, no mailbox, and a relay that is not there. */
  static async startEmpty() {
    const demo = new Demo(await mkdtemp(join(tmpdir(), "postiljon-browser-")));
    const [web, relay, inbound] = await freePorts(3);
    demo.url = `http://127.0.0.1:${web}`;
    const settings = {
      POSTILJON_DATA_FOLDER: demo.folder,
      POSTILJON_WEB_LISTEN: `127.0.0.1:${web}`,
      POSTILJON_WEB_PUBLIC_URL: demo.url,
      POSTILJON_RELAY_HOST: "127.0.0.1",
      POSTILJON_RELAY_PORT: `${relay}`,
      POSTILJON_RELAY_TLS: "none",
      POSTILJON_RELAY_HELLO_NAME: "localhost",
      POSTILJON_MAIL_INBOUND_LISTEN: `127.0.0.1:${inbound}`,
      POSTILJON_MAIL_UNSUBSCRIBE_ADDRESS: "uit@meridiaan.example",
    };
    await demo.#launch(["serve"], settings, () => answers(`${demo.url}/healthz`));
    return demo;
  }

  /**
   * Fresh from the shop: nothing is configured but `settings`, and nobody can sign in. `link` is what it prints. `host`:
   * under which name it is reached.
   */
  static async startNew({ host = "127.0.0.1", settings = {} } = {}) {
    const demo = new Demo(await mkdtemp(join(tmpdir(), "postiljon-browser-")));
    const [web] = await freePorts(1);
    demo.url = `http://${host}:${web}`;
    demo.settings = settings;
    await demo.runNew();
    return demo;
  }

  /** Starts it, again where it ran before, on its data and at its port. */
  async runNew() {
    const isFirst = !this.#process;
    if (!isFirst) await this.#end();
    const settings = {
      POSTILJON_DATA_FOLDER: this.folder,
      POSTILJON_WEB_LISTEN: `127.0.0.1:${new URL(this.url).port}`,
      POSTILJON_WEB_PUBLIC_URL: this.url,
      // Every visitor is of another network.
      POSTILJON_WEB_TRUSTED_PROXIES: "127.0.0.0/8",
      POSTILJON_DESTINATIONS_MX: "false",
      ...this.settings,
    };
    // The link is the last thing that it says.
    const isReady = isFirst ? (said) => said().includes("/setup/") : () => answers(`${this.url}/healthz`);
    const words = await this.#launch(["serve"], settings, isReady);
    if (isFirst) this.link = /http\S+\/setup\/\S+/.exec(words)[0];
  }

  constructor(folder) {
    this.folder = folder;
  }

  /** Starts the program and waits until `isReady`; gives what it said. */
  async #launch(args, settings, isReady) {
    // None of the settings of whoever runs the tests.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("POSTILJON_"));
    const environment = { ...Object.fromEntries(own), ...settings };
    this.#process = spawn(PROGRAM, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    let end = null;
    this.#process.stdout.on("data", (data) => (words += data));
    this.#process.stderr.on("data", (data) => (this.#complaints += data));
    this.#ended = new Promise((resolve) => {
      this.#process.once("error", (error) => resolve((end = error.message)));
      this.#process.once("close", (code) => resolve((end = `it ended with code ${code}`)));
    });
    const deadline = Date.now() + START_MAX_MS;
    while (!(await isReady(() => words))) {
      if (end !== null || Date.now() > deadline) {
        await this.stop();
        throw new Error(`${PROGRAM} did not start: ${end ?? "it took too long"}\n${words}${this.#complaints}`);
      }
      await pause(ASK_EVERY_MS);
    }
    return words;
  }

  async #end() {
    this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), STOP_MAX_MS);
    await this.#ended;
    clearTimeout(late);
  }

  async stop() {
    await this.#end();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** What it complained of so far. */
  get complaints() {
    return this.#complaints;
  }

  /** An address of a network that nobody came from before: limits count by network. */
  newNetwork() {
    this.#visitors += 1;
    return `10.${this.#visitors >> 8}.${this.#visitors & 255}.7`;
  }

  /** A request by a program that is no browser: no scripts, no cookies, no redirects followed. */
  fetch(path, options = {}) {
    const headers = { "x-forwarded-for": this.newNetwork(), ...options.headers };
    return fetch(new URL(path, this.url), { redirect: "manual", ...options, headers });
  }

  /** Posts a form, as any website may. */
  post(path, fields) {
    return this.fetch(path, { method: "POST", body: new URLSearchParams(fields) });
  }

  /** The newest mail to an address after mail `after`; waits until there is one. */
  async mail(to, after = 0) {
    const answer = await this.fetch(`/mailbox.json?${new URLSearchParams({ to, after })}`);
    if (!answer.ok) throw new Error(`no mail came for ${to} after mail ${after}`);
    const mail = await answer.json();
    const links = [...mail.html.matchAll(/href="([^"]+)"/g)].map(([, link]) => link.replaceAll("&amp;", "&"));
    const link = (path) => {
      const found = links.find((link) => link.startsWith(this.url + path));
      if (!found) throw new Error(`the mail “${mail.subject}” has no link to ${path}: ${links.join(" ")}`);
      return found;
    };
    return { ...mail, links, link };
  }

  /** Runs SQL on its database: for what only time or an accident can bring about. Rows as arrays. */
  async sql(text, ...values) {
    return this.#database("run", text, ...values.map((value) => JSON.stringify(value)));
  }

  /** Table to the hash of all that it holds. */
  async digest() {
    return this.#database("digest");
  }

  /** Runs a command of the program on its data, as an administrator does beside it; gives what it printed. */
  async command(...args) {
    const settings = {
      POSTILJON_DATA_FOLDER: this.folder,
      POSTILJON_WEB_PUBLIC_URL: this.url,
      POSTILJON_RELAY_HOST: "127.0.0.1",
      POSTILJON_RELAY_TLS: "none",
    };
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith("POSTILJON_"));
    const env = { ...Object.fromEntries(own), ...settings };
    const { stdout } = await promisify(execFile)(PROGRAM, args, { env, cwd: this.folder });
    return stdout;
  }

  /** Asks for a page until `isThere` says so of its text: for what the service does by itself. */
  async until(path, isThere) {
    const deadline = Date.now() + SOON_MS;
    for (;;) {
      const text = await (await this.fetch(path)).text();
      if (isThere(text)) return text;
      if (Date.now() > deadline) throw new Error(`${path} did not come to that: ${text.slice(0, 2000)}`);
      await pause(ASK_EVERY_MS);
    }
  }

  async #database(...args) {
    const path = join(this.folder, "postiljon.db");
    const { stdout } = await promisify(execFile)("python3", [DATABASE_SCRIPT, path, ...args], {
      maxBuffer: DATABASE_MAX_OCTETS,
    });
    return JSON.parse(stdout);
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function answers(url) {
  return fetch(url).then(
    (answer) => answer.ok,
    () => false,
  );
}

/** Ports of loopback that are free, all different. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
