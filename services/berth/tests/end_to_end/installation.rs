//! A running `berth up`.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{Running, berth, poll};

/// A running installation; killed when dropped.
pub(crate) struct Installation {
    data: PathBuf,
    pub(crate) process: Running,
}

impl Installation {
    /// Starts `berth up --data DATA` with further arguments and waits until everything answers.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        Self::start_with(data, arguments, &[])
    }

    /// As [`Installation::start`], with variables that everything which is started sees.
    pub(crate) fn start_with(
        data: &Path,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let mut command = berth();
        command.arg("up").arg("--data").arg(data).args(arguments);
        command.envs(environment.iter().copied());
        let mut process = Running::start(&mut command, &data.with_extension("up"));
        let file = data.join("endpoints.json");
        poll("berth up is ready", || {
            if let Some(status) = process.ended() {
                panic!("berth up ended with {status}: {}", process.said());
            }
            // Said after the file is there; the file alone may be of an earlier run.
            (process.said().contains("ready: ") && file.exists()).then_some(())
        });
        Self {
            data: data.to_owned(),
            process,
        }
    }

    /// A laboratory.
    pub(crate) fn laboratory(data: &Path) -> Self {
        Self::start(data, &["--lab"])
    }

    /// `endpoints.json`.
    pub(crate) fn endpoints_file(&self) -> PathBuf {
        self.data.join("endpoints.json")
    }

    /// A member of `endpoints.json`.
    pub(crate) fn endpoint(&self, name: &str) -> String {
        let text = std::fs::read(self.endpoints_file()).unwrap();
        let endpoints: Value = serde_json::from_slice(&text).unwrap();
        match endpoints.get(name) {
            Some(Value::String(text)) => text.clone(),
            found => panic!("endpoints.json: {name} is {found:?}"),
        }
    }

    /// The admin ports.
    pub(crate) fn admin_urls(&self) -> Vec<String> {
        let text = std::fs::read(self.endpoints_file()).unwrap();
        let endpoints: Value = serde_json::from_slice(&text).unwrap();
        serde_json::from_value(endpoints["admin_urls"].clone()).unwrap()
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The folder that factories of the laboratory know.
    pub(crate) fn lab(&self) -> PathBuf {
        self.data.join("lab")
    }

    /// Asks it to stop, and expects that it ends well.
    pub(crate) fn stop(mut self) {
        self.process.signal(Signal::TERM);
        let status = self.process.wait();
        assert!(status.success(), "{status}: {}", self.process.said());
        assert!(!self.endpoints_file().exists());
    }
}
