//! Tasks that go on for as long as the service does.

use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

/// A fault that comes back does not fill the log.
const RESTART_PAUSE: Duration = Duration::from_secs(5);

/// Runs a task that has no end. One that fails all the same is told in the log and begins again: a rule that nobody can
/// read stops no other one for good. Ends when the handle is aborted.
pub(super) fn supervised<T>(what: &'static str, begin: impl Fn() -> T + Send + 'static) -> JoinHandle<()>
where
    T: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        loop {
            // Which ends with this task.
            let mut task = JoinSet::new();
            task.spawn(begin());
            match task.join_next().await {
                Some(Err(error)) => {
                    tracing::error!(%error, "{what} failed and begins again; this is a bug in Postiljon");
                }
                _ => tracing::error!("{what} ended and begins again; this is a bug in Postiljon"),
            }
            tokio::time::sleep(RESTART_PAUSE).await;
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::sync::Notify;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_begins_again() {
        let (begun, third) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (count, told) = (Arc::clone(&begun), Arc::clone(&third));
        let task = supervised("the test", move || {
            let (begun, third) = (Arc::clone(&begun), Arc::clone(&third));
            async move {
                match begun.fetch_add(1, Ordering::Relaxed) {
                    0 => panic!("the first fails"),
                    1 => {}
                    _ => {
                        third.notify_one();
                        std::future::pending().await
                    }
                }
            }
        });
        told.notified().await;
        task.abort();
        assert!(task.await.expect_err("aborted").is_cancelled());
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
