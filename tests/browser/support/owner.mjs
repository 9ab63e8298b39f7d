// The first user of a service on its first day, for tests of the desk that need no newsletter.

import assert from "node:assert/strict";

export const ADDRESS = "an@meridiaan.example";
export const PASSWORD = "vier losse woorden hier";

/** Opens the link that was printed, and becomes the owner. */
export async function becomeOwner(visitor) {
  await visitor.open(visitor.demo.link);
  await visitor.page.locator("#name").fill("An Peeters");
  await visitor.page.locator("#address").fill(ADDRESS);
  await visitor.page.locator("#password").fill(PASSWORD);
  await visitor.follow(visitor.page.locator("main form button"));
  assert.equal(await visitor.path(), "/setup/newsletter");
}

/** Signs out at the desk. */
export async function signOut(visitor) {
  await visitor.open("/admin/account");
  await visitor.follow(visitor.page.locator("form[action='/admin/logout'] button"));
  assert.equal(await visitor.path(), "/admin/login");
}

export async function signInByPassword(visitor) {
  await visitor.open("/admin/login");
  await visitor.page.locator("#address").fill(ADDRESS);
  await visitor.page.locator("#password").fill(PASSWORD);
  await visitor.follow(visitor.page.locator("form[action='/admin/login'] button"));
}
