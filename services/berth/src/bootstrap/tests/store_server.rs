//! The list of users in a real server.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use store::{BackendKind, Class, Database, Kind, Store, StoreConfig};
use tempfile::TempDir;

use super::{Server, example, now, run};

const KINDS: [Kind; 2] = [Kind::new("first"), Kind::new("second")];

/// A server with the list of users that was made; killed when dropped.
struct StoreServer {
    child: Child,
    folder: TempDir,
}

impl StoreServer {
    fn start(secrets: &Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name, text| std::fs::write(folder.path().join(name), text).unwrap();
        write("users.acl", secrets.text("berth-store-users", "users.acl"));
        write("password", secrets.text("berth-aanf-store", "password"));
        let child = launch(folder.path());
        Self { child, folder }
    }

    /// Kills it, and starts another one on what it has left on the disk.
    fn crash(&mut self) {
        self.stop();
        self.child = launch(self.folder.path());
    }

    fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The store of the AAnF, as soon as the server answers.
    async fn connect(&self) -> Store {
        let file = |name| self.folder.path().join(name);
        let config = StoreConfig {
            backend: BackendKind::Redis,
            url: Some(format!("redis+unix://{}", file("socket").display())),
            username: Some("aanf".to_owned()),
            password_file: Some(file("password")),
            ..StoreConfig::default()
        };
        let begun = Instant::now();
        loop {
            match Database::open(&config).await {
                Ok(database) => return database.for_function("aanf").unwrap(),
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for StoreServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(folder: &Path) -> Child {
    let option = |name| folder.join(name);
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "yes"])
        .args(["--appendfsync", "always"])
        .args(["--maxmemory-policy", "noeviction"])
        .arg("--dir")
        .arg(folder)
        .arg("--unixsocket")
        .arg(option("socket"))
        .arg("--aclfile")
        .arg(option("users.acl"))
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A server reads its append-only file as its user `default`, and leaves out what that user may not do.
#[tokio::test]
async fn a_server_with_these_users_has_every_transaction_after_a_crash() {
    let secrets = Server::default();
    run(&secrets, &example(), now()).await.unwrap();
    let mut server = StoreServer::start(&secrets);

    let store = server.connect().await;
    let tag = store.tag("imsi-001010000000001").unwrap();
    let mut transaction = store.transaction(&tag, Class::Record);
    for kind in KINDS {
        transaction.add(kind, 7, None);
    }
    store.commit(transaction).await.unwrap();
    drop(store);

    server.crash();
    let store = server.connect().await;
    for kind in KINDS {
        assert_eq!(store.counter(&tag, kind).await.unwrap().count, 7);
    }
}
