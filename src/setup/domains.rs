//! The domains of senders, and the keys that sign for them. A key is made here and kept sealed; it signs once its record
//! was seen in DNS, or when somebody says so. Every process that sends takes over a change within two seconds. A key of
//! the configuration is changed there, and wins over one of its kind in the database. What DNS says is looked up by
//! [`super::domain_look`].

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Clock;
use crate::config::{parse_domain, parse_selector};
use crate::i18n::{FieldErrors, Message};
use crate::keys::{Keys, NoRandomness, Purpose};
use crate::model::dkim::signs_for;
use crate::model::{
    Act, ConfiguredDkimKey, Destinations, DkimAlgorithm, DkimKey, DkimKeyId, DkimKeyState, DkimSettings,
    EmailAddress, Newsletter, Permission, SigningKey, SigningKeyError, StoredDkimKey, Timestamp,
};
use crate::store::dkim_keys::NewDkimKey;
use crate::store::{self, Db, Store, StoreError};

/// More keys than anybody has domains, with two kinds and one in waiting for each.
const KEYS_MAX: usize = 100;
/// Selectors that are tried in one month before somebody must think of one.
const SELECTORS_MAX: u32 = 50;

/// A key as asked for.
#[derive(Debug, Clone, Default)]
pub struct KeyInput {
    pub domain: String,
    /// Empty: one of the month.
    pub selector: String,
    /// Empty: RSA.
    pub algorithm: String,
}

#[derive(Debug, thiserror::Error)]
pub enum DomainError {
    /// Fields: as in [`KeyInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("{}", self.message())]
    NotFound,
    /// It is in another state than somebody saw.
    #[error("{}", self.message())]
    Changed,
    #[error("{}", self.message())]
    TooMany,
    /// Sealed with another secret.
    #[error("{}", self.message())]
    Sealed,
    /// It signs, and must be retired first.
    #[error("{}", self.message())]
    Signs,
    #[error("a signing key {0}")]
    Key(#[from] SigningKeyError),
    #[error("the making of a key was ended")]
    Ended,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl DomainError {
    /// What to tell the person.
    pub fn message(&self) -> Message {
        match self {
            Self::Invalid(_) => Message::new("error-marked-fields"),
            Self::NotFound => Message::new("error-domain-key-not-found"),
            Self::Changed => Message::new("error-changed-meanwhile"),
            Self::TooMany => {
                let most = i64::try_from(KEYS_MAX).unwrap_or(i64::MAX);
                Message::new("error-domain-keys-many").number("most", most)
            }
            Self::Sealed => Message::new("error-domain-key-sealed"),
            Self::Signs => Message::new("error-domain-key-signs"),
            Self::Key(_) | Self::Ended | Self::Randomness(_) | Self::Store(_) => {
                Message::new("page-error-internal")
            }
        }
    }
}

/// Makes a key. It waits for its record.
///
/// # Errors
/// [`DomainError::Invalid`] names every field that is wrong, also a selector that the domain has already.
pub async fn make_key(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    input: &KeyInput,
) -> Result<StoredDkimKey, DomainError> {
    store.permit(Permission::SetDomains, None)?;
    let mut reader = store.read().await?;
    let known = store::dkim_keys::all(reader.db()).await?;
    let configured = store::dkim_keys::configured(reader.db()).await?;
    drop(reader);
    if known.len() >= KEYS_MAX {
        return Err(DomainError::TooMany);
    }
    let mut errors = FieldErrors::new();
    let domain = parse_domain(input.domain.trim())
        .map_err(|_| errors.add("domain", Message::new("error-domain")))
        .unwrap_or_default();
    let algorithm = match input.algorithm.trim() {
        "" => Some(DkimAlgorithm::Rsa),
        algorithm => algorithm.parse().ok(),
    };
    if algorithm.is_none() {
        errors.add("algorithm", Message::new("error-domain-algorithm"));
    }
    let is_taken = |selector: &str| {
        known.iter().any(|key| key.domain == domain && key.selector == selector)
            || configured.iter().any(|key| key.domain == domain && key.selector == selector)
    };
    let selector = match input.selector.trim() {
        "" => free_selector(clock.now(), is_taken),
        typed => parse_selector(typed).ok(),
    };
    match &selector {
        None => errors.add("selector", Message::new("error-domain-selector")),
        Some(selector) if is_taken(selector) => {
            errors.add("selector", Message::new("error-domain-selector-taken"));
        }
        Some(_) => {}
    }
    let (algorithm, selector) =
        errors.or(algorithm.zip(selector))?.ok_or_else(|| DomainError::Invalid(FieldErrors::new()))?;
    // Some tenths of a second for RSA.
    let made = tokio::task::spawn_blocking(move || {
        let key = SigningKey::generate(algorithm)?;
        Ok::<_, SigningKeyError>((key.record()?, key.to_pem()?))
    });
    let (record, pem) = made.await.map_err(|_| DomainError::Ended)??;
    let sealed_key = keys.seal(Purpose::DkimKey, &context(&domain, &selector), pem.as_bytes())?;
    let new = NewDkimKey {
        domain: &domain,
        selector: &selector,
        algorithm,
        record: &record,
        sealed_key: &sealed_key,
    };
    let mut tx = store.begin().await?;
    match store::dkim_keys::insert(&mut tx, &new, clock.now()).await {
        Ok(key) => {
            tx.note_detail(Act::DomainKeyMade, None, Some(key.id.0), &selector).await?;
            tx.commit().await?;
            Ok(key)
        }
        Err(error) if error.is_duplicate() => {
            Err(FieldErrors::of("selector", Message::new("error-domain-selector-taken")).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// A selector that tells its month: `postiljon202611`, and then `postiljon202611-2`.
fn free_selector(now: Timestamp, is_taken: impl Fn(&str) -> bool) -> Option<String> {
    let first = format!("postiljon{}", now.to_utc().format("%Y%m"));
    let numbered = (2..SELECTORS_MAX).map(|number| format!("{first}-{number}"));
    std::iter::once(first.clone()).chain(numbered).find(|selector| !is_taken(selector))
}

/// What a key is sealed for: it opens as the key of this domain and selector only.
fn context(domain: &str, selector: &str) -> Vec<u8> {
    [domain.as_bytes(), &[0], selector.as_bytes()].concat()
}

/// The key itself; `None` when it was sealed with another secret, or is not the one whose record is shown.
pub fn open(keys: &Keys, stored: &StoredDkimKey) -> Option<DkimKey> {
    let context = context(&stored.domain, &stored.selector);
    let pem = String::from_utf8(keys.unseal(Purpose::DkimKey, &context, &stored.sealed_key)?).ok()?;
    let key = SigningKey::from_pem(&pem).ok()?;
    let is_it =
        key.algorithm() == stored.algorithm && key.record().is_ok_and(|record| record == stored.record);
    is_it.then(|| DkimKey { selector: stored.selector.clone(), key })
}

/// Lets a key sign from now on, whether its record was seen or not. Another of its kind for the same domain is retired.
///
/// # Errors
/// [`DomainError`].
pub async fn begin(store: &Store, clock: &Clock, keys: &Keys, id: DkimKeyId) -> Result<(), DomainError> {
    store.permit(Permission::SetDomains, None)?;
    let stored = by_id(store, id).await?;
    begins(store, clock, keys, &stored, "told").await
}

async fn by_id(store: &Store, id: DkimKeyId) -> Result<StoredDkimKey, DomainError> {
    store::dkim_keys::by_id(store.read().await?.db(), id).await?.ok_or(DomainError::NotFound)
}

async fn begins(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    stored: &StoredDkimKey,
    why: &str,
) -> Result<(), DomainError> {
    if stored.state == DkimKeyState::Signing {
        return Ok(());
    }
    if open(keys, stored).is_none() {
        return Err(DomainError::Sealed);
    }
    let now = clock.now();
    let mut tx = store.begin().await?;
    store::dkim_keys::retire_signing(&mut tx, &stored.domain, stored.algorithm, now).await?;
    let set = store::dkim_keys::set_state(&mut tx, stored.id, stored.state, DkimKeyState::Signing, now).await;
    match set {
        Ok(true) => {}
        // At the same moment another of its kind began.
        Err(error) if !error.is_duplicate() => return Err(error.into()),
        Ok(false) | Err(_) => return Err(DomainError::Changed),
    }
    tx.note_detail(Act::DomainKeyBegan, None, Some(stored.id.0), why).await?;
    tx.commit().await?;
    Ok(())
}

/// Notes that the records of these keys were seen in DNS. Those that waited for it sign from now on: their selectors.
///
/// # Errors
/// [`DomainError`].
pub async fn were_seen(
    store: &Store,
    clock: &Clock,
    keys: &Keys,
    seen: &[DkimKeyId],
) -> Result<Vec<String>, DomainError> {
    store.permit(Permission::SetDomains, None)?;
    let mut begun = Vec::new();
    for id in seen {
        let mut tx = store.begin().await?;
        store::dkim_keys::set_seen(&mut tx, *id, clock.now()).await?;
        tx.commit().await?;
    }
    // The oldest first: of two that waited the newer signs in the end.
    let mut waiting = Vec::new();
    for id in seen {
        match by_id(store, *id).await {
            Ok(key) if key.state == DkimKeyState::Waiting => waiting.push(key),
            Ok(_) | Err(DomainError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    waiting.sort_by_key(|key| key.id);
    for key in waiting {
        match begins(store, clock, keys, &key, "seen").await {
            Ok(()) => begun.push(key.selector),
            // Somebody else was faster, or the page says what is wrong with it.
            Err(DomainError::Changed | DomainError::Sealed) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(begun)
}

/// Lets a key sign no more. Its record is needed for a week yet, for mails that are on their way.
///
/// # Errors
/// [`DomainError`].
pub async fn retire(store: &Store, clock: &Clock, id: DkimKeyId) -> Result<(), DomainError> {
    store.permit(Permission::SetDomains, None)?;
    let stored = by_id(store, id).await?;
    if stored.state == DkimKeyState::Retired {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    let now = clock.now();
    if !store::dkim_keys::set_state(&mut tx, id, stored.state, DkimKeyState::Retired, now).await? {
        return Err(DomainError::Changed);
    }
    tx.note_detail(Act::DomainKeyRetired, None, Some(id.0), &stored.selector).await?;
    tx.commit().await?;
    Ok(())
}

/// Removes a key that does not sign.
///
/// # Errors
/// [`DomainError::Signs`] for one that does.
pub async fn remove(store: &Store, id: DkimKeyId) -> Result<StoredDkimKey, DomainError> {
    store.permit(Permission::SetDomains, None)?;
    let stored = by_id(store, id).await?;
    let mut tx = store.begin().await?;
    if !store::dkim_keys::delete(&mut tx, id).await? {
        return Err(DomainError::Signs);
    }
    tx.note_detail(Act::DomainKeyRemoved, None, Some(id.0), &stored.selector).await?;
    tx.commit().await?;
    Ok(stored)
}

/// Whether the configuration has a key in whose place this one would sign: one of its kind, or of its name.
pub fn is_hidden(configured: &[ConfiguredDkimKey], stored: &StoredDkimKey) -> bool {
    configured.iter().any(|key| {
        key.domain == stored.domain && (key.algorithm == stored.algorithm || key.selector == stored.selector)
    })
}

/// With which keys mails are signed: those of the configuration, and of the database those that sign, are not hidden by
/// one of the configuration and can be opened. The names of those that cannot are the second part.
pub fn in_use(
    configured: Option<&DkimSettings>,
    stored: &[StoredDkimKey],
    keys: &Keys,
) -> Result<(Vec<DkimSettings>, Vec<String>), SigningKeyError> {
    let public = configured.map_or(Ok(Vec::new()), DkimSettings::public)?;
    let mut domains: BTreeMap<String, Vec<DkimKey>> = BTreeMap::new();
    if let Some(configured) = configured {
        domains.insert(configured.domain.clone(), configured.keys.clone());
    }
    let mut sealed = Vec::new();
    for key in stored.iter().filter(|key| key.state == DkimKeyState::Signing && !is_hidden(&public, key)) {
        match open(keys, key) {
            Some(opened) => domains.entry(key.domain.clone()).or_default().push(opened),
            None => sealed.push(key.selector.clone()),
        }
    }
    let settings = domains.into_iter().map(|(domain, mut keys)| {
        // What every receiver can check comes first.
        keys.sort_by_key(|key| key.key.algorithm());
        DkimSettings { domain, keys }
    });
    Ok((settings.collect(), sealed))
}

/// Of whom a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyOf {
    Configuration,
    /// Of the desk; hidden by one of the configuration, or sealed with another secret.
    Desk {
        stored: StoredDkimKey,
        is_hidden: bool,
        is_sealed: bool,
    },
}

/// A key with what can be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    pub domain: String,
    pub selector: String,
    pub algorithm: DkimAlgorithm,
    /// What the TXT record must say.
    pub record: String,
    pub of: KeyOf,
}

impl KnownKey {
    /// Whether mails are signed with it now.
    pub fn signs(&self) -> bool {
        match &self.of {
            KeyOf::Configuration => true,
            KeyOf::Desk { stored, is_hidden, is_sealed } => {
                stored.state == DkimKeyState::Signing && !is_hidden && !is_sealed
            }
        }
    }

    pub const fn stored(&self) -> Option<&StoredDkimKey> {
        match &self.of {
            KeyOf::Configuration => None,
            KeyOf::Desk { stored, .. } => Some(stored),
        }
    }
}

/// A domain that senders use, or that has a key.
#[derive(Debug, Clone)]
pub struct Domain {
    /// As A-labels, lower case.
    pub name: String,
    /// Whose senders are of it.
    pub newsletters: Vec<Newsletter>,
    /// Its own, the configuration's first and then the newest.
    pub keys: Vec<KnownKey>,
    /// With which its mails are signed: its own, or those of the nearest domain above it.
    pub signed_with: Vec<KnownKey>,
    /// One like gmail.com: nobody but its provider can sign for it.
    pub is_of_provider: bool,
}

/// Whether an address is one of a mailbox provider, as gmail.com: nobody but the provider can sign for it, so that most
/// receivers refuse newsletters from it.
pub fn is_of_provider(address: &EmailAddress) -> bool {
    Destinations::default().knows(address)
}

/// Every domain in the order of its name.
///
/// # Errors
/// Of the database.
pub async fn all(mut db: Db<'_>, keys: &Keys) -> Result<Vec<Domain>, StoreError> {
    let configured = store::dkim_keys::configured(db.again()).await?;
    let stored = store::dkim_keys::all(db.again()).await?;
    let newsletters = store::newsletters::all(db).await?;
    Ok(put_together(&configured, stored, &newsletters, Some(keys)))
}

/// Every domain of what there is, in the order of its name; without `keys` none of the desk's can be opened.
pub fn put_together(
    configured: &[ConfiguredDkimKey],
    stored: Vec<StoredDkimKey>,
    newsletters: &[Newsletter],
    keys: Option<&Keys>,
) -> Vec<Domain> {
    let mut known: Vec<KnownKey> = configured
        .iter()
        .map(|key| KnownKey {
            domain: key.domain.clone(),
            selector: key.selector.clone(),
            algorithm: key.algorithm,
            record: key.record.clone(),
            of: KeyOf::Configuration,
        })
        .collect();
    known.extend(stored.into_iter().map(|key| KnownKey {
        domain: key.domain.clone(),
        selector: key.selector.clone(),
        algorithm: key.algorithm,
        record: key.record.clone(),
        of: KeyOf::Desk {
            is_hidden: is_hidden(configured, &key),
            is_sealed: keys.is_none_or(|keys| open(keys, &key).is_none()),
            stored: key,
        },
    }));
    let of_senders = newsletters.iter().map(|newsletter| newsletter.sender_address.ascii_domain().to_owned());
    let names: BTreeSet<String> = of_senders.chain(known.iter().map(|key| key.domain.clone())).collect();
    let providers = Destinations::default();
    let domain = |name: String| {
        let is_of = |newsletter: &&Newsletter| newsletter.sender_address.ascii_domain() == name;
        let newsletters: Vec<_> = newsletters.iter().filter(is_of).cloned().collect();
        Domain {
            keys: known.iter().filter(|key| key.domain == name).cloned().collect(),
            signed_with: signing(&known, &name),
            is_of_provider: newsletters.first().is_some_and(|one| providers.knows(&one.sender_address)),
            newsletters,
            name,
        }
    };
    names.into_iter().map(domain).collect()
}

/// The keys of the nearest domain that signs for this one.
fn signing(known: &[KnownKey], name: &str) -> Vec<KnownKey> {
    let fitting: Vec<_> =
        known.iter().filter(|key| key.signs() && signs_for(&key.domain, name)).cloned().collect();
    let nearest = fitting.iter().map(|key| key.domain.len()).max();
    fitting.into_iter().filter(|key| Some(key.domain.len()) == nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_510_800_000);

    #[test]
    fn a_new_key_gets_a_selector_that_is_free() {
        assert_eq!(free_selector(NOW, |_| false).as_deref(), Some("postiljon202611"));
        assert_eq!(
            free_selector(NOW, |name| name == "postiljon202611").as_deref(),
            Some("postiljon202611-2")
        );
        assert_eq!(free_selector(NOW, |_| true), None);
    }

    #[test]
    fn the_nearest_domain_that_signs_is_named() {
        let key = |domain: &str| KnownKey {
            domain: domain.to_owned(),
            selector: "s".to_owned(),
            algorithm: DkimAlgorithm::Rsa,
            record: String::new(),
            of: KeyOf::Configuration,
        };
        let known = [key("example.com"), key("news.example.com")];
        let names =
            |name: &str| -> Vec<String> { signing(&known, name).into_iter().map(|key| key.domain).collect() };
        assert_eq!(names("news.example.com"), ["news.example.com"]);
        assert_eq!(names("shop.example.com"), ["example.com"]);
        assert!(names("example.org").is_empty());
    }
}
