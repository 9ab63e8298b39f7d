//! How far the first run has come: what is in the database, and nothing else. So it goes on where it was left, after a
//! restart and in another browser too.

use crate::clock::Clock;
use crate::model::{Newsletter, Permission, SetupStep};
use crate::store::setup_steps::SetupStepRow;
use crate::store::{self, Reader, Store, StoreError};

/// Longest draft that is kept: a form of the first run with every field at its longest.
const DRAFT_MAX_OCTETS: usize = 32 * 1024;

/// What is there already.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The newsletter of the first run: the oldest.
    pub newsletter: Option<Newsletter>,
    has_relay: bool,
    steps: Vec<SetupStepRow>,
}

impl Progress {
    /// `has_configured_relay`: whether this process' configuration has one.
    ///
    /// # Errors
    /// Of the database.
    pub async fn of(reader: &mut Reader, has_configured_relay: bool) -> Result<Self, StoreError> {
        let newsletter = store::newsletters::all(reader.db()).await?.into_iter().next();
        let has_relay = has_configured_relay || !store::relays::all(reader.db()).await?.is_empty();
        let steps = store::setup_steps::all(reader.db()).await?;
        Ok(Self { newsletter, has_relay, steps })
    }

    /// Whether there is nothing more to do in a step.
    pub fn is_done(&self, step: SetupStep) -> bool {
        match step {
            SetupStep::Newsletter => self.newsletter.is_some(),
            SetupStep::Sender => self.has_sender(),
            // To connect a relay later is an answer too.
            SetupStep::Relay => self.has_relay || self.was_passed(step),
            SetupStep::Brand => self.was_passed(step),
        }
    }

    /// Whether a step was left for later, and is still to be done.
    pub fn is_put_off(&self, step: SetupStep) -> bool {
        step == SetupStep::Relay && !self.has_relay && self.was_passed(step)
    }

    /// The first step that is left, if any.
    pub fn next(&self) -> Option<SetupStep> {
        SetupStep::ALL.iter().copied().find(|step| !self.is_done(*step))
    }

    /// Whether mail can go out: there is a relay.
    pub const fn has_relay(&self) -> bool {
        self.has_relay
    }

    /// What was typed in a step and is stored nowhere else; empty: nothing.
    pub fn draft(&self, step: SetupStep) -> &str {
        self.row(step).map_or("", |row| row.draft.as_str())
    }

    /// The law wants a postal address, so that it is there once the sender was filled in.
    fn has_sender(&self) -> bool {
        self.newsletter.as_ref().is_some_and(|newsletter| !newsletter.postal_address.is_empty())
    }

    fn was_passed(&self, step: SetupStep) -> bool {
        self.row(step).is_some_and(|row| row.passed_at.is_some())
    }

    fn row(&self, step: SetupStep) -> Option<&SetupStepRow> {
        self.steps.iter().find(|row| row.step == step)
    }
}

/// Keeps what was typed in a step, until it is passed. The caller leaves passwords out. One that is longer than any form
/// is not kept.
///
/// # Errors
/// Of the database.
pub async fn keep_draft(store: &Store, step: SetupStep, draft: &str) -> Result<(), StoreError> {
    store.permit(Permission::AddNewsletters, None)?;
    if draft.len() > DRAFT_MAX_OCTETS {
        return Ok(());
    }
    let mut tx = store.begin().await?;
    store::setup_steps::set_draft(&mut tx, step, draft).await?;
    tx.commit().await
}

/// Notes that a step was passed: done, or left for later.
///
/// # Errors
/// Of the database.
pub async fn pass(store: &Store, clock: &Clock, step: SetupStep) -> Result<(), StoreError> {
    store.permit(Permission::AddNewsletters, None)?;
    let mut tx = store.begin().await?;
    store::setup_steps::pass(&mut tx, step, clock.now()).await?;
    tx.commit().await
}
