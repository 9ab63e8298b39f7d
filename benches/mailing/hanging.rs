//! A relay that takes all mail but for one provider's: there it never answers the final dot. A process of its own.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::Context as _;
use postiljon::mail::receive::{Mailbox, ReceivedMail, Receiver};
use postiljon::mail::reply::Reply;

use crate::mailing::HANGS;

struct Hanging;

impl Mailbox for Hanging {
    fn accepts(&self, _to: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn deliver(&self, mail: ReceivedMail) -> Reply {
        if mail.to.iter().any(|to| to.ends_with(HANGS)) {
            std::future::pending::<()>().await;
        }
        Reply::new(250, Some((2, 0, 0)), "taken")
    }
}

/// The relay itself, until its standard input is closed.
pub async fn serve() -> anyhow::Result<()> {
    let receiver = Receiver::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Hanging).await?;
    println!("{}", receiver.address().port());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

/// A running one; it ends when dropped.
pub struct HangingRelay {
    child: Child,
    pub port: u16,
}

impl HangingRelay {
    pub fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("hanging-relay")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        Ok(Self { child, port: line.trim().parse()? })
    }
}

impl Drop for HangingRelay {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
