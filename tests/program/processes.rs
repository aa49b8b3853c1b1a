//! Runs in the background, which tests interrupt and kill.
#![cfg(unix)]

use crate::workplace::{Workplace, data};
use std::ffi::OsStr;
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A run of the program. It is killed when the test ends, also if the test fails.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Starts `impasto` with these arguments, and with these options, which are separated by spaces.
    pub fn start(
        place: &Workplace,
        arguments: impl IntoIterator<Item: AsRef<OsStr>>,
        options: &str,
    ) -> Self {
        let child = place
            .program()
            .args(arguments)
            .args(options.split_whitespace())
            .stderr(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    /// Starts `command` for the cat and the night, with these options.
    pub fn start_pair(place: &Workplace, command: &str, options: &str) -> Self {
        let (content, style) = (data("content/chelsea.jpg"), data("style/starry_night.jpg"));
        let arguments = [OsStr::new(command), content.as_os_str(), style.as_os_str()];
        Self::start(place, arguments, options)
    }

    /// Sends a signal, named as `kill` names it: `-INT`.
    pub fn send(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().unwrap().is_some()
    }

    /// Waits for the end: the exit code, and what was said.
    pub fn end(mut self) -> (Option<i32>, String) {
        wait_for("the end", || self.has_ended());
        let mut said = String::new();
        let mut stderr = self.0.stderr.take().unwrap();
        stderr.read_to_string(&mut said).unwrap();
        (self.0.wait().unwrap().code(), said)
    }

    /// Kills it by a signal that it cannot catch, and waits until it is gone.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Waits until this is so, for at most a minute.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "waited for {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}
