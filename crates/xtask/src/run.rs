//! Running other programs, loudly.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::interrupt;

/// A program that is about to run from the project's root.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(root());
        Self(command)
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs with the terminal's own input and output; anything but success is an error.
    pub(crate) fn run(mut self) -> Result<()> {
        let line = self.line();
        say(&format!("+ {line}"));
        interrupt::check()?;
        let child = self.0.spawn();
        let mut child = child.with_context(|| format!("cannot start {line}"))?;
        let status = interrupt::wait(&mut child)?;
        interrupt::check().with_context(|| line.clone())?;
        if !status.success() {
            bail!("{line}: {status}");
        }
        Ok(())
    }

    /// Runs and answers what it printed; its errors stay visible.
    pub(crate) fn output(mut self) -> Result<String> {
        let line = self.line();
        interrupt::check()?;
        let output = self
            .0
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot start {line}"))?;
        if !output.status.success() {
            bail!("{line}: {}", output.status);
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// The cargo that runs this task.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Program {
    Program::new(option_env!("CARGO").unwrap_or("cargo")).args(arguments)
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let tasks = Path::new(env!("CARGO_MANIFEST_DIR"));
    tasks.ancestors().nth(2).unwrap_or(tasks).to_owned()
}

/// Where a program lies, if the machine has it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Talks to the person at the terminal.
pub(crate) fn say(text: &str) {
    // A closed terminal is no reason to stop a task.
    let _ = writeln!(std::io::stderr(), "{text}");
}
