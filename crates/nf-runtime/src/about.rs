//! What a process says about itself when an operator asks: certificates, and what it sees of that on which it depends.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures::future::{BoxFuture, join_all};

use crate::pki::CertificateFacts;

/// What is told. The assembly fills it in, every listener's `InfoService` tells it. Clones share it.
#[derive(Clone, Default)]
pub struct About(Arc<Inner>);

#[derive(Default)]
struct Inner {
    certificates: Mutex<Vec<(&'static str, PathBuf)>>,
    looks: Mutex<Vec<Arc<Look>>>,
}

type Look = dyn Fn() -> BoxFuture<'static, Finding> + Send + Sync;

/// How a look at one thing ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub about: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, and what to do where it is not good.
    pub text: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works; something better is possible.
    Advice,
    /// It does not work, or will do harm.
    Bad,
}

impl About {
    /// Tells the end of a certificate that is presented, read anew each time it is asked for.
    pub fn certificate(&self, name: &'static str, file: PathBuf) {
        locked(&self.0.certificates).push((name, file));
    }

    /// Looks at something each time it is asked for.
    pub fn look(&self, look: impl Fn() -> BoxFuture<'static, Finding> + Send + Sync + 'static) {
        locked(&self.0.looks).push(Arc::new(look));
    }

    /// Certificates and their ends; `None` where the file cannot be read.
    pub(crate) fn certificates(&self) -> Vec<(&'static str, Option<SystemTime>)> {
        let files = locked(&self.0.certificates).clone();
        let ends = files.into_iter().map(|(name, file)| {
            let text = std::fs::read_to_string(file).ok();
            let facts = text.and_then(|text| CertificateFacts::read(&text));
            (name, facts.map(|facts| facts.not_after))
        });
        ends.collect()
    }

    /// Looks at everything.
    pub(crate) async fn findings(&self) -> Vec<Finding> {
        let looks = locked(&self.0.looks).clone();
        join_all(looks.iter().map(|look| look())).await
    }
}

impl fmt::Debug for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("About")
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
