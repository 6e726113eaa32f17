//! What is lost is refused, whatever else is given, and nothing that was never there is taken for lost.

use super::renewal::{installed, refusal};
use super::*;

/// Two key-encryption keys and the operator's keys; everything else is given.
const KEYS: &str = r#"
[[secret]]
name = "root"
kind = "operator-root"
operator_id = "berth-operator"

[[secret]]
name = "keys"
kind = "operator-keys"
root = "root"

[[secret]]
name = "vault-kek"
kind = "key-encryption-key"
function = "vault"

[[secret]]
name = "inventory"
kind = "inventory"
given = ["aanf-kek"]
"#;

const AUSF: &str =
    "[[secret]]\nname = \"ausf-kek\"\nkind = \"key-encryption-key\"\nfunction = \"ausf\"\n";
const AANF: &str =
    "[[secret]]\nname = \"aanf-kek\"\nkind = \"key-encryption-key\"\nfunction = \"aanf\"\n";

async fn made() -> Server {
    let server = Server::default();
    run(&server, KEYS, now()).await.unwrap();
    server.delete("root");
    server
}

#[tokio::test]
async fn a_lost_authority_is_refused_unless_its_certificates_may_be_replaced() {
    let (server, before) = installed().await;
    server.delete("berth-ca");
    let said = refusal(&server, &example()).await;
    assert!(
        said.contains("berth-ca is lost") && said.contains("replace_lost"),
        "{said}"
    );
    let spec = format!("replace_lost = [\"berth-ca\"]\n{}", example());
    run(&server, &spec, now()).await.unwrap();
    assert_fits(&server);
    let kept = [
        "berth-aanf-kek",
        "berth-operator-keys",
        "berth-operator-root",
    ];
    for name in kept {
        assert_eq!(server.contents()[name], before[name], "{name}");
    }
    let password = |data: &Value| data["password"].clone();
    assert_eq!(
        password(&server.contents()["berth-aanf-store"]),
        password(&before["berth-aanf-store"])
    );
}

#[tokio::test]
async fn lost_keys_are_never_silently_made_anew() {
    let (server, _) = installed().await;
    server.delete("berth-aanf-kek");
    let said = refusal(&server, &example()).await;
    assert!(said.contains("berth-aanf-kek is lost"), "{said}");

    let (server, _) = installed().await;
    server.change("berth-operator-keys", |object| {
        object["data"].as_object_mut().unwrap().remove("signer.key");
    });
    let said = refusal(&server, &example()).await;
    assert!(
        said.contains("berth-operator-keys") && said.contains("restore the whole Secret"),
        "{said}"
    );

    let vault = example().replace("function = \"aanf\"", "function = \"vault\"");
    let server = Server::default();
    run(&server, &vault, now()).await.unwrap();
    for secret in ["berth-operator-keys", "berth-operator-root"] {
        server.delete(secret);
    }
    let said = refusal(&server, &vault).await;
    assert!(said.contains("berth-operator-keys is lost"), "{said}");
}

#[tokio::test]
async fn each_key_is_missed_where_everything_else_is_given() {
    for name in ["vault-kek", "keys"] {
        let server = made().await;
        server.delete(name);
        let said = refusal(&server, KEYS).await;
        assert!(said.contains(&format!("{name} is lost")), "{said}");
        assert!(said.contains("bootstrap.replaceLost"), "{said}");
        let spec = format!("replace_lost = [\"{name}\"]\n{KEYS}");
        run(&server, &spec, now()).await.unwrap();
    }
}

#[tokio::test]
async fn the_vaults_part_is_made_again_from_the_root() {
    let server = Server::default();
    run(&server, KEYS, now()).await.unwrap();
    let before = server.contents();
    server.delete("keys");
    run(&server, KEYS, now()).await.unwrap();
    assert_eq!(server.contents(), before);
}

#[tokio::test]
async fn a_function_that_is_new_gets_its_key() {
    let server = made().await;
    let more = format!("{KEYS}{AUSF}");
    run(&server, &more, now()).await.unwrap();
    server.delete("ausf-kek");
    let said = refusal(&server, &more).await;
    assert!(said.contains("ausf-kek is lost"), "{said}");
    // Nobody who does not ask for it is held up by its loss.
    run(&server, KEYS, now()).await.unwrap();
    let said = refusal(&server, &more).await;
    assert!(said.contains("ausf-kek is lost"), "{said}");
}

#[tokio::test]
async fn a_given_key_that_is_given_no_more_is_not_drawn() {
    let server = made().await;
    let more = format!("{}{AANF}", KEYS.replace("given = [\"aanf-kek\"]", ""));
    let said = refusal(&server, &more).await;
    assert!(said.contains("aanf-kek is lost"), "{said}");
}

#[tokio::test]
async fn an_installation_from_before_the_inventory_goes_on() {
    let server = made().await;
    server.delete("inventory");
    let more = format!("{KEYS}{AUSF}");
    let before = server.contents();
    run(&server, &more, now()).await.unwrap();
    for (name, data) in before {
        assert_eq!(server.contents()[&name], data, "{name}");
    }
    assert_eq!(
        server.text("inventory", "names"),
        "aanf-kek\nausf-kek\nkeys\nvault-kek\n"
    );
}
