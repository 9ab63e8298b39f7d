// A provider of identities (OpenID Connect) on loopback: one person, who is signed in there already.

import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export class Provider {
  #server;
  #codes = new Map();
  #keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  /** Who comes back, or the error that does. */
  person = { sub: "an-there", email: "an@meridiaan.example", email_verified: true };
  error = null;

  static async start() {
    const provider = new Provider();
    provider.#server = createServer((request, response) => provider.#answer(request, response));
    await new Promise((resolve) => provider.#server.listen(0, "127.0.0.1", resolve));
    provider.issuer = `http://127.0.0.1:${provider.#server.address().port}`;
    return provider;
  }

  stop() {
    this.#server.close();
  }

  /** The settings with which a service finds it. */
  get settings() {
    return {
      POSTILJON_OIDC_ISSUER: this.issuer,
      POSTILJON_OIDC_CLIENT_ID: "postiljon",
      POSTILJON_OIDC_CLIENT_SECRET: "a secret",
      POSTILJON_OIDC_LABEL: "Meridiaan",
    };
  }

  async #answer(request, response) {
    const url = new URL(request.url, this.issuer);
    const json = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    if (url.pathname === "/.well-known/openid-configuration") {
      const at = (path) => this.issuer + path;
      return json({
        issuer: this.issuer,
        authorization_endpoint: at("/authorize"),
        token_endpoint: at("/token"),
        jwks_uri: at("/jwks"),
        authorization_response_iss_parameter_supported: true,
      });
    }
    if (url.pathname === "/jwks") {
      return json({ keys: [{ ...this.#keys.publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" }] });
    }
    if (url.pathname === "/authorize") return this.#goBack(url.searchParams, response);
    let body = "";
    for await (const part of request) body += part;
    return json({ access_token: "x", token_type: "Bearer", id_token: this.#token(new URLSearchParams(body)) });
  }

  #goBack(asked, response) {
    const back = new URL(asked.get("redirect_uri"));
    back.searchParams.set("state", asked.get("state"));
    back.searchParams.set("iss", this.issuer);
    if (this.error) {
      back.searchParams.set("error", this.error);
    } else {
      const code = randomUUID();
      this.#codes.set(code, Object.fromEntries(asked));
      back.searchParams.set("code", code);
    }
    response.writeHead(302, { location: back.href }).end();
  }

  #token(form) {
    const asked = this.#codes.get(form.get("code"));
    this.#codes.delete(form.get("code"));
    const challenge = createHash("sha256").update(form.get("code_verifier")).digest("base64url");
    if (challenge !== asked?.code_challenge) return "";
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: this.issuer, aud: asked.client_id, nonce: asked.nonce, iat: now, exp: now + 60, ...this.person };
    const signed = `${encode({ alg: "RS256", kid: "1" })}.${encode(claims)}`;
    return `${signed}.${createSign("sha256").update(signed).sign(this.#keys.privateKey).toString("base64url")}`;
  }
}
