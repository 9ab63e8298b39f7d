// A mail server that says yes, or no to every login; for tests of a connection. It takes no mail.

import { createServer } from "node:net";

export class SmtpServer {
  static async start({ takesLogins = true } = {}) {
    const server = new SmtpServer();
    server.takesLogins = takesLogins;
    server.commands = [];
    server.listener = createServer((socket) => server.#talk(socket));
    await new Promise((resolve) => server.listener.listen(0, "127.0.0.1", resolve));
    server.port = server.listener.address().port;
    return server;
  }

  #talk(socket) {
    const say = (line) => socket.write(`${line}\r\n`);
    let rest = "";
    socket.on("error", () => {});
    socket.on("data", (data) => {
      const lines = (rest + data).split("\r\n");
      rest = lines.pop();
      for (const line of lines) {
        const word = line.split(" ")[0].toUpperCase();
        this.commands.push(word);
        if (word === "EHLO") say("250-mail.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN");
        else if (word === "AUTH") say(this.takesLogins ? "235 2.7.0 welcome" : "535 5.7.8 wrong");
        else if (word === "QUIT") socket.end("221 2.0.0 bye\r\n");
        else say("250 2.0.0 fine");
      }
    });
    say("220 mail.example");
  }

  stop() {
    this.listener.close();
  }
}
