//! Running the binary in the background, and signals to it.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than any of this takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// A running `nae`, killed when dropped.
pub struct Background(Child);

impl Background {
    /// Starts `nae` with arguments.
    pub fn start<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nae"));
        command.args(arguments).arg("-q");
        Self::spawn(command)
    }

    /// Starts any command.
    pub fn spawn(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    /// Sends a signal by its name, such as `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.0.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }

    /// Waits for its end, within `limit`. Gives its status and what it wrote to standard error.
    pub fn end(&mut self, limit: Duration) -> (ExitStatus, String) {
        let started = Instant::now();
        while self.is_running() {
            assert!(started.elapsed() < limit, "still running after {limit:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut text = String::new();
        std::io::Read::read_to_string(self.0.stderr.as_mut().unwrap(), &mut text).unwrap();
        (self.0.wait().unwrap(), text)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Waits until something is true.
pub fn wait_until(what: &str, mut is_true: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < LIMIT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Unfinished files in a folder, which begin with `.nae-`.
pub fn unfinished(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = nae_testing::folders::files(folder);
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(".nae-")
    });
    files
}
