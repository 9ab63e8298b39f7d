//! The disk of the database fills up during a mailing, and somebody makes room.
//!
//! Where the test may mount, the database is on a small disk of its own that a ballast file fills. Where it
//! may not, the system forbids the process to make any file longer than it is, which a write answers in the
//! same way.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use postiljon::model::UncertainPolicy;

use super::process::Process;
use super::{ASK_EVERY, CONNECTIONS, IN_HAND_MAX, PATIENCE, Proof, RESUME_MAX, signs_up, within};
use crate::support::database::TestDatabase;

/// More than the database and its log of changes need.
const DISK: &str = "size=64m";
/// How long a full disk is watched, once the sender has noticed it.
const WATCHED_FOR: Duration = Duration::from_secs(3);

/// A file system in memory; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None` where the test may not mount.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        run("mount", &["-t", "tmpfs", "-o", DISK, "tmpfs", &at.display().to_string()])
            .then(|| Self(at.to_owned()))
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut ballast = std::fs::File::create(self.ballast()).expect("a file");
        let zeros = [0; 4096];
        while ballast.write_all(&zeros).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Also when a process of a test that failed still has a file open there.
        run("umount", &["--lazy", &self.0.display().to_string()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    let done = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    done.is_ok_and(|status| status.success())
}

fn limit_files(process: &Process, octets: &str) {
    let done = run("prlimit", &["--pid", &process.id().to_string(), &format!("--fsize={octets}:")]);
    assert!(done, "prlimit must be there (Debian: util-linux)");
}

/// Sends, fills the disk, watches, makes room, and sees that the mailing ends well.
async fn filled_and_freed(database: &TestDatabase, disk: Option<&SmallDisk>) {
    let proof = Proof::new(database, 3_000, UncertainPolicy::Resend).await;
    let (mut process, browser) = proof.start_with_pages("sender.example.org");
    let health = async || browser.get("/healthz").await.expect("an answer").status;
    within(RESUME_MAX, "it sends", proof.relay.until(|tally| tally.copies >= 500)).await;
    assert_eq!(health().await, 200);
    match disk {
        Some(disk) => disk.fill(),
        None => limit_files(&process, "4096"),
    }
    within(PATIENCE, "the sender notices", async {
        while !process.log().contains("trying again until it works") {
            tokio::time::sleep(ASK_EVERY).await;
        }
    })
    .await;
    within(PATIENCE, "it says that it is not well", async {
        while health().await != 503 {
            tokio::time::sleep(ASK_EVERY).await;
        }
    })
    .await;
    assert!(!signs_up(&browser, "early@example.com").await, "a sign-up that is not stored is not taken");
    let at_notice = proof.relay.tally().copies;
    tokio::time::sleep(WATCHED_FOR).await;
    let during = proof.relay.tally().copies - at_notice;
    assert!(during <= IN_HAND_MAX, "{during} mails were sent of which the outcome could not be stored");
    assert!(process.is_running() && proof.relay.tally().recipients < proof.audience);
    match disk {
        Some(disk) => std::fs::remove_file(disk.ballast()).expect("removed"),
        None => limit_files(&process, "unlimited"),
    }
    let sent = proof.until_sent(&mut process).await;
    assert_eq!(health().await, 200);
    let too_many = proof.books_are_right(&sent).await;
    assert!(signs_up(&browser, "late@example.com").await);
    println!(
        "full after {at_notice} mails, {during} more while it was full; lost 0, copies too many {too_many}"
    );
    assert!(too_many <= CONNECTIONS, "{too_many} copies too many");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_waits_for_room_on_a_full_disk_and_goes_on_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk")) else {
        println!("not run on a disk of its own: it may not be mounted here");
        return;
    };
    let database = TestDatabase::sqlite_in(&disk.0).await;
    filled_and_freed(&database, Some(&disk)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_waits_until_files_may_grow_again() {
    filled_and_freed(&TestDatabase::sqlite().await, None).await;
}
