// A mail server that says yes, or no to every login; what it is given it keeps, for tests of a connection and of what
// comes out of it.

import { createServer } from "node:net";

import { pause } from "./demo.mjs";

/** Longest until a mail is there that was sent. */
const MAIL_MAX_MS = 60_000;

/** A mail without quoted-printable, as text. */
function decoded(mail) {
  const octets = mail.replace(/=\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(octets, "latin1").toString("utf8");
}

export class SmtpServer {
  static async start({ takesLogins = true } = {}) {
    const server = new SmtpServer();
    server.takesLogins = takesLogins;
    server.commands = [];
    server.mails = [];
    server.listener = createServer((socket) => server.#talk(socket));
    await new Promise((resolve) => server.listener.listen(0, "127.0.0.1", resolve));
    server.port = server.listener.address().port;
    return server;
  }

  #talk(socket) {
    const say = (line) => socket.write(`${line}\r\n`);
    let rest = "";
    let mail = null;
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const lines = (rest + data).split("\r\n");
      rest = lines.pop();
      for (const line of lines) {
        if (mail !== null) {
          if (line !== ".") mail.push(line.replace(/^\./, ""));
          else {
            this.mails.push(mail.join("\n"));
            mail = null;
            say("250 2.0.0 taken");
          }
          continue;
        }
        const word = line.split(" ")[0].toUpperCase();
        this.commands.push(word);
        if (word === "EHLO") say("250-mail.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN");
        else if (word === "AUTH") say(this.takesLogins ? "235 2.7.0 welcome" : "535 5.7.8 wrong");
        else if (word === "DATA") {
          mail = [];
          say("354 go on");
        } else if (word === "QUIT") socket.end("221 2.0.0 bye\r\n");
        else say("250 2.0.0 fine");
      }
    });
    say("220 mail.example");
  }

  /** The first mail that `isIt` is true for, decoded as far as quoted-printable goes; waits until there is one. */
  async mail(isIt) {
    const deadline = Date.now() + MAIL_MAX_MS;
    for (;;) {
      const found = this.mails.map(decoded).find(isIt);
      if (found) return found;
      if (Date.now() > deadline) throw new Error("no such mail came");
      await pause(50);
    }
  }

  stop() {
    this.listener.close();
  }
}
