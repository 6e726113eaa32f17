//! Kills a process that writes to a database file, again and again: no acknowledged write may be lost.
//!
//! The test starts itself as the process to be killed, therefore it has a `main` of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use store::{Class, Database, Kind, Names, Record, Store, StoreConfig, Version};
use tokio::task::JoinSet;

#[derive(Clone, PartialEq, prost::Message)]
struct Note {
    #[prost(uint64, tag = "1")]
    number: u64,
}

impl Record for Note {
    const KIND: Kind = Kind::new("note");
    const SCHEMA: u16 = 1;
}

const COUNT: Kind = Kind::new("count");
const WRITERS: u64 = 8;
const ROUNDS: usize = 6;
/// Acknowledgements after which the process is killed.
const KILL_AFTER: usize = 400;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("write"), Some(path)) => write(Path::new(&path)).await,
        _ => kill_and_look().await,
    }
}

async fn open(path: &Path) -> (Database, Store) {
    let database = Database::open(&StoreConfig::redb(path)).await.unwrap();
    let store = database.for_function("vault").unwrap();
    (database, store)
}

/// Writes for ever, and tells of each acknowledged write: writer, number, version.
async fn write(path: &Path) {
    let (_database, store) = open(path).await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move {
            let tag = store.tag(&writer.to_string()).unwrap();
            loop {
                let mut transaction = store.transaction(&tag, Class::Record);
                let index = transaction.add(COUNT, 1, None);
                transaction.append(&Note { number: writer }, None);
                let committed = store.commit(transaction).await.unwrap();
                let (count, version) = (committed.counter(index), committed.version.get());
                let mut out = std::io::stdout().lock();
                writeln!(out, "{writer} {count} {version}").unwrap();
            }
        });
    }
    writers.join_all().await;
}

async fn kill_and_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.redb");
    let mut acknowledged = vec![(0_u64, 0_u64); usize::try_from(WRITERS).unwrap()];
    let mut all = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg("write")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().unwrap()).collect();
            let [writer, count, version] = numbers[..] else {
                panic!("{line}");
            };
            let last = &mut acknowledged[usize::try_from(writer).unwrap()];
            assert!(count > last.0, "counts grow across crashes");
            assert!(version > last.1, "versions grow across crashes");
            *last = (count, version);
            seen += 1;
            if seen == KILL_AFTER {
                // What it still wrote into the pipe is read too: that was acknowledged as well.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= KILL_AFTER, "the process ended by itself");
        all += seen;
        look(&path, &acknowledged, round).await;
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{all} acknowledged writes, {ROUNDS} kills, none lost").unwrap();
}

async fn look(path: &Path, acknowledged: &[(u64, u64)], round: usize) {
    let (database, store) = open(path).await;
    for (writer, (count, version)) in acknowledged.iter().enumerate() {
        let tag = store.tag(&writer.to_string()).unwrap();
        let found = store.counter(&tag, COUNT).await.unwrap();
        assert!(
            found.count >= *count,
            "round {round}: writer {writer} lost writes"
        );
        assert!(found.version >= Some(Version::new(*version)));
        // The counter and the journal were written together.
        let mut entries = 0;
        let mut names = Names::all();
        loop {
            let page = store.list::<Note>(&tag, &names, 500).await.unwrap();
            let Some((last, _)) = page.last() else { break };
            names = Names::all().after(last);
            entries += page.len() as u64;
        }
        assert_eq!(entries, found.count, "round {round}: half a transaction");
    }
    database.close().await;
}
