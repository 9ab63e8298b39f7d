//! `setup`: another link to the first run, as `serve` prints one at its start.

use super::{Settings, open::Open, output};
use crate::accounts::first_user;

pub(super) async fn run(settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match first_user::invite(&open.store, &open.clock).await? {
        Some(token) => output::print(&format!(
            "Set Postiljon up at {} (for 24 hours, once). It must be running: postiljon serve\n",
            open.config.web.public_url.join(&format!("/setup/{token}"))
        )),
        None => anyhow::bail!("there is a user already, who can sign in at {}/admin", open.public_url()),
    }
}
