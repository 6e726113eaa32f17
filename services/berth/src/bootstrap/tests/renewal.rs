//! What is renewed, and that nothing else is touched.

use nf_runtime::pki::CertificateFacts;

use super::*;

/// The Secrets whose contents differ.
fn changed(before: &BTreeMap<String, Value>, server: &Server) -> Vec<String> {
    let after = server.contents();
    after
        .into_iter()
        .filter(|(name, data)| before.get(name) != Some(data))
        .map(|(name, _)| name)
        .collect()
}

pub(super) async fn installed() -> (Server, BTreeMap<String, Value>) {
    let server = Server::default();
    run(&server, &example(), now()).await.unwrap();
    let contents = server.contents();
    (server, contents)
}

pub(super) async fn refusal(server: &Server, spec: &str) -> String {
    let before = server.contents();
    let error = run(server, spec, now()).await.unwrap_err();
    assert_eq!(server.contents(), before, "a refusal changes nothing");
    format!("{error:#}")
}

#[tokio::test]
async fn a_certificate_is_renewed_in_the_last_third_of_its_life() {
    let (server, before) = installed().await;
    run(&server, &example(), now() + 300 * DAY).await.unwrap();
    assert_eq!(
        changed(&before, &server),
        ["berth-aanf-tls", "berth-store-tls"]
    );
    let facts = CertificateFacts::read(&server.text("berth-aanf-tls", "tls.crt")).unwrap();
    assert!(facts.not_after > now() + 600 * DAY);
    assert_fits(&server);
}

#[tokio::test]
async fn a_certificate_whose_names_changed_is_renewed() {
    let (server, before) = installed().await;
    let spec = example().replace("\"berth-aanf.berth.svc\"", "\"berth-aanf.other.svc\"");
    run(&server, &spec, now()).await.unwrap();
    assert_eq!(changed(&before, &server), ["berth-aanf-tls"]);
    let facts = CertificateFacts::read(&server.text("berth-aanf-tls", "tls.crt")).unwrap();
    assert_eq!(facts.dns, ["berth-aanf", "berth-aanf.other.svc"]);
}

#[tokio::test]
async fn users_follow_their_passwords_and_rules() {
    let (server, before) = installed().await;
    let spec = example().replace("~* &* +@all", "~* &* +@read");
    run(&server, &spec, now()).await.unwrap();
    assert_eq!(changed(&before, &server), ["berth-store-users"]);
    server.delete("berth-admin-store");
    run(&server, &spec, now()).await.unwrap();
    assert_fits(&server);
}

#[tokio::test]
async fn a_password_keeps_its_authority_where_none_is_asked_for() {
    let (server, before) = installed().await;
    let user = "user = \"aanf\"                             # a function: its rule is known\n";
    let spec = example();
    let (above, below) = spec.split_once(user).unwrap();
    let spec = format!(
        "{above}{user}{}",
        below.replacen("authority = \"berth-ca\"", "", 1)
    );
    run(&server, &spec, now()).await.unwrap();
    assert!(changed(&before, &server).is_empty());
}

#[tokio::test]
async fn a_root_that_went_offline_stays_away() {
    let (server, _) = installed().await;
    server.delete("berth-operator-root");
    let before = server.contents();
    run(&server, &example(), now()).await.unwrap();
    assert_eq!(server.contents(), before);
}

#[tokio::test]
async fn what_others_made_is_kept_or_refused() {
    let (server, _) = installed().await;
    server.change("berth-aanf-tls", |object| {
        object["metadata"]["labels"] = Value::Null;
    });
    let before = server.contents();
    run(&server, &example(), now()).await.unwrap();
    assert_eq!(server.contents(), before);
    let other = example().replace("\"berth-aanf\",", "\"berth-anchor\",");
    let said = refusal(&server, &other).await;
    assert!(
        said.contains("berth-aanf-tls") && said.contains("not made by this command"),
        "{said}"
    );
}
