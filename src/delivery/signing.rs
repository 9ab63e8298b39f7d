//! Signs mails beside the async threads: a signature takes as long as a hundred other steps of a mail.

use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

use super::wire::WireMail;
use crate::mail::dkim::Signers;
use crate::model::Timestamp;

/// Signs where there is a key for the sender's domain, and passes on the rest.
#[derive(Debug)]
pub struct Signing {
    signers: Signers,
    /// As many at once as there are processors: more would only make threads that wait for each other.
    places: Semaphore,
}

impl Signing {
    pub fn new(signers: Signers) -> Self {
        Self { signers, places: Semaphore::new(available_parallelism().map_or(1, usize::from)) }
    }

    /// The mail as it goes out. `at` stands in the signature: with the same moment each try has the same octets.
    pub async fn signed(&self, mut mail: WireMail, at: Timestamp) -> WireMail {
        if self.signers.is_empty() {
            return mail;
        }
        let signers = self.signers.clone();
        // Nobody closes it, so there is always a place in the end.
        let _place = self.places.acquire().await;
        let octets = Arc::new(std::mem::take(&mut mail.octets));
        let own = Arc::clone(&octets);
        let signed = tokio::task::spawn_blocking(move || {
            signers.signatures(&own, at).map(|found| found.map(|fields| [fields.as_bytes(), &own].concat()))
        })
        .await
        .map_err(|error| error.to_string())
        .and_then(|signed| signed.map_err(|error| error.to_string()));
        mail.octets = match signed {
            Ok(Some(signed)) => signed,
            Ok(None) => Arc::unwrap_or_clone(octets),
            // A receiver that wants a signature refuses the mail, and that is in the ledger then.
            Err(error) => {
                tracing::error!(error, "a mail could not be signed, and goes out unsigned");
                Arc::unwrap_or_clone(octets)
            }
        };
        mail
    }
}
