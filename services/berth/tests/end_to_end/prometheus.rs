//! A Prometheus of the test's own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::process::{LIMIT, Running, free_address, get, poll};

/// The namespace that its targets are in.
pub(crate) const NAMESPACE: &str = "test";

/// A server that scrapes every second; killed when dropped.
pub(crate) struct Prometheus {
    address: String,
    _process: Running,
    _folder: TempDir,
}

impl Prometheus {
    /// Starts a server that scrapes the admin ports and evaluates the chart's rules.
    pub(crate) fn start(targets: &[Target], rules: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free_address().to_string();
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, settings(targets, rules)).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"));
        let mut process = Running::start(&mut command, &folder.path().join("prometheus"));
        poll("prometheus is ready", || {
            assert!(process.ended().is_none(), "{}", process.said());
            let (status, _) = get(&format!("http://{address}/-/ready"))?;
            (status == 200).then_some(())
        });
        Self {
            address,
            _process: process,
            _folder: folder,
        }
    }

    /// The series that an expression gives now.
    pub(crate) fn query(&self, expression: &str) -> Vec<Value> {
        let query = format!("/api/v1/query?query={}", escaped(expression));
        match &self.ask(&query)["data"]["result"] {
            Value::Array(series) => series.clone(),
            scalar => panic!("{expression} is no vector: {scalar}"),
        }
    }

    /// The number that an expression gives now.
    pub(crate) fn number(&self, expression: &str) -> Option<f64> {
        number(self.query(expression).first()?)
    }

    /// The rules, as it has read them.
    pub(crate) fn rules(&self) -> Vec<Value> {
        let groups = self.ask("/api/v1/rules")["data"]["groups"].clone();
        let groups = groups.as_array().unwrap().iter();
        groups
            .flat_map(|group| group["rules"].as_array().unwrap().clone())
            .collect()
    }

    /// Every series, with all its labels, as text.
    pub(crate) fn series(&self) -> String {
        let matched = escaped(&format!("{{namespace=\"{NAMESPACE}\"}}"));
        self.ask(&format!("/api/v1/series?match[]={matched}"))["data"].to_string()
    }

    /// HTTP/1.0: the answer comes in one piece.
    fn ask(&self, path: &str) -> Value {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let answered: Value = serde_json::from_str(body).unwrap();
        assert_eq!(answered["status"], "success", "{path}: {body}");
        answered
    }
}

/// Something that is scraped.
#[derive(Debug)]
pub(crate) struct Target {
    /// The function, as the chart labels it.
    pub(crate) function: String,
    /// Its admin port, `http://host:port`.
    pub(crate) url: String,
}

impl Target {
    /// Asks an admin port which function it belongs to.
    pub(crate) fn at(url: String) -> Self {
        let (_, version) = get(&format!("{url}/version")).unwrap();
        let version: Value = serde_json::from_str(&version).unwrap();
        Self {
            function: version["name"].as_str().unwrap().to_owned(),
            url,
        }
    }
}

/// The number of a series; `None` where it has none to show.
pub(crate) fn number(series: &Value) -> Option<f64> {
    let number: f64 = series["value"][1].as_str()?.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// Where the chart lies.
pub(crate) fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/berth")
}

/// One target a function, labelled as the chart's ServiceMonitor does.
fn settings(targets: &[Target], rules: &Path) -> String {
    let mut text = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         rule_files: [{}]\nscrape_configs:\n  - job_name: berth\n    static_configs:\n",
        rules.display()
    );
    for Target { function, url } in targets {
        let address = url.trim_start_matches("http://");
        text.push_str(&format!(
            "      - {{targets: ['{address}'], labels: {{namespace: {NAMESPACE}, function: {function}}}}}\n"
        ));
    }
    text
}

fn escaped(text: &str) -> String {
    let escape = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(octet).to_string(),
        _ => format!("%{octet:02X}"),
    };
    text.bytes().map(escape).collect()
}
