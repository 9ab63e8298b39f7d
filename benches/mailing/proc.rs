//! What the kernel knows of a process (`/proc`, Linux).

use std::path::Path;

/// Forgets the peak so far of this process (proc(5), `clear_refs`).
pub fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// A value of `/proc/PROCESS/status`, such as `VmHWM` in kB; 0 where it is not to be had.
pub fn status(process: &str, field: &str) -> u64 {
    read(&Path::new("/proc").join(process).join("status"), field)
}

/// How often the threads of a process were put to sleep, and so were woken.
pub fn switches(process: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    threads.map(|thread| read(&thread.path().join("status"), "voluntary_ctxt_switches")).sum()
}

fn read(path: &Path, field: &str) -> u64 {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))
        .and_then(|value| value.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
