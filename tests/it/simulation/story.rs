//! What happened in a run, for the one who reads why it failed.

use std::sync::Mutex;

use postiljon::clock::Clock;

use crate::support::samples::NOW;

#[derive(Debug)]
pub struct Story {
    clock: Clock,
    lines: Mutex<Vec<String>>,
}

impl Story {
    pub const fn new(clock: Clock) -> Self {
        Self { clock, lines: Mutex::new(Vec::new()) }
    }

    pub fn tell(&self, line: &str) {
        let at = self.clock.now().since(NOW).as_millis();
        self.lines.lock().expect("a story").push(format!("{:>9}.{:03} s  {line}", at / 1000, at % 1000));
    }

    pub fn text(&self) -> String {
        self.lines.lock().expect("a story").join("\n")
    }
}
