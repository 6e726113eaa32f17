//! A cluster of its own, made by `kind`.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::cluster::{Cluster, Images};
use crate::interrupt::HeldOff;
use crate::program::Program;

/// A cluster that is gone after the run.
pub(crate) struct Kind {
    name: String,
}

impl Kind {
    /// Makes a cluster; its kubeconfig lies in the folder.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let kind = Self {
            name: format!("berth-e2e-{}", std::process::id()),
        };
        Program::new("kind")
            .args(["create", "cluster", "--wait=180s", "--name", &kind.name])
            .args(["--kubeconfig".as_ref(), folder.join("kubeconfig").as_path()])
            .output()
            .context("kind has to make a cluster (https://kind.sigs.k8s.io); it needs a container engine")?;
        Ok(kind)
    }

    /// An installation on it.
    pub(crate) fn cluster(&self, folder: &Path, images: Images) -> Result<Cluster> {
        let images = Images {
            load: Some(format!("kind load image-archive --name {}", self.name)),
            ..images
        };
        Cluster::new("kind", &folder.join("kubeconfig"), images)
    }
}

impl Drop for Kind {
    fn drop(&mut self) {
        let _held_off = HeldOff::begin();
        let _ = Program::new("kind")
            .args(["delete", "cluster", "--name", &self.name])
            .output();
    }
}
