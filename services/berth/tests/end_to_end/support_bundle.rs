//! A support bundle holds nothing that must not leave an installation, wherever it stood.

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Command;

use data_encoding::{BASE64, HEXLOWER};
use flate2::read::GzDecoder;
use nf_runtime::random::Random;
use serde_json::json;

use crate::process::{berth, output, said};
use crate::search::{Search, contains};

const IDENTIFIERS: [&str; 7] = [
    "imsi-001010000000042",
    "001010000000042",
    "msisdn-491234567890",
    "dev_otd33q6vyfeddciqlka2ekk32fqxt5eu",
    "ue-abcdefgh@msgin5g.berth.test",
    "sub_01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "ORDERCODEABCDEFGHIJKLMNO27",
];
const PASSWORD: &str = "correct-horse";
/// What is said with a password in it. `%` stands for the password.
const WITH_PASSWORD: [&str; 14] = [
    "password = \"%\"",
    "store_password = \"% and more %\"",
    "redis://aanf:%@127.0.0.1:6379/0",
    "REDIS_PASSWORD=%",
    "BERTH__STORE__VAULT__PASSWORD=%",
    "requirepass %",
    "masterauth %",
    "client_secret=%abc",
    "secret: %abc",
    "{\"name\":\"REDIS_PASSWORD\",\"value\":\"%\"}",
    "{\"message\":\"x\\npassword = \\\"%\\\"\\n\"}",
    "redis-server --requirepass % --port 1",
    "user aanf on >% ~aanf:*",
    "Cookie: session=1; other=%",
];

/// Keys and identifiers in every form in which somebody might have written them.
struct Planted {
    key: [u8; 32],
    short_key: [u8; 16],
    pem: String,
}

impl Planted {
    fn draw(seed: u64) -> Self {
        let random = Random::seeded(seed);
        let pem = BASE64.encode(&random.array::<96>());
        Self {
            key: random.array(),
            short_key: random.array(),
            pem,
        }
    }

    fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (at, key) in [&self.key[..], &self.short_key[..]].into_iter().enumerate() {
            let (hex, base64) = (HEXLOWER.encode(key), BASE64.encode(key));
            let upper = hex.to_uppercase();
            let escaped = key.escape_ascii();
            text.extend(
                format!(
                    "{{\"level\":\"info\",\"key\":\"{hex}\"}}\nkey={upper};{at}\nkey {key:?} and b\"{escaped}\"\n\
                     x {base64} y\nlist {}\n",
                    json!(key)
                )
                .bytes(),
            );
            text.extend([b"raw <", key, b">\n"].concat());
        }
        for identifier in IDENTIFIERS {
            text.extend(format!("{{\"who\":\"{identifier}\"}} id={identifier},\n").bytes());
        }
        text.extend(b"msisdn=88200000001\n");
        for said in WITH_PASSWORD {
            text.extend(format!("{}\n", said.replace('%', PASSWORD)).bytes());
        }
        let pem = &self.pem;
        text.extend(
            format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n",
                &pem[..64],
                &pem[64..]
            )
            .bytes(),
        );
        text.extend(format!("\"-----BEGIN EC PRIVATE KEY-----\\n{pem}\"\n").bytes());
        text
    }

    fn search(&self) -> Search {
        let mut search = Search::default();
        search.secret("key", &self.key);
        search.secret("short key", &self.short_key);
        search.text("PEM", &self.pem[..64]);
        search.text("end of PEM", &self.pem[64..]);
        search.text("password", PASSWORD);
        search.text("bare number", "88200000001");
        for identifier in IDENTIFIERS {
            search.text(identifier, identifier);
        }
        search
    }
}

/// An admin port that says the same to everybody.
fn admin(body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.unwrap(), &body);
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, body: &[u8]) {
    let mut request = [0; 1024];
    let _ = stream.read(&mut request).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
}

pub(crate) fn unpacked(path: &Path) -> Vec<u8> {
    let mut octets = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    GzDecoder::new(file).read_to_end(&mut octets).unwrap();
    octets
}

/// Files that nobody expects among logs.
fn odd_files(folder: &Path) {
    let mut large = b"password = ".repeat(500_000);
    large.extend(b"\nthe last line of many octets\n");
    std::fs::write(folder.join("large.log"), large).unwrap();
    std::fs::write(folder.join(OsStr::from_bytes(b"\xff\xfe.log")), "x").unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.join("endless.log")).unwrap();
    let made = Command::new("mkfifo").arg(folder.join("fifo.log")).status();
    assert!(made.unwrap().success());
}

#[test]
fn what_names_nothing_is_told_before_anything_is_collected() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("berth.tar.gz");
    for option in ["--target", "--config"] {
        let mut command = berth();
        command.args(["support-bundle", option, "/nowhere", "--output"]);
        let ran = output(command.arg(&file));
        assert_eq!(ran.status.code(), Some(1));
        assert!(said(&ran).contains("/nowhere"), "{}", said(&ran));
        assert!(!file.exists());
    }
    let settings = folder.path().join("berth.toml");
    std::fs::write(&settings, "").unwrap();
    std::fs::write(&file, "old").unwrap();
    let mut command = berth();
    command.args(["support-bundle", "--config"]).arg(&settings);
    let ran = output(command.arg("--output").arg(&file));
    assert_eq!(ran.status.code(), Some(1));
    assert!(
        said(&ran).contains("it exists already: name another file"),
        "{}",
        said(&ran)
    );
    assert_eq!(std::fs::read(&file).unwrap(), b"old");
}

#[test]
fn a_bundle_holds_no_key_and_no_whole_identifier() {
    let seed = 20_261_121;
    let planted = Planted::draw(seed);
    let folder = tempfile::tempdir().unwrap();
    let processes = folder.path().join("processes");
    std::fs::create_dir(&processes).unwrap();
    let text = planted.text();
    assert!(
        !planted.search().found(&text).is_empty(),
        "the search finds them"
    );
    let log = [b"first line\n", &text[..], b"last line\n"].concat();
    std::fs::write(processes.join("ausf.log"), log).unwrap();
    std::fs::write(processes.join("ausf.toml"), &text).unwrap();
    odd_files(&processes);
    let closed = "127.0.0.1:9";
    let endpoints = json!({
        "ausf": closed, "vault": closed, "aanf": closed, "configuration_management": closed,
        "subscription_manager": closed, "msgin5g_server": closed, "certificate_fetcher": closed,
        "portal_url": format!("https://owner:{PASSWORD}@localhost"), "coaps_uri": "coaps://127.0.0.1:9",
        "msgin5g_af_fqdn": "msgin5g.berth.test", "admin_urls": [admin(text.clone()), "http://127.0.0.1:9"],
        "ca": folder.path().join("ca.crt"), "admin_cert": folder.path().join("admin.crt"),
        "admin_key": folder.path().join("admin.key"), "trust_domain": "berth.test", "version": "0.1.0",
    });
    std::fs::write(folder.path().join("admin.key"), &text).unwrap();
    std::fs::write(folder.path().join("endpoints.json"), endpoints.to_string()).unwrap();

    let bundle = folder.path().join("berth.tar.gz");
    let mut command = berth();
    command.args(["support-bundle", "--output"]).arg(&bundle);
    command
        .arg("--target")
        .arg(folder.path().join("endpoints.json"));
    let ran = output(&mut command);
    assert!(ran.status.success(), "{}", said(&ran));

    let octets = unpacked(&bundle);
    let found: Vec<_> = planted
        .search()
        .found(&octets)
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert!(found.is_empty(), "seed {seed}: {found:?} in the bundle");
    assert!(planted.search().found(said(&ran).as_bytes()).is_empty());
    for kept in [
        "manifest.json",
        "endpoints.json",
        "ausf.log",
        "ausf.toml",
        "first line",
        "last line",
        "check.jsonl",
        "imsi-00101…042",
        "127.0.0.1-9/metrics",
        "it is no regular file",
        "the last line of many octets",
    ] {
        assert!(contains(&octets, kept), "{kept}");
    }

    let again = output(&mut command);
    assert!(
        !again.status.success(),
        "an old bundle is never overwritten"
    );
}
