//! Running other programs.

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::interrupt;
use crate::provider::Answer;

/// A program with its arguments.
pub(crate) struct Program {
    command: Command,
    input: Option<String>,
}

impl Program {
    pub(crate) fn new(name: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(name);
        command.current_dir(root());
        Self {
            command,
            input: None,
        }
    }

    pub(crate) fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn input(mut self, text: String) -> Self {
        self.input = Some(text);
        self
    }

    /// Runs it to its end, whatever that is. Ctrl-C at the terminal does not reach it; it is asked to stop if the run is.
    pub(crate) fn answer(mut self) -> Result<Answer> {
        interrupt::check()?;
        let line = self.line();
        self.command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .with_context(|| format!("cannot start {line}"))?;
        let _running = interrupt::Running::new(&child);
        if let (Some(mut stdin), Some(input)) = (child.stdin.take(), self.input) {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        interrupt::check().with_context(|| line)?;
        Ok(Answer {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// What it prints; anything but success is an error with what it said.
    pub(crate) fn output(self) -> Result<String> {
        let line = self.line();
        let answer = self.answer()?;
        if !answer.success {
            bail!("{line}\n{}{}", answer.stdout, answer.stderr);
        }
        Ok(answer.stdout)
    }

    /// The program in the background, its output in a file. The system ends it if this process is killed.
    pub(crate) fn spawn(self, output: &Path) -> Result<Background> {
        let line = self.line();
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(output)?;
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .current_dir(root());
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .map(Background)
            .with_context(|| format!("cannot start setpriv (util-linux) for {line}"))
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words
            .map(|word| word.to_string_lossy().into_owned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A program that goes on beside this one, and ends with it.
pub(crate) struct Background(Child);

impl Background {
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that is gone already needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// How it has ended, if it has.
    pub(crate) fn status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.0.try_wait()?)
    }

    /// Waits until it has ended.
    pub(crate) fn ended(&mut self, within: Duration) -> Result<()> {
        poll("its end", within, || Ok(self.status()?.map(|_| ())))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The root of the checkout; inside an image there is none.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .filter(|root| root.is_dir())
        .unwrap_or_else(|| Path::new("/"))
        .to_owned()
}

/// Asks again until there is an answer or the run is interrupted.
pub(crate) fn poll<T>(
    about: &str,
    within: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + within;
    loop {
        interrupt::check().context(about.to_owned())?;
        let last = match ask() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if Instant::now() > deadline {
            return match last {
                Some(error) => Err(error.context(format!("{about}: not within {within:?}"))),
                None => bail!("{about}: not within {within:?}"),
            };
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Talks to the person at the terminal.
pub(crate) fn say(text: &str) {
    // A closed terminal is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}
