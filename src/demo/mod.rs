//! The first five minutes: a built-in mailbox, sample data, and a tour of the whole journey.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::keys;
use crate::mail::receive::{Mailbox as ReceiverMailbox, ReceivedMail, Receiver};
use crate::mail::reply::Reply;
use crate::model::{EmailAddress, Language};
use crate::service::Service;
use crate::store;

pub mod browser;
pub mod mailbox;
pub mod pages;
pub mod samples;
pub mod tour;

use mailbox::Mailbox;

/// The login of the desk; its password is made anew at each start.
pub const USER_ADDRESS: &str = "demo@meridiaan.example";
/// Letters of that password.
const PASSWORD_LETTERS: usize = 16;

/// A proxy is believed what it says of its visitors where it runs on the machine of the demo.
const PROXIES: &str = "127.0.0.0/8,::1";

/// Long enough to see that a mailing can be called back, short enough to wait for.
const UNDO_SECONDS: u64 = 10;

/// How the demo is started.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    pub listen: SocketAddr,
    /// Where the data lie; a temporary folder, gone at the end, where none is named.
    pub folder: Option<PathBuf>,
    /// Another database than the SQLite file in the folder.
    pub database_url: Option<String>,
}

/// Everything on one machine, in one process.
pub struct Demo {
    pub service: Service,
    pub mailbox: Mailbox,
    pub url: String,
    pub password: String,
    pub folder: PathBuf,
    receiver: Receiver,
    _temporary: Option<tempfile::TempDir>,
}

impl Demo {
    /// Starts the mailbox and the service, and fills an empty database.
    ///
    /// # Errors
    /// When a port is in use, or the folder cannot be written.
    pub async fn start(options: &DemoOptions) -> anyhow::Result<Self> {
        let (folder, temporary) = match &options.folder {
            Some(folder) => (folder.clone(), None),
            None => {
                let folder = tempfile::Builder::new().prefix("postiljon-demo-").tempdir();
                let folder = folder.context("a temporary folder cannot be made; name one with --data")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        let clock = Clock::system();
        let mailbox = Mailbox::default();
        let listener = Listener { mailbox: mailbox.clone(), clock: clock.clone() };
        let receiver = Receiver::bind(SocketAddr::from(([127, 0, 0, 1], 0)), listener)
            .await
            .context("the mailbox cannot listen on 127.0.0.1")?;
        let listen = with_port(options.listen)?;
        let config = config(options, &folder, listen, receiver.address())?;
        let shown = mailbox.clone();
        let extra =
            Arc::new(move |routes: &mut actix_web::web::ServiceConfig| pages::configure(routes, &shown));
        let service = Service::start(&config, Role::All, clock, Some(extra)).await?;
        let url = config.web.public_url.as_str().to_owned();
        samples::load(&service.store, &service.clock, &url).await.context("the samples cannot be stored")?;
        let password = ready_login(&service).await?;
        Ok(Self { service, mailbox, url, password, folder, receiver, _temporary: temporary })
    }

    /// Where to look, for a newcomer.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn announce(&self) -> std::io::Result<()> {
        let Self { url, password, .. } = self;
        let mut out = std::io::stdout().lock();
        writeln!(out, "\n  Postiljon is ready. Press Ctrl-C to stop.\n")?;
        writeln!(out, "  Sign-up page   {url}/n/insights          (in English: {url}/n/insights-en)")?;
        writeln!(out, "  Admin desk     {url}/admin               login {USER_ADDRESS}")?;
        writeln!(
            out,
            "                 {:width$}               password {password}",
            "",
            width = url.len() + 6
        )?;
        writeln!(out, "  Mailbox        {url}/mailbox             every mail that is sent arrives here")?;
        writeln!(out, "  Data           {}\n", self.folder.display())?;
        writeln!(
            out,
            "  Try it: sign up, open the mailbox, press the button in the mail. Then compose an issue at"
        )?;
        writeln!(
            out,
            "  the desk, send it now, and watch it arrive. Or let it be shown: postiljon demo --tour\n"
        )?;
        out.flush()
    }

    pub async fn stop(self) {
        self.service.stop().await;
        self.receiver.stop().await;
    }
}

/// The settings of the demo, through the same door as those of a service.
fn config(
    options: &DemoOptions,
    folder: &std::path::Path,
    listen: SocketAddr,
    relay: SocketAddr,
) -> anyhow::Result<Config> {
    let mut settings = vec![
        ("POSTILJON_DATA_FOLDER", folder.display().to_string()),
        ("POSTILJON_WEB_LISTEN", listen.to_string()),
        ("POSTILJON_WEB_PUBLIC_URL", format!("http://{listen}")),
        ("POSTILJON_WEB_TRUSTED_PROXIES", PROXIES.to_owned()),
        ("POSTILJON_RELAY_HOST", relay.ip().to_string()),
        ("POSTILJON_RELAY_PORT", relay.port().to_string()),
        // Its mailbox takes mail for every domain there is not.
        ("POSTILJON_SIGNUP_CHECK_MX", "false".to_owned()),
        ("POSTILJON_RELAY_TLS", "none".to_owned()),
        ("POSTILJON_RELAY_HELLO_NAME", "localhost".to_owned()),
        ("POSTILJON_MAIL_UNSUBSCRIBE_ADDRESS", "uit@meridiaan.example".to_owned()),
        ("POSTILJON_MAIL_INBOUND_LISTEN", "127.0.0.1:0".to_owned()),
        // Its readers live nowhere.
        ("POSTILJON_DESTINATIONS_MX", "false".to_owned()),
        ("POSTILJON_MAIL_UNDO_SECONDS", UNDO_SECONDS.to_string()),
    ];
    if let Some(url) = &options.database_url {
        settings.push(("POSTILJON_DATABASE_URL", url.clone()));
        // Several processes would need the same one; a demo is one.
        settings.push(("POSTILJON_SECRET_KEY", keys::random_token()?));
    }
    let settings = settings.into_iter().map(|(name, value)| (name.to_owned(), value));
    Ok(Config::load_for(Role::All, None, settings)?)
}

/// A port must be known before the service starts, because links in mails name it.
fn with_port(listen: SocketAddr) -> anyhow::Result<SocketAddr> {
    if listen.port() != 0 {
        return Ok(listen);
    }
    let free = TcpListener::bind(listen).and_then(|listener| listener.local_addr());
    free.with_context(|| format!("no port is free on {}", listen.ip()))
}

/// Makes the desk's user, or gives the one of an earlier run a new password.
async fn ready_login(service: &Service) -> anyhow::Result<String> {
    use crate::accounts::users::{NewUser, add_user, set_password};
    let mut password = keys::random_token()?;
    password.truncate(PASSWORD_LETTERS);
    let address = EmailAddress::parse(USER_ADDRESS)?;
    let known = store::users::by_address(service.store.read().await?.db(), &address).await?;
    if known.is_some() {
        set_password(&service.store, &address, &password).await?;
    } else {
        let new =
            NewUser { address: USER_ADDRESS, name: "Demo", language: Language::English, password: &password };
        add_user(&service.store, &service.clock, new).await?;
    }
    Ok(password)
}

/// Takes mail for anybody: nothing leaves this machine.
struct Listener {
    mailbox: Mailbox,
    clock: Clock,
}

impl ReceiverMailbox for Listener {
    fn accepts(&self, _: &str) -> Result<(), Reply> {
        Ok(())
    }

    async fn deliver(&self, mail: ReceivedMail) -> Reply {
        self.mailbox.deliver(mail.from, mail.to, mail.bytes, self.clock.now());
        Reply::new(250, Some((2, 0, 0)), "in the mailbox")
    }
}
