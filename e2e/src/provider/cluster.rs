//! Any Kubernetes that `KUBECONFIG` names, by helm and kubectl.

mod network;
mod pods;
mod rendered;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Answer, Provider, ROLES, Replica};
use crate::interrupt::{self, HeldOff};
use crate::program::{Background, Program, poll, say};
use crate::report::Report;

/// The release, and with that the beginning of every name.
const RELEASE: &str = "berth";
/// How long a release may take to be ready, and a pod to be replaced.
const READY: Duration = Duration::from_secs(300);

/// What a cluster is given.
pub(crate) struct Images {
    /// Archives to load, if the cluster has no registry that has them.
    pub(crate) archives: Vec<PathBuf>,
    /// Their tag.
    pub(crate) tag: String,
    /// The command that loads one archive.
    pub(crate) load: Option<String>,
}

/// An installation in a namespace of its own.
pub(crate) struct Cluster {
    name: &'static str,
    kubeconfig: PathBuf,
    images: Images,
    namespace: String,
    /// Where pods find the API server.
    api: SocketAddr,
    installed: bool,
    loaded: bool,
    replicas: usize,
    stories: Option<Stories>,
    folder: tempfile::TempDir,
}

/// Stories that go on in a pod.
struct Stories {
    log: PathBuf,
    follower: Background,
}

impl Cluster {
    pub(crate) fn new(name: &'static str, kubeconfig: &Path, images: Images) -> Result<Self> {
        let mut cluster = Self {
            name,
            kubeconfig: kubeconfig.to_owned(),
            images,
            namespace: String::new(),
            api: SocketAddr::from(([0, 0, 0, 0], 0)),
            installed: false,
            loaded: false,
            replicas: 1,
            stories: None,
            folder: tempfile::tempdir()?,
        };
        cluster.program("helm").args(["version"]).output()?;
        cluster
            .program("kubectl")
            .args(["get", "--raw", "/version"])
            .output()
            .context("the cluster does not answer")?;
        cluster.api = cluster.api_server()?;
        Ok(cluster)
    }

    fn program(&self, name: &str) -> Program {
        Program::new(name).env("KUBECONFIG", &self.kubeconfig)
    }

    fn kubectl(&self, arguments: &[&str]) -> Program {
        self.program("kubectl")
            .args(["--namespace", &self.namespace])
            .args(arguments)
    }

    fn get(&self, arguments: &[&str]) -> Result<Value> {
        let text = self
            .kubectl(&["get", "--output", "json"])
            .args(arguments)
            .output()?;
        Ok(serde_json::from_str(&text)?)
    }

    fn helm(&self, arguments: &[&str]) -> Program {
        self.program("helm")
            .args(["--namespace", &self.namespace])
            .args(arguments)
    }

    /// An endpoint of the API server.
    fn api_server(&self) -> Result<SocketAddr> {
        let slices = self.get(&[
            "endpointslices",
            "--namespace=default",
            "--selector=kubernetes.io/service-name=kubernetes",
        ])?;
        let slice = items(&slices).next();
        let slice = slice.context("the API server has no endpoint")?;
        let address = slice["endpoints"][0]["addresses"][0].as_str();
        let port = slice["ports"][0]["port"].as_u64();
        let (address, port) = address.zip(port).context("an endpoint has an address")?;
        Ok(SocketAddr::new(address.parse()?, u16::try_from(port)?))
    }

    fn load_images(&mut self) -> Result<()> {
        if self.loaded {
            return Ok(());
        }
        if let Some(load) = &self.images.load {
            for archive in &self.images.archives {
                let line = format!("{load} \"$0\"");
                Program::new("sh")
                    .args(["-c", &line])
                    .args([archive])
                    .output()
                    .with_context(|| format!("BERTH_E2E_LOAD_IMAGE ({load})"))?;
            }
        }
        self.loaded = true;
        Ok(())
    }

    /// The settings of this installation: `e2e/values.yaml`, the images that were built, the replicas.
    fn settings(&self) -> Vec<String> {
        let (api, port) = (self.api.ip(), self.api.port());
        let bits = match api {
            IpAddr::V4(_) => 32,
            IpAddr::V6(_) => 128,
        };
        // A private address that the fetcher may reach all the same.
        let may = json!([{"cidr": format!("{api}/{bits}"), "ports": [port]}]);
        vec![
            "charts/berth".to_owned(),
            "--values=e2e/values.yaml".to_owned(),
            format!("--set=image.tag={}", self.images.tag),
            format!("--set=store.builtin.image.tag={}", self.images.tag),
            format!("--set=defaults.replicas={}", self.replicas),
            format!(
                "--set=config.telemetry.otlp_endpoint=http://{}.{}.svc:4317",
                pods::TRACE_SINK,
                self.namespace
            ),
            format!("--set-json=networkPolicy.fetcher.allow={may}"),
            "--wait".to_owned(),
            format!("--timeout={}s", READY.as_secs()),
        ]
    }

    /// Waits until every workload of the release has what it wants, and nothing of the past is left.
    fn wait_until_whole(&self) -> Result<()> {
        poll("all workloads whole", READY, || {
            let workloads = self.get(&["deployments,statefulsets", "--selector", SELECTOR])?;
            let whole = items(&workloads).all(|workload| {
                let wanted = workload["spec"]["replicas"].as_u64();
                let status = &workload["status"];
                let seen = status["observedGeneration"].as_u64();
                status["readyReplicas"].as_u64() == wanted
                    && status["updatedReplicas"].as_u64() == wanted
                    && seen == workload["metadata"]["generation"].as_u64()
            });
            Ok(whole.then_some(()))
        })
    }
}

const SELECTOR: &str = "app.kubernetes.io/instance=berth";

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list["items"].as_array().into_iter().flatten()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn component(object: &Value) -> &str {
    object["metadata"]["labels"]["app.kubernetes.io/component"]
        .as_str()
        .unwrap_or_default()
}

impl Provider for Cluster {
    fn name(&self) -> &'static str {
        self.name
    }

    fn install(&mut self, replicas: usize) -> Result<()> {
        self.load_images()?;
        self.replicas = replicas;
        self.namespace = format!("berth-e2e-{}-{replicas}", std::process::id());
        let made = self
            .program("kubectl")
            .args(["create", "namespace", &self.namespace])
            .output();
        // Whoever is interrupted here does not know.
        self.installed = made.is_ok() || interrupt::is_asked();
        made?;
        // Every pod, those of hooks and tests too, is held to the restricted level by the API server.
        self.program("kubectl")
            .args(["label", "namespace", &self.namespace])
            .args(["pod-security.kubernetes.io/enforce=restricted"])
            .output()?;
        self.start_trace_sink()?;
        let begin = std::time::Instant::now();
        self.helm(&["install", RELEASE])
            .args(self.settings())
            .output()?;
        self.helm(&["test", RELEASE, "--logs", "--timeout=120s"])
            .output()?;
        let took = begin.elapsed();
        say(&format!(
            "    helm install and helm test: {:.1} s with {replicas} of each role",
            took.as_secs_f64()
        ));
        ensure!(
            took < Duration::from_secs(90),
            "the first device was registered only after {took:?}"
        );
        Ok(())
    }

    fn play(&mut self, stories: usize) -> Result<Report> {
        let pod = self.run_stories("stories", &["--story", "--repeat", &stories.to_string()])?;
        let (succeeded, text) = self.end_of(&pod)?;
        let report = Report::read(&text)?;
        ensure!(succeeded, "{report}\n{text}");
        Ok(report)
    }

    fn start_stories(&mut self) -> Result<()> {
        let pod = self.run_stories("endless-stories", &["--story", "--until-stopped"])?;
        self.running(&pod)?;
        let log = self.folder.path().join(format!("{pod}.log"));
        // What an earlier pod of the name has said is told already.
        let _ = fs::remove_file(&log);
        let follower = self.kubectl(&["logs", "--follow", &pod]).spawn(&log)?;
        self.stories = Some(Stories {
            log: log.clone(),
            follower,
        });
        poll("the first story's end", READY, || {
            Ok(Report::stories_in(&fs::read_to_string(&log)?)
                .gt(&0)
                .then_some(()))
        })
    }

    fn stop_stories(&mut self) -> Result<Report> {
        let mut stories = self.stories.take().context("no stories go on")?;
        self.kubectl(&["delete", "pod", "endless-stories", "--grace-period=90"])
            .output()?;
        stories
            .follower
            .ended(READY)
            .context("the stories' last words")?;
        Report::read(&fs::read_to_string(&stories.log)?)
    }

    fn stories_so_far(&mut self) -> Result<usize> {
        let stories = self.stories.as_ref().context("no stories go on")?;
        Ok(Report::stories_in(&fs::read_to_string(&stories.log)?))
    }

    fn replicas(&mut self) -> Result<Vec<Replica>> {
        let pods = self.get(&["pods", "--selector", SELECTOR])?;
        let known = |role: &str| ROLES.contains(&role) || role == "store";
        Ok(items(&pods)
            .filter(|pod| known(component(pod)) && pod["metadata"]["deletionTimestamp"].is_null())
            .map(|pod| Replica {
                role: component(pod).to_owned(),
                name: name(pod),
            })
            .collect())
    }

    fn kill(&mut self, replica: &Replica) -> Result<()> {
        let uid = |pod: &Value| pod["metadata"]["uid"].clone();
        // The next pod of a StatefulSet has the same name.
        let killed = uid(&self.get(&["pod", &replica.name])?);
        self.kubectl(&["delete", "pod", &replica.name])
            .args(["--grace-period=0", "--force", "--wait=false"])
            .output()?;
        poll("the killed pod's end", READY, || {
            let pods = self.get(&["pods", "--selector", SELECTOR])?;
            let is_there = items(&pods).any(|pod| uid(pod) == killed);
            Ok((!is_there).then_some(()))
        })?;
        self.wait_until_whole()
    }

    fn upgrade(&mut self) -> Result<()> {
        self.helm(&["upgrade", RELEASE])
            .args(self.settings())
            .args(["--set-string=defaults.podAnnotations.revision=next"])
            .output()?;
        self.wait_until_whole()
    }

    fn roll_back(&mut self) -> Result<()> {
        self.helm(&["rollback", RELEASE, "--wait"]).output()?;
        self.wait_until_whole()
    }

    fn secrets(&mut self) -> Result<BTreeMap<String, String>> {
        let secrets = self.get(&["secrets"])?;
        Ok(items(&secrets)
            // Helm keeps its own history there.
            .filter(|secret| secret["type"] != json!("helm.sh/release.v1"))
            .map(|secret| {
                let digest = Sha256::digest(secret["data"].to_string());
                (name(secret), HEXLOWER.encode(&digest))
            })
            .collect())
    }

    fn metrics(&mut self, replica: &Replica) -> Result<String> {
        self.metrics_of(&replica.name)
    }

    fn ue(&mut self, device: &str, arguments: &[&str]) -> Result<Answer> {
        let state = format!("/tmp/devices/{device}");
        self.kubectl(&["exec", "deployment/berth-lab", "--", "/ue"])
            .args(["--json", "--state", &state])
            .args(arguments)
            .answer()
    }

    fn laboratory(&self) -> String {
        "/tmp/lab".to_owned()
    }

    fn refusals(&mut self) -> Result<()> {
        self.run_check("refusals", &["--refusals"]).map(drop)
    }

    fn own_checks(&mut self) -> Vec<(&'static str, Result<()>)> {
        vec![
            ("network-policies", network::walk(self)),
            ("restricted-pods", self.restricted()),
        ]
    }

    fn evidence(&mut self, folder: &Path) {
        self.collect(folder);
    }

    fn remove(&mut self) -> Result<()> {
        if !self.installed {
            return Ok(());
        }
        drop(self.stories.take());
        let uninstalled = self
            .helm(&["uninstall", RELEASE, "--wait", "--ignore-not-found"])
            .output();
        // Whatever helm says, nothing may stay on somebody's cluster.
        let deleted = self
            .program("kubectl")
            .args(["delete", "namespace", &self.namespace])
            .args(["--ignore-not-found", "--timeout=180s"])
            .output();
        self.installed = deleted.is_err();
        match (uninstalled, deleted) {
            (Err(error), Err(then)) => Err(error.context(format!("{then:#}"))),
            (Err(error), _) | (_, Err(error)) => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _held_off = HeldOff::begin();
        // The run has failed before; what is left is only untidy.
        let _ = self.remove();
    }
}
