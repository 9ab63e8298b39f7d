//! Whether clicks and opens are counted, and how a hit is judged.

text_enum!(
    /// What is counted of the issues of a newsletter.
    Tracking {
        /// Nothing (the default): links lead where they say.
        Off = "off",
        /// Clicks and opens of all together: nobody can be told from anybody.
        Aggregate = "aggregate",
        /// The same, and for each reader who has agreed what that reader opened and followed.
        Person = "person",
    }
);

impl Tracking {
    pub const fn is_on(self) -> bool {
        !matches!(self, Self::Off)
    }
}

text_enum!(
    /// What was hit.
    HitKind {
        Click = "click",
        Open = "open",
    }
);

/// What a reader agrees to be counted for: each asked and withdrawn apart (L2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Agreed {
    pub opens: bool,
    pub clicks: bool,
}

impl Agreed {
    pub const BOTH: Self = Self { opens: true, clicks: true };
    pub const NEITHER: Self = Self { opens: false, clicks: false };

    pub const fn to(self, kind: HitKind) -> bool {
        match kind {
            HitKind::Click => self.clicks,
            HitKind::Open => self.opens,
        }
    }

    pub const fn to_any(self) -> bool {
        self.opens || self.clicks
    }
}

text_enum!(
    /// By which rule a hit counts as a machine's; the rules are in `docs/reports.md`.
    HitRule {
        /// None applied: it counts as a person's.
        Human = "human",
        /// A HEAD request: nobody read anything.
        Head = "head",
        /// The browser says that it only loads ahead.
        Prefetch = "prefetch",
        /// A scanner, previewer or proxy that says its name.
        Scanner = "scanner",
        /// Sooner after the delivery than a person reads.
        Soon = "soon",
        /// Many links of one mail at once.
        Burst = "burst",
    }
);

impl HitKind {
    /// What the number of a link says: 0 is the mail itself.
    pub const fn of(number: u16) -> Self {
        if number == 0 { Self::Open } else { Self::Click }
    }
}

impl HitRule {
    pub const fn is_machine(self) -> bool {
        !matches!(self, Self::Human)
    }
}

/// Where two subjects are tried, a link has this number more in the mail with the second. More than the links of a mail in
/// all languages.
pub const SECOND_LINKS: u16 = 5000;

/// A link of a mail, before it is mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// From 1, in the order of the mail.
    pub number: u16,
    /// Absolute, http or https, in ASCII.
    pub url: String,
    /// Under which heading it stands; empty: before the first.
    pub heading: String,
    /// Its words, or those of its picture.
    pub label: String,
}

/// A link of a mailing, as it was mailed, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct MailingLink {
    /// From 1, in the order of the mail.
    pub number: i64,
    /// Absolute, http or https.
    pub url: String,
    /// Under which heading it stands; empty: before the first.
    pub heading: String,
    /// Its words.
    pub label: String,
    pub clicks: i64,
    pub machine_clicks: i64,
    /// How many of those who agreed to be counted have followed it.
    pub readers: i64,
}

/// What came of a mailing, beside its account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct HitCounts {
    pub clicks: i64,
    pub machine_clicks: i64,
    /// Unreliable: programs load pictures ahead, or never.
    pub opens: i64,
    pub machine_opens: i64,
    /// Readers who agreed to be counted, and followed a link.
    pub click_readers: i64,
    /// The same who opened; as unreliable.
    pub open_readers: i64,
    /// Who left with this as the last that they had received.
    pub departures: i64,
}
