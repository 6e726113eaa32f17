//! What the server lets a function's user do: enough, nothing of other functions, and nothing that is not used.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use store::{
    Class, Database, Error, Function, Hint, Names, OpenError, Record, Shape, StoreConfig, acl_rule,
};
use tempfile::NamedTempFile;

use crate::bench::{COUNT, Note, note};
use crate::outbox;
use crate::redis_server::RedisServer;

/// Users with the rights of functions, all with one password.
pub(crate) struct Users {
    acl: NamedTempFile,
    password: NamedTempFile,
}

const PASSWORD: &str = "secret-of-functions";

impl Users {
    pub(crate) fn of(functions: &[&str]) -> Self {
        let rules = functions.iter().map(|name| (*name, rule(name)));
        Self::with_rules(rules)
    }

    /// Users with any rights. The tests' own user may do everything.
    fn with_rules<'a>(rules: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let mut acl = "user default on nopass ~* &* +@all\n".to_owned();
        for (name, rule) in rules {
            writeln!(acl, "user {name} on >{PASSWORD} {rule}").unwrap();
        }
        let users = Self {
            acl: NamedTempFile::new().unwrap(),
            password: NamedTempFile::new().unwrap(),
        };
        std::fs::write(users.acl.path(), acl).unwrap();
        std::fs::write(users.password.path(), format!("{PASSWORD}\n")).unwrap();
        users
    }

    pub(crate) async fn start_server(&self, options: &[&str]) -> RedisServer {
        let path = self.acl.path().to_string_lossy();
        let mut all = vec!["--aclfile", &*path];
        all.extend(options);
        RedisServer::start_tcp(&all).await
    }

    pub(crate) fn config(&self, user: &str, server: &RedisServer) -> StoreConfig {
        StoreConfig {
            username: Some(user.to_owned()),
            password_file: Some(self.password.path().to_owned()),
            ..StoreConfig::redis(server.url())
        }
    }
}

fn rule(function: &str) -> String {
    acl_rule(&Function::parse(function).unwrap())
}

#[test]
fn the_readme_shows_the_rule() {
    let readme = include_str!("../../README.md");
    let line = format!("user aanf on >PASSWORD {}", rule("aanf"));
    assert!(readme.contains(&line), "README.md lacks:\n{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_function_can_be_reached() {
    let users = Users::of(&["aanf", "vault"]);
    let server = users.start_server(&[]).await;
    let vault = Database::open(&users.config("vault", &server))
        .await
        .unwrap()
        .for_function("vault")
        .unwrap();
    let tag = vault.tag("t").unwrap();
    let mut transaction = vault.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    transaction.put_named("x", &note(1));
    vault.commit(transaction).await.unwrap();

    // The library of another function, with the user of this one.
    let database = Database::open(&users.config("aanf", &server))
        .await
        .unwrap();
    let foreign = database.for_function("vault").unwrap();
    assert!(foreign.read::<Note>(&tag).await.is_err());
    let all = Names::all();
    assert!(foreign.list::<Note>(&tag, &all, 1).await.is_err());
    assert!(foreign.watch_tag(&tag).await.is_err());
    let mut transaction = foreign.transaction(&tag, Class::Session);
    transaction.put(&note(2));
    let refused = foreign.commit(transaction).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");

    // And by hand.
    let ask = async |command: &str| server.ask_as("aanf", PASSWORD, command).await;
    for command in [
        "GET vault:{t}:note",
        "MGET aanf:{t}:note vault:{t}:note",
        "SET vault:{t}:note x",
        "DEL aanf:{t}:note vault:{t}:note",
        "ZADD vault:{t}:note# 0 y",
        "ZRANGEBYLEX vault:{t}:note# - +",
        "GET aanf-2:{t}:note",
        "SUBSCRIBE vault:note",
        "SUBSCRIBE aanf:note vault:{t}",
        "PSUBSCRIBE *",
        "PUBLISH vault:note vault:{t}:note",
        "EVAL return\tredis.call('GET',KEYS[1]) 1 vault:{t}:note",
        "FLUSHALL",
        "FLUSHDB",
        "SWAPDB 0 1",
        "KEYS *",
        "RANDOMKEY",
        "RENAME aanf:{t}:note vault:{t}:note",
        "COPY vault:{t}:note aanf:{t}:note",
        "SORT aanf:{t}:note GET vault:*",
        "SCRIPT FLUSH",
        "FUNCTION FLUSH",
        "CLIENT KILL TYPE normal",
        "CLIENT PAUSE 1000",
        "CONFIG SET appendonly no",
        "ACL LIST",
        "REPLICAOF NO ONE",
        "MONITOR",
        "SHUTDOWN NOSAVE",
        "INFO",
    ] {
        let refused = ask(command).await.unwrap_err();
        assert_eq!(refused.code(), Some("NOPERM"), "{command}: {refused}");
    }
    // A script has the rights of the user who calls it, whether it names its keys or not.
    for (script, arguments) in [
        ("return\tredis.call('GET',KEYS[1])", "1 vault:{t}:note"),
        ("return\tredis.call('GET',ARGV[1])", "0 vault:{t}:note"),
        ("return\tredis.call('DEL',ARGV[1])", "0 vault:{t}:note"),
        ("return\tredis.call('PUBLISH',ARGV[1],'')", "0 vault:note"),
        ("return\tredis.call('FLUSHALL')", "0"),
    ] {
        let hash = ask(&format!("SCRIPT LOAD {script}")).await.unwrap();
        let hash: String = redis::from_redis_value(hash).unwrap();
        let refused = ask(&format!("EVALSHA {hash} {arguments}"))
            .await
            .unwrap_err();
        let text = refused.to_string();
        let names_the_right = ["ACL failure", "executing the script can't"]
            .iter()
            .any(|said| text.contains(said));
        assert!(
            refused.code() == Some("NOPERM") || names_the_right,
            "{script}: {text}"
        );
    }
    let read = vault.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(read.record.number, 1);
    assert_eq!(vault.list::<Note>(&tag, &all, 9).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_right_is_given_that_is_not_used() {
    let users = Users::of(&["aanf"]);
    let server = users.start_server(&["--min-replicas-to-write", "1"]).await;
    let _replica = server.start_replica().await;
    let config = StoreConfig {
        replicas: 1,
        url: Some(format!("{}?db=1", server.url())),
        ..users.config("aanf", &server)
    };
    let database = Database::open(&config).await.unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("t").unwrap();
    let mut watch = store.watch_tag(&tag).await.unwrap();
    let minute = std::time::Duration::from_secs(60);
    for ttl in [Some(minute), Some(2 * minute), None] {
        let mut transaction = store.transaction(&tag, Class::Record);
        let written = transaction.put_named("x", &note(1));
        if let Some(ttl) = ttl {
            written.expires_in(ttl);
        }
        transaction.add(COUNT, 1, None);
        transaction.append(&note(2), ttl);
        store.commit(transaction).await.unwrap();
    }
    assert!(matches!(watch.next().await, Some(Hint::Changed(_))));
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.delete_named::<Note>("x");
    store.commit(transaction).await.unwrap();
    store.counter(&tag, COUNT).await.unwrap();
    let all = Names::all();
    assert_eq!(store.list::<Note>(&tag, &all, 9).await.unwrap().len(), 3);
    store.tags(Note::KIND, Shape::Named, None).await.unwrap();
    database.ping().await.unwrap();

    let statistics = server.ask("INFO commandstats").await;
    let used: BTreeSet<&str> = statistics
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split(':').next())
        .collect();
    let rule = rule("aanf");
    let unused: Vec<&str> = rule
        .split(' ')
        .filter_map(|right| right.strip_prefix('+'))
        .filter(|command| !used.contains(command))
        .collect();
    assert!(unused.is_empty(), "unused: {unused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_lacks_a_right_is_told_and_writes_no_half_transaction() {
    let without = |right: &str| format!("{} -{right}", rule("aanf"));
    let users = Users::with_rules([
        ("aanf", rule("aanf")),
        ("no-config", without("config|get")),
        ("half", without("zadd")),
    ]);
    let server = users.start_server(&[]).await;

    let database = Database::open(&users.config("aanf", &server))
        .await
        .unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("t").unwrap();
    outbox::send(&store, &tag, "registration", 5).await;
    outbox::reopened(&database, &[5]).await;

    // The settings cannot be checked by a user that may not read them.
    let mut config = users.config("no-config", &server);
    assert!(matches!(
        Database::open(&config).await,
        Err(OpenError::SettingsUnreadable { .. })
    ));
    config.settings_vouched = true;
    Database::open(&config).await.unwrap();

    let database = Database::open(&users.config("half", &server))
        .await
        .unwrap();
    let store = database.for_function("aanf").unwrap();
    let tag = store.tag("half").unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(1));
    store.commit(transaction).await.unwrap();
    let mut transaction = store.transaction(&tag, Class::Session);
    transaction.put(&note(2));
    transaction.put_named("x", &note(2));
    let refused = store.commit(transaction).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { .. }), "{refused}");
    let read = store.read::<Note>(&tag).await.unwrap().unwrap();
    assert_eq!(read.record.number, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_password_is_reported_with_a_hint() {
    let users = Users::of(&["aanf"]);
    let path = users.acl.path();
    let acl = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, acl.replace("on nopass", "on >of-the-tests")).unwrap();
    let server = users.start_server(&[]).await;
    std::fs::write(users.password.path(), "wrong").unwrap();
    let mut config = users.config("aanf", &server);
    for _ in 0..2 {
        match Database::open(&config).await {
            Err(OpenError::Refused { hint, .. }) => assert!(hint.contains("password"), "{hint}"),
            other => panic!("{other:?}"),
        }
        config.username = None;
        config.password_file = None;
    }
}
